"""A backend of a few lines for tests of the device: applies each number once and answers with states."""

import json
from dataclasses import dataclass, field

from shared.contracts.commands import Resend
from shared.contracts.state import Ack, CartState, WeightCheck
from shared.domain.frontier import Frontier, admit


def state_payload(
    version: int,
    ack: tuple[int, int],
    *,
    session: str | None = None,
    status: str = "active",
) -> bytes:
    """A CartState that says only what the device listens to."""
    return (
        CartState(
            cart_id=1,
            session_id=session,
            version=version,
            status=status,  # type: ignore[arg-type]
            ack=Ack(epoch=ack[0], seq=ack[1]),
            lines=(),
            total_items=0,
            subtotal_minor=0,
            discount_minor=0,
            total_minor=0,
            currency="EUR",
            weight=WeightCheck(expected_g=0, measured_g=None, tolerance_g=0, verdict="unknown"),
            notices=(),
            at=0,
        )
        .model_dump_json()
        .encode()
    )


@dataclass
class BackendModel:
    """What ingest promises about one cart, and nothing else of it."""

    frontier: Frontier = field(default_factory=Frontier)
    version: int = 1
    applied: dict[tuple[int, int], dict[str, object]] = field(default_factory=dict)
    stale: int = 0
    conflicts: int = 0

    def receive(self, payload: bytes) -> None:
        event = json.loads(payload)
        key = (event["epoch"], event["seq"])
        after, admission = admit(self.frontier, *key)
        if admission.is_new:
            self.frontier = after
            self.applied[key] = event
            self.version += 1
        elif admission == "stale":
            self.stale += 1
        elif admission == "known" and self.applied.get(key) != event:
            self.conflicts += 1

    def state(self) -> bytes:
        return state_payload(self.version, (self.frontier.epoch, self.frontier.seq))

    def resend(self, expires_at: int) -> bytes | None:
        if not self.frontier.has_gap:
            return None
        epoch, seq = self.frontier.first_missing
        return Resend(expires_at=expires_at, epoch=epoch, seq=seq).model_dump_json().encode()

    @property
    def codes(self) -> list[object]:
        """What was scanned, in the order of the numbers."""
        return [event["code"] for _, event in sorted(self.applied.items())]
