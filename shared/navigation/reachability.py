"""What a layout promises and a cart cannot reach: checked when a layout is imported."""

from collections.abc import Iterator

import numpy as np

from shared.navigation.distances import overlaid_floors, walking_distances
from shared.navigation.layout import Layout, LayoutProblem, Spot
from shared.navigation.places import NOTHING_CLOSED, Place
from shared.navigation.store_map import SNAP_M, StoreMap, build_store_map


def check_walkable(layout: Layout) -> tuple[LayoutProblem, ...]:
    """Every entrance and checkout that cannot be walked to from the first usable entrance, every connector with an
    end where nobody can stand, and every shelf without a side that can be walked to from any entrance.

    Empty when all is well.
    """
    return walkable_problems(build_store_map(layout))


def walkable_problems(store_map: StoreMap) -> tuple[LayoutProblem, ...]:
    """As `check_walkable`, for a map that is built already."""
    return (*_spot_problems(store_map), *_shelf_problems(store_map))


def _spot_problems(store_map: StoreMap) -> Iterator[LayoutProblem]:
    layout = store_map.layout
    if not layout.entrances:
        yield LayoutProblem("no_entrance", "/entrances", "a layout needs at least one entrance")
        return
    wanted: list[tuple[str, str, str, Spot, Place | None]] = []
    for i, (spot, place) in enumerate(zip(layout.entrances, store_map.entrances, strict=True)):
        wanted.append(("unreachable_entrance", f"/entrances/{i}", f"entrance {i}", spot, place))
    for i, (checkout, place) in enumerate(zip(layout.checkouts, store_map.checkouts, strict=True)):
        name = f"checkout {checkout.name!r}"
        wanted.append(("unreachable_checkout", f"/checkouts/{i}/at", name, checkout.at, place))
    ridden = {ride.connector for ride in store_map.rides}
    for i, connector in enumerate(layout.connectors):
        if i not in ridden:
            message = f"nobody can stand within {SNAP_M:g} m of both ends of {connector.kind} {i}"
            yield LayoutProblem("unreachable_connector", f"/connectors/{i}", message, connector.start)
    places = [place for *_, place in wanted if place is not None]
    metres = np.empty((0, 0))
    if places:
        floors = overlaid_floors(store_map, NOTHING_CLOSED)
        metres = walking_distances(store_map, floors, NOTHING_CLOSED, places, sources=1).metres
    for code, pointer, name, spot, place in wanted:
        if place is None:
            yield LayoutProblem(code, pointer, f"nobody can stand within {SNAP_M:g} m of {name}", spot)
        elif not np.isfinite(metres[0, places.index(place)]):
            yield LayoutProblem(code, pointer, f"no way leads to {name}", spot)


def _shelf_problems(store_map: StoreMap) -> Iterator[LayoutProblem]:
    for index, plan in enumerate(store_map.layout.floors):
        space = store_map.floors[plan.floor].space
        reachable = set(space.face_body[store_map.open_faces[plan.floor]].tolist())
        for row, shelf in enumerate(plan.shelves):
            if row not in reachable:
                message = f"no side of the shelf on floor {plan.floor} can be walked to"
                yield LayoutProblem("unreachable_shelf", f"/floors/{index}/shelves/{row}", message, shelf)
