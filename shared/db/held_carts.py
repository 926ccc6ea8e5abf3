"""The cart a shopper holds, as the phone's snapshot: read in one statement, because phones ask for it often."""

from dataclasses import dataclass
from uuid import UUID

from shared.db.cart_states import NoticeLine
from shared.db.products import Product
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.notices import NOTICES_SHOWN, notice_text
from shared.domain.session_cart import Line, SessionCart

_HEAD = 8  # columns that say the same on every row
_LINE = 7


@dataclass(frozen=True, slots=True)
class HeldCart:
    """One cart at one version; `products` are those of its lines, by id."""

    cart_id: int
    store: str
    version: int
    session_id: UUID
    incomplete: bool
    cart: SessionCart
    products: dict[int, Product]
    notices: tuple[NoticeLine, ...]


def find_held_cart_whole(tx: Tx, shopper_id: int) -> HeldCart | None:
    """The cart that a shopper holds, as it is now; needs no transaction around it."""
    rows = tx.execute(
        sql("find_held_cart_whole"), {"shopper_id": shopper_id, "notices": NOTICES_SHOWN}, binary=True
    ).fetchall()
    if not rows:
        return None
    cart_id, store, version, session_id, incomplete, measured_g, next_line, notices = rows[0][:_HEAD]
    filled = [row for row in rows if row[_HEAD] is not None]
    return HeldCart(
        cart_id=cart_id,
        store=store,
        version=version,
        session_id=session_id,
        incomplete=incomplete,
        cart=SessionCart(tuple(Line(*row[_HEAD : _HEAD + _LINE]) for row in filled), next_line, measured_g),
        products={row[_HEAD + 1]: Product(*row[_HEAD + _LINE :]) for row in filled},
        notices=tuple(
            NoticeLine(epoch, seq, reason, notice_text(reason, code)) for epoch, seq, reason, code in notices or ()
        ),
    )
