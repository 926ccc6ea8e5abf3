"""`smartcart plan`: a walk through a layout file, printed and drawn. Needs no database."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from services.operations.layout import read_document
from services.operations.refusals import FileRefused
from services.operations.terminal import fail
from shared.navigation import (
    Destination,
    LayoutError,
    NoRoute,
    Place,
    Route,
    RouteRequest,
    build_store_map,
    parse_layout,
    plan_route,
)
from shared.navigation.svg import draw_svg


def plan(
    layout: Annotated[Path, typer.Option(help="Layout file, as `import layout` reads it.")],
    to: Annotated[list[str], typer.Option(help="X,Y or X,Y,FLOOR of a product; repeat it for more.")],
    start: Annotated[str | None, typer.Option("--from", help="X,Y or X,Y,FLOOR; default: the entrance.")] = None,
    end: Annotated[Literal["none", "checkout"], typer.Option(help="Where the walk ends.")] = "none",
    svg: Annotated[Path | None, typer.Option(help="Draw the walk into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the walk as one JSON object.")] = False,
) -> None:
    """Plan the shortest walk past some places of a store, and tell each turn.

    Products are numbered in the order of --to. The last line says how far the walk may be from the shortest.
    """
    try:
        parsed = parse_layout(read_document(layout))
    except FileRefused as problem:
        fail(str(problem))
    except LayoutError as refused:
        fail(f"{layout}: " + "; ".join(str(problem) for problem in refused.problems))
    floor = parsed.floors[0].floor
    destinations = tuple(
        Destination(str(number), (_place(text, "--to", floor),)) for number, text in enumerate(to, start=1)
    )
    position = _place(start, "--from", floor) if start is not None else None
    route = plan_route(build_store_map(parsed), RouteRequest(destinations, position=position, end=end))
    if isinstance(route, NoRoute):
        fail(f"no walk: {route.detail}")
    if svg is not None:
        svg.write_text(draw_svg(parsed, route), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps({**asdict(route), "order": route.order}))
        return
    _print_route(route)


def _place(text: str, option: str, default_floor: int) -> Place:
    parts = text.split(",")
    try:
        x, y = float(parts[0]), float(parts[1])
        floor = int(parts[2]) if len(parts) == 3 else default_floor
    except (ValueError, IndexError):
        raise typer.BadParameter(f"{text!r} is not X,Y or X,Y,FLOOR", param_hint=option) from None
    if len(parts) > 3:
        raise typer.BadParameter(f"{text!r} is not X,Y or X,Y,FLOOR", param_hint=option)
    return Place(floor, x, y)


def _print_route(route: Route) -> None:
    for step in route.instructions:
        text, margin = step.text, f"[{step.product_id}]" if step.product_id else ""
        if step.kind == "floor_change":
            text += f" (counts as {step.distance_m:.0f} m)"
        elif step.distance_m:
            margin = f"{step.distance_m:.1f} m"
        typer.echo(f"{margin:>9}  {text}")
    for skipped in route.skipped:
        typer.echo(f"           left out: {skipped.product_id} ({skipped.reason})")
    if route.checkout_missing:
        typer.echo("           no checkout can be reached")
    typer.echo(f"order={','.join(route.order)} metres={route.distance_m:.1f} proof={route.proof}")
