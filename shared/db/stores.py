"""Stores, their layouts and sections, and where products stand in them."""

from dataclasses import dataclass

from shared.db.queries import sql
from shared.db.types import Tx


class UnknownStore(LookupError):
    """No store has this name; importing a layout creates its store."""

    code = "unknown_store"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no store {name!r}; import its layout first")
        self.name = name


@dataclass(frozen=True, slots=True)
class Store:
    store_id: int
    name: str


def get_store(tx: Tx, name: str) -> Store:
    """The store called `name`; raises UnknownStore."""
    found = tx.execute(sql("find_store"), {"name": name}).fetchone()
    if found is None:
        raise UnknownStore(name)
    return Store(*found)


def ensure_store(tx: Tx, name: str) -> Store:
    """The store called `name`, made when it is new; its row is locked until the transaction ends."""
    made = tx.execute(sql("ensure_store"), {"name": name}).fetchone()
    assert made is not None, "an upsert returns its row"
    return Store(*made)
