"""Shopping lists: what a shopper wants, and which of it is in the cart already."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import errors
from psycopg.rows import args_row

from shared.db.queries import sql
from shared.db.types import Tx

PRODUCTS_MAX = 500


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One product on a list; it ticks itself when the cart holds as many."""

    checklist_id: int
    product_id: int
    quantity: int
    in_cart: int

    @property
    def ticked(self) -> bool:
        return self.in_cart >= self.quantity


@dataclass(frozen=True, slots=True)
class Added:
    """The item is on the list."""

    checklist_id: int


@dataclass(frozen=True, slots=True)
class UnknownProduct:
    """There is no such product."""


@dataclass(frozen=True, slots=True)
class ListLimit:
    """Too many pieces, or too many products."""


def list_checklist(tx: Tx, shopper_id: int) -> list[ChecklistItem]:
    """A shopper's list in the order in which it grew."""
    with tx.cursor(row_factory=args_row(ChecklistItem)) as cursor:
        return cursor.execute(sql("list_checklist"), {"shopper_id": shopper_id}).fetchall()


def add_to_checklist(tx: Tx, shopper_id: int, product_id: int, quantity: int) -> Added | UnknownProduct | ListLimit:
    """Add pieces to what is there."""
    asked = {"shopper_id": shopper_id, "product_id": product_id, "quantity": quantity}
    try:
        with tx.transaction():
            row = tx.execute(sql("add_to_checklist"), asked).fetchone()
    except errors.ForeignKeyViolation as refused:
        if refused.diag.constraint_name == "checklist_item_product_id_fkey":
            return UnknownProduct()
        raise
    counted = tx.execute(sql("count_checklist"), {"shopper_id": shopper_id}).fetchone()
    if row is None or (counted is not None and counted[0] > PRODUCTS_MAX):
        return ListLimit()
    return Added(row[0])


def remove_from_checklist(tx: Tx, shopper_id: int, product_id: int) -> bool:
    """Take a product off the list; False when it was not on it."""
    removed = tx.execute(sql("remove_from_checklist"), {"shopper_id": shopper_id, "product_id": product_id})
    return removed.rowcount > 0


def add_missing_to_checklist(tx: Tx, shopper_id: int, recipe_id: int, missing: Sequence[int]) -> int:
    """Put what a recipe still needs on the list; gives how many products were new there."""
    asked = {"shopper_id": shopper_id, "recipe_id": recipe_id, "missing": list(missing)}
    return tx.execute(sql("add_missing_to_checklist"), asked).rowcount
