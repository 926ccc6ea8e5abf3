"""The carts that shoppers hold, as the phones' snapshots: read in one statement, because phones ask for it often."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from shared.db.cart_states import NoticeLine
from shared.db.products import Product
from shared.db.queries import sql
from shared.db.types import Tx
from shared.domain.notices import NOTICES_SHOWN, notice_text
from shared.domain.session_cart import Line, SessionCart

_HEAD = 9  # columns that say the same on every row
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


def list_held_carts(tx: Tx, shopper_ids: Collection[int]) -> dict[int, HeldCart]:
    """The carts that these shoppers hold, by shopper, as they are now; needs no transaction around it."""
    asked = {"shopper_ids": list(shopper_ids), "notices": NOTICES_SHOWN}
    rows = tx.execute(sql("list_held_carts"), asked, binary=True).fetchall()
    return {shopper_id: _held_cart(list(own)) for shopper_id, own in groupby(rows, key=itemgetter(0))}


def _held_cart(rows: list[Any]) -> HeldCart:
    """One shopper's rows; without lines it is one row."""
    _, cart_id, store, version, session_id, incomplete, measured_g, next_line, notices = rows[0][:_HEAD]
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
