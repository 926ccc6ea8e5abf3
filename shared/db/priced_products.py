"""What the codes of a batch lead to: a product at today's price, or why there is none."""

from collections.abc import Collection, Mapping

from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.gtin import Gtin, HouseCode, UnreadableCode, WrongCheckDigit, normalise_code
from shared.domain.session_cart import PricedProduct, Refusal

Codes = Mapping[str, PricedProduct | Refusal]


def find_codes(tx: Tx, codes: Collection[str]) -> Codes:
    """For each code as scanned: its product, or the refusal."""
    keys: dict[str, str] = {}
    found: dict[str, PricedProduct | Refusal] = {}
    for code in codes:
        key = _lookup_key(code)
        if isinstance(key, Refusal):
            found[code] = key
        else:
            keys[code] = key
    if keys:
        rows = tx.execute(sql("find_priced_products"), {"codes": sorted(set(keys.values()))}).fetchall()
        products = {code: PricedProduct(*fields) for code, *fields in rows}
        for code, key in keys.items():
            found[code] = products.get(key, Refusal.UNKNOWN_CODE)
    return found


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
