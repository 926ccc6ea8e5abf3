"""The line a shopper sees: the spots of a shortest line without those that lie on the way anyway."""

import math

from shared.navigation.distances import Line
from shared.navigation.layout import Connector
from shared.navigation.places import Place

# A middle point this close to the straight line is no bend (metres); the line moves by less than that.
STRAIGHT_M = 1e-8


def simplified(line: Line) -> Line:
    """The same line without repeated spots and collinear middle points; both ends of a ride stay."""
    spots: list[Place] = [line.spots[0]]
    rides: list[int | None] = []
    for spot, ride in zip(line.spots[1:], line.rides, strict=True):
        if ride is None and spot == spots[-1]:
            continue
        if ride is None and rides and rides[-1] is None and _on_the_way(spots[-2], spots[-1], spot):
            spots[-1] = spot
            continue
        spots.append(spot)
        rides.append(ride)
    return Line(tuple(spots), tuple(rides))


def length(line: Line, connectors: tuple[Connector, ...]) -> float:
    """Metres walked, plus what each ride counts for."""
    return math.fsum(
        connectors[ride].cost_m if ride is not None else distance(start, end)
        for start, end, ride in zip(line.spots, line.spots[1:], line.rides, strict=False)
    )


def distance(start: Place, end: Place) -> float:
    return math.hypot(end.x - start.x, end.y - start.y)


def _on_the_way(start: Place, middle: Place, end: Place) -> bool:
    x, y = end.x - start.x, end.y - start.y
    to_x, to_y = middle.x - start.x, middle.y - start.y
    whole = math.hypot(x, y)
    if whole == 0 or to_x * x + to_y * y < 0 or (end.x - middle.x) * x + (end.y - middle.y) * y < 0:
        return False
    return abs(x * to_y - y * to_x) <= STRAIGHT_M * whole
