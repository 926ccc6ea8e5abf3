"""What a receipt adds to an order: the tax contained in it, per rate. Prices include tax."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.money import tax_within


@dataclass(frozen=True, slots=True)
class TaxShare:
    """Everything on a receipt that is taxed at one rate; gross = net + tax."""

    rate_bp: int
    gross_minor: int
    tax_minor: int

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.tax_minor


def tax_shares(lines: Iterable[tuple[int, int]]) -> list[TaxShare]:
    """Tax per rate for lines of (rate in basis points, gross in minor units), by rising rate.

    Rounded once per rate, on the sum of its lines, so that line order does not matter.
    """
    gross: defaultdict[int, int] = defaultdict(int)
    for rate_bp, gross_minor in lines:
        gross[rate_bp] += gross_minor
    return [TaxShare(rate_bp, total, tax_within(total, rate_bp)) for rate_bp, total in sorted(gross.items())]
