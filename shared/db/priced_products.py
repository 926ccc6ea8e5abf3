"""What the codes of a batch lead to: a product at today's price, or why there is none."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.reading import Reading, read_code
from shared.domain.session_cart import PricedProduct, Refusal

Codes = Mapping[str, PricedProduct | Refusal]


class ProductName(NamedTuple):
    """What a display shows of a product."""

    name: str
    gtin: str | None


def ask_codes(tx: Tx, codes: Collection[str]) -> Callable[[], tuple[Codes, Mapping[int, ProductName]]]:
    """Ask what these codes lead to. The answer, to be fetched once: for each code as scanned its product, or the
    refusal; and the names of these products by their ids. In a pipeline asking costs no round trip."""
    today = datetime.now(UTC).date()  # decides the century of dates, of which nothing is kept here
    readings = {code: read_code(code, today) for code in codes}
    keys = {key for reading in readings.values() for key in reading.keys}
    if not keys:
        return lambda: ({code: _product_of(reading, {}) for code, reading in readings.items()}, {})
    cursor = tx.execute(sql("find_priced_products"), {"codes": sorted(keys)})

    def answer() -> tuple[Codes, Mapping[int, ProductName]]:
        rows = cursor.fetchall()
        products = {code: PricedProduct(*priced) for code, *priced, _, _ in rows}
        names = {product_id: ProductName(name, gtin) for _, product_id, *_, name, gtin in rows}
        return {code: _product_of(reading, products) for code, reading in readings.items()}, names

    return answer


def _product_of(reading: Reading, products: Mapping[str, PricedProduct]) -> PricedProduct | Refusal:
    if reading.error is not None:
        return Refusal(reading.error.value)
    found = [products[key] for key in reading.keys if key in products]
    if not found:
        return Refusal.UNKNOWN_CODE
    if reading.is_ambiguous and len({one.product_id for one in found}) > 1:
        return Refusal.AMBIGUOUS_CODE
    return found[0]
