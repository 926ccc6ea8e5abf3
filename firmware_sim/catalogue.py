"""What the simulated store sells, baskets as a file tells them, and which product a basket's item means."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class SimProduct(Protocol):
    """What a simulated shopper can see of a product: the shelf label and the barcode."""

    @property
    def product_id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def codes(self) -> Sequence[str]: ...
    @property
    def price_minor(self) -> int: ...
    @property
    def weight_g(self) -> int | None: ...


@dataclass(frozen=True)
class Product:
    """A SimProduct for those who have no database."""

    product_id: int
    name: str
    codes: tuple[str, ...]
    price_minor: int
    weight_g: int | None = None


class BadBaskets(ValueError):
    """The baskets file cannot be used; the message is one line for the user."""


def read_baskets(path: Path) -> list[tuple[str, ...]]:
    """A basket a line, items separated by commas; empty lines are skipped. Raises BadBaskets."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = [tuple(item.strip() for item in row if item.strip()) for row in csv.reader(lines)]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise BadBaskets(f"{path}: {problem}") from problem
    baskets = [row for row in rows if row]
    if not baskets:
        raise BadBaskets(f"{path}: no basket in it")
    return baskets


@dataclass(frozen=True)
class Mapping:
    """Item of a basket -> product. `how` says by what, for the report: code, name or hash."""

    products: dict[str, SimProduct]
    how: dict[str, str]

    def count(self, how: str) -> int:
        """How many items were matched this way."""
        return sum(each == how for each in self.how.values())


def map_items(baskets: Sequence[Sequence[str]], catalogue: Sequence[SimProduct]) -> Mapping:
    """Match every item: a code, else a product's name (letter case ignored), else a stable hash over the catalogue.

    The same items and the same catalogue always give the same mapping. Raises BadBaskets for an empty catalogue.
    """
    sold = sorted((product for product in catalogue if product.codes), key=lambda product: product.product_id)
    if not sold:
        raise BadBaskets("the catalogue has no product with a code; import one first")
    by_code = {code: product for product in sold for code in product.codes}
    by_name: dict[str, SimProduct] = {}
    for product in sold:
        by_name.setdefault(product.name.casefold(), product)
    products: dict[str, SimProduct] = {}
    how: dict[str, str] = {}
    for item in dict.fromkeys(item for basket in baskets for item in basket):
        if item in by_code:
            products[item], how[item] = by_code[item], "code"
        elif item.casefold() in by_name:
            products[item], how[item] = by_name[item.casefold()], "name"
        else:
            digest = hashlib.sha256(item.casefold().encode()).digest()
            products[item], how[item] = sold[int.from_bytes(digest[:8], "big") % len(sold)], "hash"
    return Mapping(products, how)
