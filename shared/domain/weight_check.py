"""The load cell against the lines: does the cart weigh what its lines say?"""

from dataclasses import dataclass
from typing import Literal

from shared.domain.session_cart import SessionCart

TOLERANCE_FLOOR_G = 20  # a load cell of 50 kg resolves about 10 g; twice that
TOLERANCE_PER_PIECE_G = 5  # packs differ from their printed weight
TOLERANCE_SHARE_PERMILLE = 20  # and heavier goods differ more: 2 %


WeightVerdictName = Literal["unknown", "match", "too_heavy", "too_light"]


@dataclass(frozen=True, slots=True)
class WeightVerdict:
    """Grams; `verdict` is `unknown` while nothing was measured or a line has no known weight."""

    expected_g: int
    measured_g: int | None
    tolerance_g: int
    verdict: WeightVerdictName


def check_weight(cart: SessionCart) -> WeightVerdict:
    """Compare the last reading with the sum of the lines' weights."""
    expected = sum(line.quantity * (line.unit_weight_g or 0) for line in cart.lines)
    tolerance = max(
        TOLERANCE_FLOOR_G, cart.total_items * TOLERANCE_PER_PIECE_G + expected * TOLERANCE_SHARE_PERMILLE // 1000
    )
    measured = cart.measured_g
    if measured is None or any(line.unit_weight_g is None for line in cart.lines):
        return WeightVerdict(expected, measured, tolerance, "unknown")
    if measured > expected + tolerance:
        return WeightVerdict(expected, measured, tolerance, "too_heavy")
    if measured < expected - tolerance:
        return WeightVerdict(expected, measured, tolerance, "too_light")
    return WeightVerdict(expected, measured, tolerance, "match")
