"""The worker that ours is measured against: a message, a transaction, a state; the broker's message is
acknowledged at once by paho. It writes to the same tables with the least that gives the same cart for scans in
order."""

import json
import os
import sys
import uuid
from datetime import UTC, datetime
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from shared.contracts.channels import EVENTS, STATE


def main() -> None:
    database = psycopg.connect(os.environ["DATABASE_URL"])
    where = urlsplit(os.environ["MQTT_URL"])
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="ingest-0", clean_session=False)
    client.username_pw_set("ingest-0", os.environ["MQTT_SERVICE_PASSWORD"])

    def on_connect(client: mqtt.Client, *_: object) -> None:
        client.subscribe(EVENTS.filter, 1)

    def on_subscribe(*_: object) -> None:
        print("ready", flush=True)

    def on_message(client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        ids = EVENTS.parse(message.topic)
        assert ids is not None
        event = json.loads(message.payload)
        state = _apply(database, int(ids["cart"]), event, message.payload)
        client.publish(STATE.topic(**ids), json.dumps(state), qos=1, retain=True)

    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    client.connect(where.hostname or "127.0.0.1", where.port or 1883)
    client.loop_forever()


def _apply(database: psycopg.Connection, cart_id: int, event: dict[str, object], payload: bytes) -> dict[str, object]:
    now = datetime.now(UTC)
    with database.transaction():
        inserted = database.execute(
            "INSERT INTO cart_event (cart_id, epoch, seq, source, type, verdict, code, received_at, payload)"
            " VALUES (%s, %s, %s, 'cart', 'scan', 'applied', %s, %s, %s) ON CONFLICT DO NOTHING",
            (cart_id, event["epoch"], event["seq"], event["code"], now, payload),
        )
        session = database.execute(
            "SELECT session_id FROM cart_session WHERE cart_id = %s AND status = 'open'", (cart_id,)
        ).fetchone()
        if session is None:
            session = database.execute(
                "INSERT INTO cart_session (session_id, cart_id, store_id, after_epoch, after_seq, after_sub, opened_at,"
                " last_event_at) VALUES (%s, %s, 1, 0, 0, 0, %s, %s) RETURNING session_id",
                (uuid.uuid4(), cart_id, now, now),
            ).fetchone()
        assert session is not None
        if inserted.rowcount:
            database.execute(
                "INSERT INTO cart_line (session_id, line, product_id, code, quantity, unit_price_minor,"
                " unit_paid_minor)"
                " SELECT %s, p.product_id, p.product_id, %s, 1, p.price_minor, p.price_minor FROM product_code c"
                " JOIN product p USING (product_id) WHERE c.code = %s"
                " ON CONFLICT (session_id, line) DO UPDATE SET quantity = cart_line.quantity + 1",
                (session[0], event["code"], str(event["code"]).zfill(14)),
            )
            database.execute(
                "UPDATE cart SET ack_epoch = %s, ack_seq = %s, version = version + 1 WHERE cart_id = %s",
                (event["epoch"], event["seq"], cart_id),
            )
        lines = database.execute(
            "SELECT line, code, quantity, unit_price_minor FROM cart_line WHERE session_id = %s", (session[0],)
        ).fetchall()
    return {"cart_id": cart_id, "ack": {"epoch": event["epoch"], "seq": event["seq"]}, "lines": lines}


if __name__ == "__main__":
    sys.exit(main())
