"""`smartcart demo`: the demo store, carts whose shoppers walk through it, and each event as a sentence."""

import random
import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg
import typer

from firmware_sim.catalogue import Mapping, map_items
from firmware_sim.fleet import Fleet, Report, play
from firmware_sim.phone import FixedCode
from firmware_sim.plan import THINKING_S, CallHelp, Planned, Trip, plan_trip
from firmware_sim.radio import Weather
from services.operations.demo_store import STORE, load_demo_store
from services.operations.sim_crew import KEPT_FILE, hire_carts, keep_carts
from services.stack.address import StackAddress
from shared.db.catalogue import list_sim_products
from shared.db.operator_passwords import draw_password, hash_password
from shared.db.operators import add_operator, change_password

SPEED = 2.0  # 1.6 m/s: a trip is through in a minute or two, and a cart can be followed with the eye
POSITION_EVERY_S = 0.5  # ingest writes the latest once a second
BASKET_SIZES = (6, 12)  # different products on a trip
BASKETS = 500
SEED = 1
OPERATOR = "demo"
CALLS_FOR_HELP = 3  # the trip with this number: the console's queue has something to show in the first minute


def run_demo(stack: StackAddress, folder: Path, code: str, carts: int, for_s: float | None) -> None:
    """Load the demo store and let `carts` carts shop until Ctrl-C, or for `for_s` seconds. `code` logs phones in.

    The one-time code is fixed, which a stack in production refuses: it never gets as far as the operator made here.
    """
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        load_demo_store(connection)
        password = _open_console(connection)
        with connection.transaction():
            hired = hire_carts(connection, folder / KEPT_FILE, STORE, carts)
            keep_carts(folder / KEPT_FILE, hired)
        baskets, mapping = _baskets(connection)
    fleet = Fleet(
        credentials=hired,
        mqtt_url=stack.mqtt_url,
        http_url=stack.http_url,
        codes=FixedCode(code),
        run=secrets.randbelow(999_999) + 1,
        seed=SEED,
        speed=SPEED,
        telemetry_every_s=POSITION_EVERY_S,
        walks=True,
    )
    _tell_how_to_follow(stack, folder, fleet, code, password)
    trips = (_trip(number, baskets, mapping) for number in count(1))
    started_s = time.monotonic()

    def tell(sentence: str) -> None:
        typer.echo(f"{time.monotonic() - started_s:6.1f} s  {sentence}")

    report = play(fleet, trips, mapping, tell=tell, for_s=for_s)
    _tell_result(report)
    if report.different_trips:
        raise typer.Exit(1)


def _open_console(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """A manager for the console, with a new password at each start; the old one's logins end."""
    password = draw_password()
    hashed = hash_password(password)
    with connection.transaction():
        if not change_password(connection, OPERATOR, hashed):
            add_operator(connection, OPERATOR, "manager", hashed, datetime.now(UTC))
    return password


def _baskets(connection: psycopg.Connection[tuple[object, ...]]) -> tuple[list[tuple[str, ...]], Mapping]:
    """Baskets of the demo's own products, the same every time."""
    products = list_sim_products(connection)
    drawn = random.Random(SEED)
    names = [product.name for product in products]
    baskets = [tuple(drawn.sample(names, drawn.randint(*BASKET_SIZES))) for _ in range(BASKETS)]
    return baskets, map_items(baskets, products)


def _trip(number: int, baskets: list[tuple[str, ...]], mapping: Mapping) -> Trip:
    trip = plan_trip(SEED, number, baskets[(number - 1) % len(baskets)], mapping, Weather())
    if number != CALLS_FOR_HELP:
        return trip
    first, *rest = trip.steps
    return replace(trip, steps=(first, Planned(CallHelp(), THINKING_S), *rest))


def _tell_how_to_follow(stack: StackAddress, folder: Path, fleet: Fleet, code: str, password: str) -> None:
    followed = fleet.credentials[0].cart_id
    typer.echo(
        f"""
The demo store is open, and {len(fleet.credentials)} carts are shopping.

  the shopper's page                    {stack.http_url}/app/
    log in as the shopper of cart {followed:<8}{fleet.phone_number(1)}, code {code}
    and see it fill, and walk on the map; any other number is a new shopper

  the store's screen                    {stack.http_url}/console/
    log in as                           {OPERATOR}, password {password}

  REST, with a page to try each call    {stack.http_url}/docs
  MQTT for carts                        {stack.mqtt_url}
  MQTT over WebSocket for phones        {stack.mqtt_ws_url}
  the carts, from another terminal      smartcart --data {folder} carts list
  the log against the tables            smartcart --data {folder} replay --verify

Ctrl-C ends the demo; what it bought stays in {folder}.
"""
    )


def _tell_result(report: Report) -> None:
    typer.echo(
        f"\n{report.trips} trips ended, {report.orders} orders, {report.events} events:"
        f" {report.lines} order lines compared, {report.different_lines} different."
    )
