"""What the codes of a batch lead to: a product at today's price, or why there is none."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.gtin import Gtin, HouseCode, UnreadableCode, WrongCheckDigit, normalise_code
from shared.domain.session_cart import PricedProduct, Refusal

Codes = Mapping[str, PricedProduct | Refusal]


class ProductName(NamedTuple):
    """What a display shows of a product."""

    name: str
    gtin: str | None


def ask_codes(tx: Tx, codes: Collection[str]) -> Callable[[], tuple[Codes, Mapping[int, ProductName]]]:
    """Ask what these codes lead to. The answer, to be fetched once: for each code as scanned its product, or the
    refusal; and the names of these products by their ids. In a pipeline asking costs no round trip."""
    keys: dict[str, str] = {}
    found: dict[str, PricedProduct | Refusal] = {}
    for code in codes:
        key = _lookup_key(code)
        if isinstance(key, Refusal):
            found[code] = key
        else:
            keys[code] = key
    if not keys:
        return lambda: (found, {})
    cursor = tx.execute(sql("find_priced_products"), {"codes": sorted(set(keys.values()))})

    def answer() -> tuple[Codes, Mapping[int, ProductName]]:
        rows = cursor.fetchall()
        products = {code: PricedProduct(*priced) for code, *priced, _, _ in rows}
        names = {product_id: ProductName(name, gtin) for _, product_id, *_, name, gtin in rows}
        return {**found, **{code: products.get(key, Refusal.UNKNOWN_CODE) for code, key in keys.items()}}, names

    return answer


def _lookup_key(code: str) -> str | Refusal:
    try:
        normalised = normalise_code(code)
    except UnreadableCode:
        return Refusal.UNKNOWN_CODE
    match normalised:
        case Gtin(gtin14=gtin14):
            return gtin14
        case HouseCode(code=house_code):
            return house_code
        case WrongCheckDigit():
            return Refusal.WRONG_CHECK_DIGIT
