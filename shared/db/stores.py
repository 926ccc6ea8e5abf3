"""Stores, their layouts and sections, and where products stand in them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

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


@dataclass(frozen=True, slots=True)
class StoredLayout:
    """The layout in force, as it was imported."""

    version: int
    document: Any


@dataclass(frozen=True, slots=True)
class PlannedSection:
    """A named rectangle of a floor."""

    floor: int
    name: str
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Location:
    """One place of a product; `section_id` is None where no section is named."""

    product_id: int
    floor: int
    x: float
    y: float
    section_id: int | None
    aisle_num: str | None
    shelf_num: str | None


def lock_plan(tx: Tx, store_id: int) -> None:
    """Wait for other writers of the store's layout and locations, and keep them waiting until the transaction ends."""
    tx.execute(sql("lock_plan"), {"store_id": store_id})


def find_layout(tx: Tx, store_id: int) -> StoredLayout | None:
    """The layout in force, None before the first import."""
    found = tx.execute(sql("find_layout"), {"store_id": store_id}).fetchone()
    return None if found is None else StoredLayout(*found)


def add_layout(tx: Tx, store_id: int, document: object, sections: Sequence[PlannedSection]) -> int:
    """Put a layout in force as a new version, with its sections, and return the version."""
    added = tx.execute(sql("insert_layout"), {"store_id": store_id, "document": Jsonb(document)}).fetchone()
    assert added is not None, "an aggregate gives one row"
    named: dict[str, list[Any]] = {
        "floors": [section.floor for section in sections],
        "names": [section.name for section in sections],
    }
    tx.execute(sql("delete_other_sections"), {"store_id": store_id, **named})
    corners = {f"{corner}s": [getattr(section, corner) for section in sections] for corner in ("x1", "y1", "x2", "y2")}
    tx.execute(sql("save_sections"), {"store_id": store_id, **named, **corners})
    version: int = added[0]
    return version


def list_sections(tx: Tx, store_id: int) -> dict[int, PlannedSection]:
    """The store's sections by id, in the order of floor and name."""
    rows = tx.execute(sql("list_sections"), {"store_id": store_id})
    return {section_id: PlannedSection(*columns) for section_id, *columns in rows}


def list_locations_of_products(tx: Tx, store_id: int, product_ids: Collection[int]) -> dict[int, Location]:
    """Where these products stand in the store, by location id."""
    rows = tx.execute(sql("list_locations_of_products"), {"store_id": store_id, "product_ids": list(product_ids)})
    return {location_id: Location(*columns) for location_id, *columns in rows}


def save_locations(tx: Tx, store_id: int, locations: Sequence[Location]) -> None:
    """Add places, or change section, aisle and shelf of places that are known by product, floor, x and y."""
    columns = ("product_id", "floor", "x", "y", "section_id", "aisle_num", "shelf_num")
    lists = {f"{column}s": [getattr(location, column) for location in locations] for column in columns}
    tx.execute(sql("save_locations"), {"store_id": store_id, **lists})


def delete_locations(tx: Tx, location_ids: Collection[int]) -> None:
    """Forget these places."""
    tx.execute(sql("delete_locations"), {"location_ids": list(location_ids)})
