"""Telemetry waits for the flush: the latest of each cart, position and health joined."""

from datetime import UTC, datetime

from services.cart_ingest.metrics import Metrics
from services.cart_ingest.presence_buffer import PresenceBuffer
from services.cart_ingest.sorting import Sorted
from shared.contracts.telemetry import CartTelemetry, Health, Location
from shared.db.presence import Heard


def heard(cart_id: int, second: int = 0) -> Heard:
    return Heard(cart_id, "main", datetime(2026, 11, 22, 12, 0, second, tzinfo=UTC))


def at(x: float) -> CartTelemetry:
    return CartTelemetry(location=Location(x=x, y=0.0))


def test_the_latest_position_of_each_cart_is_kept_once() -> None:
    buffer = PresenceBuffer(Metrics())

    buffer.hear(Sorted(telemetry=[(heard(1), at(1.0)), (heard(2), at(5.0)), (heard(1, 1), at(2.0))]))

    assert buffer.take() == [(heard(1, 1), at(2.0)), (heard(2), at(5.0))]
    assert buffer.take() == []


def test_a_health_report_does_not_hide_the_position_before_it() -> None:
    buffer = PresenceBuffer(Metrics())

    buffer.hear(Sorted(telemetry=[(heard(1), at(1.0))]))
    buffer.hear(Sorted(telemetry=[(heard(1, 1), CartTelemetry(health=Health(battery_pct=80)))]))

    ((_, message),) = buffer.take()
    assert message.location == Location(x=1.0, y=0.0)
    assert message.health == Health(battery_pct=80)


def test_what_could_not_be_written_waits_unless_newer_was_heard() -> None:
    buffer = PresenceBuffer(Metrics())
    buffer.hear(Sorted(telemetry=[(heard(1), at(1.0)), (heard(2), CartTelemetry(health=Health(battery_pct=80)))]))
    buffer.hear(Sorted(telemetry=[(heard(3), at(3.0))]))
    taken = buffer.take()
    buffer.hear(Sorted(telemetry=[(heard(1, 1), at(2.0)), (heard(2, 1), at(5.0))]))

    buffer.put_back(taken)

    assert {one.cart_id: (one, message) for one, message in buffer.take()} == {
        1: (heard(1, 1), at(2.0)),
        2: (heard(2, 1), CartTelemetry(location=Location(x=5.0, y=0.0), health=Health(battery_pct=80))),
        3: (heard(3), at(3.0)),
    }
