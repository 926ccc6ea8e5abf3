"""`smartcart import demo`: a store made by us, as files beside this one that are edited by hand.

Codes begin with 952, the GS1 prefix for examples; names, brands and prices are invented. Shelf goods weigh what they
weigh with their packing.
"""

import csv
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from psycopg import Connection
from psycopg.rows import TupleRow

from services.operations.catalogue import Imported, load_catalogue, print_result
from services.operations.catalogue_row import normalised
from services.operations.layout import LayoutAdded, LayoutUnchanged, load_layout, read_document
from services.operations.locations import LocationsImported, load_locations
from services.operations.price_rules import PriceRequired
from services.operations.refusals import Report
from services.operations.terminal import open_database
from shared.db.catalogue import Recipe, list_product_ids_by_codes, lock_catalogue, save_recipes

STORE = "main"
FOLDER = Path(__file__).parent
CATALOGUE = FOLDER / "catalogue.csv"
LAYOUT = FOLDER / "layout.json"
LOCATIONS = FOLDER / "locations.csv"
RECIPES = FOLDER / "recipes.csv"


@dataclass(frozen=True, slots=True)
class DemoLoaded:
    """What was new or different from the files of the demo store."""

    layout: LayoutAdded | LayoutUnchanged
    products: Imported
    locations: LocationsImported
    recipes_changed: int


def import_demo(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Load the demo store: the store main with its plan, 300 products, where they stand, and recipes.

    Doing it again changes nothing. A store main of your own gets the demo plan as a new version.
    """
    with open_database(context) as connection:
        done = load_demo_store(connection)
    if as_json:
        counts = {"imported": done.products.imported, "updated": done.products.updated, "refused": 0}
        places = {"imported": done.locations.imported, "updated": done.locations.updated}
        plan = {"store": done.layout.store, "version": done.layout.version}
        typer.echo(json.dumps({**counts, "layout": plan, "locations": places, "recipes": done.recipes_changed}))
        return
    places_changed = done.locations.imported + done.locations.updated + done.locations.removed
    typer.echo(
        f"store={done.layout.store} layout_version={done.layout.version} "
        f"locations_changed={places_changed} recipes_changed={done.recipes_changed}"
    )
    print_result(done.products, Report(), as_json=False)


def load_demo_store(connection: Connection[TupleRow]) -> DemoLoaded:
    """Bring the demo store's layout, products, recipes and locations to what the files say, in this order.

    A refused row would be a mistake in our own files: raises ValueError.
    """
    report = Report()
    layout = load_layout(connection, read_document(LAYOUT))
    products = load_catalogue(connection, CATALOGUE, PriceRequired(), report)
    with connection.transaction():
        lock_catalogue(connection)
        recipes_changed = save_recipes(connection, read_recipes(connection))
    locations = load_locations(connection, LOCATIONS, STORE, report)
    if report.refused:
        raise ValueError(f"the demo store's files are wrong: {dict(report.reasons)}")
    return DemoLoaded(layout, products, locations, recipes_changed)


def read_recipes(connection: Connection[TupleRow]) -> list[Recipe]:
    """The recipes of the file, their products found by code."""
    with RECIPES.open(encoding="utf-8", newline="") as file:
        needs = [(row["recipe"], normalised(row["code"]), int(row["quantity"])) for row in csv.DictReader(file)]
    product_ids = list_product_ids_by_codes(connection, {code for _, code, _ in needs})
    quantities: dict[str, dict[int, int]] = defaultdict(dict)
    for name, code, quantity in needs:
        quantities[name][product_ids[code]] = quantity
    return [Recipe(name, of_products) for name, of_products in quantities.items()]
