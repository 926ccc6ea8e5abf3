"""The one entrance to route planning: a request on a store map becomes a route, or a reason why there is none."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shared.navigation.distances import Distances, overlaid_floors, walking_distances
from shared.navigation.floor_graph import FloorGraph
from shared.navigation.instructions import Goal, Heading, leg_steps
from shared.navigation.layout import MAX_COORDINATE_M
from shared.navigation.places import Place
from shared.navigation.polyline import distance, length, simplified
from shared.navigation.route import (
    Destination,
    Leg,
    NoRoute,
    Route,
    RouteRequest,
    Skipped,
    SkipReason,
    Start,
)
from shared.navigation.store_map import SNAP_M, StoreMap
from shared.navigation.tour import Tour, best_tour
from shared.navigation.walk import Walk
from shared.navigation.walkable import Ints, all_nearest_walkable, is_walkable, nearest_walkable
from shared.navigation.way_on import mutually_reachable

MAX_STOPS = 60
# A new order must be this much shorter than the one the shopper already follows.
KEEP_WITHIN = 0.02
# A bound that leaves more than this open proves nothing; stops with several places often have such bounds.
WORTHLESS_GAP = 0.25


@dataclass(frozen=True, slots=True)
class _Stand:
    """A place of a product and where the cart stands for it."""

    product_id: str
    place: Place
    stop: Place


def plan_route(store_map: StoreMap, request: RouteRequest) -> Route | NoRoute:
    """The shortest walk from the start through every destination that can be reached, and on to a checkout.

    Safe to call from many threads with one map; the same arguments give the same answer. Nothing is dropped
    silently: each destination is a leg of the route or is listed in `skipped`.
    """
    destinations = _merged(request.destinations)
    if len(destinations) > MAX_STOPS:
        return NoRoute("too_many_stops", f"{len(destinations)} stops, at most {MAX_STOPS} are planned")
    floors = overlaid_floors(store_map, request.overlay)
    start = _start(store_map, floors, request)
    if isinstance(start, NoRoute):
        return start
    stands, skipped = _stands(store_map, destinations)
    checkouts = [(i, place) for i, place in enumerate(store_map.checkouts) if place is not None]
    if request.end == "none":
        checkouts = []
    places = [start.place, *(stand.stop for stand in stands), *(place for _, place in checkouts)]
    distances = walking_distances(store_map, floors, request.overlay, places, sources=1 + len(stands))
    return _route(store_map, request, start, stands, skipped, [i for i, _ in checkouts], distances)


def _merged(destinations: Sequence[Destination]) -> list[Destination]:
    """One stop per product, in an order that does not depend on how the request was written."""
    places: dict[str, set[Place]] = {}
    for destination in destinations:
        places.setdefault(destination.product_id, set()).update(destination.places)
    return [Destination(product_id, tuple(sorted(places[product_id]))) for product_id in sorted(places)]


def _start(store_map: StoreMap, floors: dict[int, FloorGraph], request: RouteRequest) -> Start | NoRoute:
    if request.position is not None:
        asked = request.position
        if not _is_sane(asked):
            return NoRoute("not_a_number", "the position is not a number of metres")
        if asked.floor not in floors:
            return NoRoute("unknown_floor", f"there is no floor {asked.floor}")
        place = _snapped_start(store_map, floors, asked)
        if place is None:
            return NoRoute("start_off_map", f"nobody can walk within {SNAP_M:g} m of the position")
        return Start(place, "position", distance(asked, place))
    if request.last_scanned is not None:
        found = _stops_for(store_map, [request.last_scanned])[request.last_scanned]
        if isinstance(found, Place):
            return Start(found, "last_scanned", distance(request.last_scanned, found))
    for spot, place in zip(store_map.layout.entrances, store_map.entrances, strict=True):
        if place is not None:
            return Start(place, "entrance", distance(Place(*spot), place))
    return NoRoute("no_start", "neither a position nor a last product nor a walkable entrance is known")


def _snapped_start(store_map: StoreMap, floors: dict[int, FloorGraph], asked: Place) -> Place | None:
    """Where the cart stands: preferably where it can be when nothing is closed, at most `SNAP_M` away."""
    base = nearest_walkable(store_map.floors[asked.floor].space, (asked.x, asked.y), store_map.open_faces[asked.floor])
    space = floors[asked.floor].space
    spot = base if base is not None and is_walkable(space, np.array([base]))[0] else None
    spot = spot or nearest_walkable(space, (asked.x, asked.y))
    if spot is None or math.dist(spot, (asked.x, asked.y)) > SNAP_M:
        return None
    return Place(asked.floor, *spot)


def _stands(store_map: StoreMap, destinations: Sequence[Destination]) -> tuple[list[_Stand], list[Skipped]]:
    stops = _stops_for(store_map, [place for destination in destinations for place in destination.places])
    stands: list[_Stand] = []
    skipped: list[Skipped] = []
    for destination in destinations:
        reason: SkipReason | None = "no_place"
        for place in destination.places:
            stop = stops[place]
            if isinstance(stop, Place):
                stands.append(_Stand(destination.product_id, place, stop))
                reason = None
            elif reason is not None:
                reason = stop
        if reason is not None:
            skipped.append(Skipped(destination.product_id, reason))
    return stands, skipped


def _stops_for(store_map: StoreMap, places: Sequence[Place]) -> dict[Place, Place | SkipReason]:
    """Each place itself, or the nearest face that can be walked to when the product is inside a shelf."""
    stops: dict[Place, Place | SkipReason] = {}
    on_floor: dict[int, list[Place]] = {}
    for place in places:
        if not _is_sane(place):
            stops[place] = "not_a_number"
        elif place.floor not in store_map.floors:
            stops[place] = "unknown_floor"
        else:
            on_floor.setdefault(place.floor, []).append(place)
    for number, here in on_floor.items():
        floor = store_map.floors[number]
        x1, y1, x2, y2 = floor.plan.bounds
        spots = all_nearest_walkable(floor.space, [(at.x, at.y) for at in here], store_map.open_faces[number])
        for place, spot in zip(here, spots, strict=True):
            inside = x1 <= place.x <= x2 and y1 <= place.y <= y2
            if spot is None:
                stops[place] = "unreachable"
            elif not inside and math.dist(spot, (place.x, place.y)) > SNAP_M:
                stops[place] = "off_map"
            else:
                stops[place] = Place(number, *spot)
    return stops


def _is_sane(place: Place) -> bool:
    return all(math.isfinite(value) and abs(value) <= MAX_COORDINATE_M for value in (place.x, place.y))


def _route(
    store_map: StoreMap,
    request: RouteRequest,
    start: Start,
    stands: list[_Stand],
    skipped: list[Skipped],
    checkouts: list[int],
    distances: Distances,
) -> Route | NoRoute:
    metres = distances.metres
    places = len(stands)
    to_checkout = metres[:, 1 + places :].min(axis=1, initial=np.inf) if checkouts else np.zeros(1 + places)
    ids = [stand.product_id for stand in stands]
    kept = mutually_reachable(metres[0, 1 : 1 + places], metres[1:, 1 : 1 + places], to_checkout[1:], ids)
    checkout_missing = request.end == "checkout" and not len(kept) and not np.isfinite(to_checkout[0])
    if checkouts and places and not len(kept):
        # Nothing leads on to a checkout: better to fetch the products than to fetch none.
        to_checkout, checkout_missing = np.zeros(1 + places), True
        kept = mutually_reachable(metres[0, 1 : 1 + places], metres[1:, 1 : 1 + places], to_checkout[1:], ids)
    checkout_missing = checkout_missing or (request.end == "checkout" and not checkouts)
    reached = {ids[i] for i in kept}
    skipped += [Skipped(product_id, "unreachable") for product_id in dict.fromkeys(ids) if product_id not in reached]
    skipped.sort(key=lambda skip: skip.product_id)
    asked = bool(request.destinations)
    ends_at_checkout = request.end == "checkout" and not checkout_missing
    if not len(kept) and (asked or not ends_at_checkout):
        return NoRoute("nothing_left", "no destination can be reached", tuple(skipped))
    order, proof = _order(request, [ids[i] for i in kept], kept, metres, to_checkout)
    nodes = [0, *(1 + i for i in order)]
    goals = [Goal(stands[i].place, product_id=stands[i].product_id) for i in order]
    checkout = None
    if ends_at_checkout:
        nearest = int(metres[nodes[-1], 1 + places :].argmin())
        checkout = store_map.layout.checkouts[checkouts[nearest]]
        nodes.append(1 + places + nearest)
        goals.append(Goal(Place(*checkout.at), checkout=checkout.name))
    legs = _legs(store_map, distances, nodes, goals)
    return Route(
        start=start,
        legs=legs,
        distance_m=math.fsum(leg.distance_m for leg in legs),
        proof=proof,
        skipped=tuple(skipped),
        checkout=checkout.name if checkout else None,
        checkout_missing=checkout_missing,
    )


def _order(
    request: RouteRequest, ids: list[str], kept: Ints, metres: np.ndarray, to_checkout: np.ndarray
) -> tuple[list[int], str]:
    """Rows of the stands in walking order, and the proof."""
    if not ids:
        return [], "optimal"
    names = list(dict.fromkeys(ids))
    walk = Walk(
        first=metres[0, 1 + kept],
        between=metres[np.ix_(1 + kept, 1 + kept)],
        last=to_checkout[1 + kept],
        stop=np.array([names.index(product_id) for product_id in ids], dtype=np.int64),
    )
    known = [names.index(product_id) for product_id in dict.fromkeys(request.previous_order) if product_id in names]
    tour = best_tour(walk, known, KEEP_WITHIN)
    return [int(kept[i]) for i in tour.order], _proof(tour)


def _proof(tour: Tour) -> str:
    if tour.gap is None or tour.gap > WORTHLESS_GAP:
        return "heuristic"
    return "optimal" if tour.gap == 0 else f"gap<={math.ceil(tour.gap * 10_000) / 100:.2f}%"


def _legs(store_map: StoreMap, distances: Distances, nodes: list[int], goals: list[Goal]) -> tuple[Leg, ...]:
    legs = []
    heading: Heading | None = None
    for start, end, goal in zip(nodes, nodes[1:], goals, strict=False):
        line = simplified(distances.line(start, end))
        steps, heading = leg_steps(store_map.layout, line, goal, heading)
        legs.append(
            Leg(
                product_id=goal.product_id,
                stop=line.spots[-1],
                place=goal.place,
                path=line.spots,
                rides=line.rides,
                distance_m=length(line, store_map.layout.connectors),
                section=steps[-1].section,
                steps=steps,
            )
        )
    return tuple(legs)
