"""`smartcart sim`: carts and shoppers play whole trips against a running stack, and every order is checked."""

import json
import secrets
import sys
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from firmware_sim.catalogue import BadBaskets, Mapping, map_items, read_baskets
from firmware_sim.fleet import Fleet, Report, play
from firmware_sim.phone import CodeReader, FixedCode
from firmware_sim.plan import plan_trips
from firmware_sim.radio import Weather
from services.commands.lazy import selected
from services.operations.sim_crew import KEPT_FILE, LoggedCodes, hire_carts, keep_carts
from services.operations.terminal import open_database
from services.stack.address import StackAddress
from services.stack.errors import StackError
from services.stack.folder import StackFolder
from shared.db.catalogue import list_sim_products

SHOWN_MAX = 20  # differences and unfinished trips that the table lists; --json gives all


class SimFailed(StackError):
    """The simulation cannot begin."""

    code = "sim_failed"


def sim(
    context: typer.Context,
    baskets: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="A basket a line: product names or codes, by commas.")
    ],
    carts: Annotated[int, typer.Option(min=1, max=10_000, help="How many carts shop at the same time.")] = 10,
    trips: Annotated[int, typer.Option(min=1, help="How many trips; each goes through one basket.")] = 50,
    speed: Annotated[
        float, typer.Option(min=0.01, help="1 is shopping speed, a scan every 20 s. Devices keep real time.")
    ] = 20.0,
    seed: Annotated[int, typer.Option(help="Decides what is bought, and what the radio does to it.")] = 1,
    loss: Annotated[float, typer.Option(min=0, max=0.99, help="Share of messages lost, both ways.")] = 0.0,
    duplicate: Annotated[float, typer.Option(min=0, max=1, help="Share of messages doubled, both ways.")] = 0.0,
    reorder: Annotated[int, typer.Option(min=0, help="How many later messages may overtake one.")] = 0,
    disconnect: Annotated[float, typer.Option(min=0, max=0.99, help="Share of sent events that break the line.")] = 0.0,
    power_cut: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of scans after which the power fails; one in four erases the cart."),
    ] = 0.0,
    store: Annotated[str, typer.Option(help="Store whose carts shop; made when it is new.")] = "main",
    patience: Annotated[
        float, typer.Option(min=1, help="Seconds that a shopper waits for a backend that is away.")
    ] = 180.0,
    otp: Annotated[
        str | None, typer.Option(envvar="FIXED_OTP", help="The fixed one-time code; else the stack's log is read.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Play a fleet of carts and compare its ledger with the backend, line by line.

    Each trip takes a cart, scans a basket, logs in by phone, pays, and compares the order with what the shopper
    holds: product, pieces, price, total. A few shoppers leave their goods; nothing may be ordered then. Exits
    with 1 on any difference or unfinished trip. The same seed scans the same goods.
    """
    weather = Weather(loss, duplicate, reorder, disconnect, power_cut)
    selection = selected(context)
    stack, folder = selection.stack(), StackFolder.at(selection.data_dir)
    codes = _code_reader(otp, stack, folder)
    read = _read_baskets(baskets)
    kept_file = folder.root / KEPT_FILE
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_database(context) as connection, connection.transaction():
        mapping = _map(read, connection)
        hired = hire_carts(connection, kept_file, store, carts)
        keep_carts(kept_file, hired)  # before the commit: a password that was kept in vain does no harm
    fleet = Fleet(
        credentials=hired,
        mqtt_url=stack.mqtt_url,
        http_url=stack.http_url,
        codes=codes,
        run=secrets.randbelow(999_999) + 1,
        seed=seed,
        speed=speed,
        weather=weather,
        patience_s=patience,
    )
    report = _play(fleet, trips, read, mapping, quiet=as_json)
    if as_json:
        print(json.dumps(_as_json(report, mapping, carts, seed)))  # noqa: T201
    else:
        _print_report(report, mapping)
    raise typer.Exit(0 if report.is_clean else 1)


def _read_baskets(path: Path) -> list[tuple[str, ...]]:
    try:
        return read_baskets(path)
    except BadBaskets as problem:
        raise SimFailed(str(problem)) from problem


def _map(baskets: list[tuple[str, ...]], connection: psycopg.Connection[tuple[object, ...]]) -> Mapping:
    try:
        return map_items(baskets, list_sim_products(connection))
    except BadBaskets as problem:
        raise SimFailed(str(problem)) from problem


def _code_reader(otp: str | None, stack: StackAddress, folder: StackFolder) -> CodeReader:
    if otp is not None:
        return FixedCode(otp)
    if stack.simulated is False:
        raise SimFailed(f"the stack on {folder.root} is for people; start it with `smartcart up --sim`")
    gateway_log = folder.log_file("gateway")
    if not gateway_log.exists():
        raise SimFailed("the gateway's log is not here to read one-time codes from; give --otp, as FIXED_OTP says")
    return LoggedCodes(gateway_log)


def _play(fleet: Fleet, count: int, baskets: list[tuple[str, ...]], mapping: Mapping, *, quiet: bool) -> Report:
    planned = plan_trips(fleet.seed, count, baskets, mapping, fleet.weather)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} trips"),
        TextColumn("{task.fields[events]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), disable=quiet) as bar:
        task: TaskID = bar.add_task("shopping", total=count, events="")

        def show(report: Report) -> None:
            events = f"{report.events} events, {report.sent} sent, {report.settled} settled, {report.resent} resent"
            bar.update(task, completed=report.trips, events=events)

        report = play(fleet, planned, mapping, progress=show)
        show(report)
    return report


def _as_json(report: Report, mapping: Mapping, carts: int, seed: int) -> dict[str, object]:
    items = {item: product.product_id for item, product in mapping.products.items()}
    matched = {how: mapping.count(how) for how in ("code", "name", "hash")}
    return {"carts": carts, "seed": seed, **report.as_json(), "items_matched_by": matched, "items": items}


def _print_report(report: Report, mapping: Mapping) -> None:
    console = Console()
    table = Table(title="Ledger against backend", show_header=False)
    for name, value in (
        ("trips", report.trips),
        ("equal", report.equal_trips),
        ("different", report.different_trips),
        ("unfinished", report.unfinished_trips),
        ("orders", report.orders),
        ("lines compared", report.lines),
        ("lines different", report.different_lines),
        ("events", report.events),
        ("events sent", report.sent),
        ("of these again", report.resent),
        ("lost by the radio", report.radio_lost),
        ("doubled by the radio", report.radio_duplicated),
        ("held back by the radio", report.radio_overtaken),
        ("reconnects", report.reconnects),
        ("power cuts", report.power_cuts),
        ("events erased by power cuts", report.erased_events),
        ("HTTP calls repeated", report.http_retries),
        ("seconds", f"{report.elapsed_s:.1f}"),
    ):
        table.add_row(name, str(value))
    console.print(table)
    console.print(
        f"{len(mapping.products)} items of the baskets: {mapping.count('code')} matched by code, "
        f"{mapping.count('name')} by name, {mapping.count('hash')} by hash"
    )
    for difference in report.differences[:SHOWN_MAX]:
        console.print(
            f"different: trip {difference.trip}, {difference.what}: ours {difference.ours}, theirs {difference.theirs}",
            markup=False,
        )
    for trip, reason in list(report.unfinished.items())[:SHOWN_MAX]:
        console.print(f"unfinished: trip {trip}: {reason}", markup=False)
    console.print("every line equal" if report.is_clean else "NOT equal")
