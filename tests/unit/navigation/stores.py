"""Stores and requests for the tests of route planning: builders, Hypothesis strategies, and the plain truths."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from shared.navigation import (
    Destination,
    Layout,
    NoRoute,
    Overlay,
    Place,
    Route,
    RouteRequest,
    StoreMap,
    build_store_map,
    parse_layout,
    plan_route,
)

Box = tuple[float, float, float, float]


def layout_of(shelves: Sequence[Sequence[float]], bounds: Sequence[float], **fields: Any) -> Layout:
    """One floor; `fields` overwrite the document, `floor` the fields of its floor."""
    floor = {"floor": 0, "bounds": list(bounds), "shelves": [list(rect) for rect in shelves]}
    floor |= fields.pop("floor", {})
    document = {"store": "test", "y_axis": "down", "clearance_m": 0.3, "floors": [floor]}
    return parse_layout(document | fields)


def grid_shelves(columns: int, rows: int) -> list[Box]:
    """Shelves of 1 x 8 m with aisles of 2 m."""
    return [
        (2.0 + 3 * column, 2.0 + 10 * row, 3.0 + 3 * column, 10.0 + 10 * row)
        for column in range(columns)
        for row in range(rows)
    ]


def grid_layout(columns: int, rows: int, **fields: Any) -> Layout:
    width, height = 4.0 + 3 * columns, 6.0 + 10 * rows
    checkouts = [{"name": str(n + 1), "at": [0, width - 2 - 3 * n, height - 1]} for n in range(2)]
    fields = {"entrances": [[0, 1, height - 1]], "checkouts": checkouts} | fields
    return layout_of(grid_shelves(columns, rows), (0, 0, width, height), **fields)


def on_shelves(layout: Layout, picks: Sequence[tuple[int, float, bool]]) -> tuple[Destination, ...]:
    """One product per pick: (shelf, how far along it from 0 to 1, right side or left)."""
    shelves = layout.floors[0].shelves
    destinations = []
    for number, (shelf, along, right) in enumerate(picks):
        x1, y1, x2, y2 = shelves[shelf % len(shelves)]
        x = x2 - (x2 - x1) / 10 if right else x1 + (x2 - x1) / 10
        destinations.append(Destination(f"p{number:02}", (Place(0, x, y1 + along * (y2 - y1)),)))
    return tuple(destinations)


def at_spots(*spots: tuple[float, float]) -> tuple[Destination, ...]:
    return tuple(Destination(f"p{number:02}", (Place(0, x, y),)) for number, (x, y) in enumerate(spots))


def planned(where: Layout | StoreMap, destinations: Sequence[Destination], **fields: Any) -> Route:
    answer = asked(where, destinations, **fields)
    assert isinstance(answer, Route), answer
    return answer


def asked(where: Layout | StoreMap, destinations: Sequence[Destination], **fields: Any) -> Route | NoRoute:
    store_map = build_store_map(where) if isinstance(where, Layout) else where
    return plan_route(store_map, RouteRequest(tuple(destinations), **fields))


def walk_m(where: Layout | StoreMap, start: tuple[float, float], end: tuple[float, float]) -> float:
    """The length of the planned line between two spots."""
    return planned(where, at_spots(end), position=Place(0, *start)).distance_m


def assert_legal(layout: Layout, route: Route, overlay: Overlay | None = None, slack_m: float = 1e-6) -> None:
    """No walked piece enters a grown shelf, leaves the bounds or goes against a one-way zone; pieces join up."""
    here = route.start.place
    for leg in route.legs:
        assert leg.path[0] == here
        here = leg.path[-1]
        assert here == leg.stop
        for (start, end), ride in zip(pairwise(leg.path), leg.rides, strict=True):
            if ride is None:
                assert start.floor == end.floor
                assert_legal_piece(layout, start, end, overlay, slack_m)
        assert math.isclose(
            leg.distance_m,
            sum(
                math.dist(start[1:], end[1:]) if ride is None else layout.connectors[ride].cost_m
                for (start, end), ride in zip(pairwise(leg.path), leg.rides, strict=True)
            ),
            abs_tol=1e-6,
        )
    assert math.isclose(route.distance_m, sum(leg.distance_m for leg in route.legs), abs_tol=1e-6)


def assert_legal_piece(layout: Layout, start: Place, end: Place, overlay: Overlay | None, slack_m: float) -> None:
    floor = next(floor for floor in layout.floors if floor.floor == start.floor)
    clearance = layout.clearance_m - slack_m
    obstacles = list(floor.shelves)
    if overlay is not None:
        obstacles += [blocked.rect for blocked in overlay.blocked if blocked.floor == start.floor]
    for x1, y1, x2, y2 in obstacles:
        grown = (x1 - clearance, y1 - clearance, x2 + clearance, y2 + clearance)
        assert clipped(start, end, grown) <= slack_m, f"{start} -> {end} passes through {(x1, y1, x2, y2)}"
    left, top, right, bottom = floor.bounds
    for spot in (start, end):
        assert left + clearance <= spot.x <= right - clearance
        assert top + clearance <= spot.y <= bottom - clearance
    for zone in floor.one_way:
        if clipped(start, end, zone.rect) > slack_m:
            dx, dy = zone.direction
            assert (end.x - start.x) * dx + (end.y - start.y) * dy >= -slack_m


def clipped(start: Place, end: Place, rect: Box) -> float:
    """Metres of a piece inside the open rectangle (Liang and Barsky 1984)."""
    enter, leave = 0.0, 1.0
    x1, y1, x2, y2 = rect
    for at, step, low, high in ((start.x, end.x - start.x, x1, x2), (start.y, end.y - start.y, y1, y2)):
        if step == 0:
            if not low < at < high:
                return 0.0
            continue
        first, second = sorted(((low - at) / step, (high - at) / step))
        enter, leave = max(enter, first), min(leave, second)
    return max(0.0, leave - enter) * math.dist(start[1:], end[1:])


# Coordinates on a quarter-metre grid make shelves touch and line up often; gaps of 0.5 m are closed for a cart.
def _grid(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda quarter: quarter / 4)


@st.composite
def shelf_lists(draw: st.DrawFn, most: int = 8) -> list[Box]:
    """Shelves within (0, 0, 12, 10), some touching, overlapping or at the wall; a border strip is mostly free."""
    shelves = []
    for _ in range(draw(st.integers(1, most))):
        x, y = draw(_grid(0, 44)), draw(_grid(0, 36))
        width, height = draw(_grid(1, 16)), draw(_grid(1, 12))
        shelves.append((x, y, min(x + width, 12.0), min(y + height, 10.0)))
    return shelves


SMALL_BOUNDS: Box = (0.0, 0.0, 12.0, 10.0)
# Off the shelves' grid, so that no spot lies on a seam by chance.
small_spots = st.tuples(
    st.integers(1, 95).map(lambda n: n / 8 + 0.0371), st.integers(1, 79).map(lambda n: n / 8 + 0.0213)
)
shelf_picks = st.lists(st.tuples(st.integers(0, 99), st.floats(0.02, 0.98), st.booleans()), min_size=1, max_size=8)
