"""Turn-by-turn steps along the legs of a route.

Left and right follow from the sign of the cross product of two headings and the direction of the layout's y axis.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from shared.navigation.distances import Line
from shared.navigation.layout import Layout
from shared.navigation.places import Place
from shared.navigation.polyline import distance, length
from shared.navigation.route import Direction, Side, Step, StepKind

# Degrees. Below STRAIGHT nobody is told; from AROUND on left and right mean the same.
STRAIGHT_DEG = 15.0
SLIGHT_DEG = 45.0
SHARP_DEG = 120.0
AROUND_DEG = 165.0
AHEAD_DEG = 30.0
# A product nearer than this is on no side.
HERE_M = 0.01

Heading = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Goal:
    """What stands at the end of a leg: a product or a checkout, at `place`."""

    place: Place
    product_id: str | None = None
    checkout: str | None = None


def leg_steps(
    layout: Layout, line: Line, goal: Goal, arriving: Heading | None
) -> tuple[tuple[Step, ...], Heading | None]:
    """The steps of one leg, and the heading at its end. `arriving`: the heading before it, `None` at the very start.

    The distances of the steps add up to the length of the line.
    """
    steps: list[Step] = []
    heading = arriving
    before: _Piece | None = None
    for piece in _pieces(layout, line):
        if piece.ride is not None:
            steps.append(_ride_step(layout, piece))
            heading = None
        else:
            turn_deg = 0.0 if heading is None else turn_degrees(layout, heading, piece.first_heading)
            if before is not None and before.ride is None and abs(turn_deg) < STRAIGHT_DEG:
                turn_deg = turn_degrees(layout, before.first_heading, piece.first_heading)
            kind: StepKind = "continue" if abs(turn_deg) < STRAIGHT_DEG else "turn"
            if not steps and arriving is None:
                kind = "depart"
            ridden = None if before is None or before.ride is None else layout.connectors[before.ride].kind
            steps.append(_walk_step(layout, piece, turn_deg, kind, ridden))
            heading = piece.final_heading
        before = piece
    end = line.spots[-1]
    side = _side(layout, heading, end, goal.place)
    # A product may stand on a shelf between two sections: then the one the cart stands in says where.
    section = section_at(layout, goal.place) or section_at(layout, end)
    steps.append(
        Step(
            kind="arrive",
            text=_arrival_text(goal, side, section),
            at=end,
            to=end,
            distance_m=0.0,
            heading=heading,
            section=section,
            side=side,
            product_id=goal.product_id,
            checkout=goal.checkout,
        )
    )
    return tuple(steps), heading


def section_at(layout: Layout, place: Place) -> str | None:
    """The name of the smallest section that holds the place."""
    holding = [
        ((section.x2 - section.x1) * (section.y2 - section.y1), section.name)
        for floor in layout.floors
        if floor.floor == place.floor
        for section in floor.sections
        if section.x1 <= place.x <= section.x2 and section.y1 <= place.y <= section.y2
    ]
    return min(holding)[1] if holding else None


def turn_degrees(layout: Layout, before: Heading, after: Heading) -> float:
    """What a shopper turns, in (-180, 180], positive to the right."""
    cross = before[0] * after[1] - before[1] * after[0]
    dot = before[0] * after[0] + before[1] * after[1]
    right = cross if layout.y_axis == "down" else -cross
    return math.degrees(math.atan2(right, dot))


def direction_of(turn_deg: float) -> Direction:
    size, right = abs(turn_deg), turn_deg > 0
    if size < STRAIGHT_DEG:
        return "straight"
    if size < SLIGHT_DEG:
        return "slight_right" if right else "slight_left"
    if size < SHARP_DEG:
        return "right" if right else "left"
    if size < AROUND_DEG:
        return "sharp_right" if right else "sharp_left"
    return "around"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A ride, or a way that feels straight: spots in order."""

    spots: tuple[Place, ...]
    ride: int | None
    length_m: float

    @property
    def first_heading(self) -> Heading:
        return _heading(self.spots[0], self.spots[1])

    @property
    def final_heading(self) -> Heading:
        return _heading(self.spots[-2], self.spots[-1])


def _pieces(layout: Layout, line: Line) -> Iterator[_Piece]:
    """Cut the line where a shopper must be told something."""
    spots: list[Place] = [line.spots[0]]
    for spot, ride in zip(line.spots[1:], line.rides, strict=True):
        if len(spots) > 1 and (ride is not None or not _feels_straight(layout, [*spots, spot])):
            yield _walked(spots)
            spots = spots[-1:]
        if ride is not None:
            ridden = Line((spots[-1], spot), (ride,))
            yield _Piece(ridden.spots, ride, length(ridden, layout.connectors))
            spots = [spot]
        else:
            spots.append(spot)
    if len(spots) > 1:
        yield _walked(spots)


def _walked(spots: list[Place]) -> _Piece:
    return _Piece(tuple(spots), None, math.fsum(distance(a, b) for a, b in pairwise(spots)))


def _feels_straight(layout: Layout, spots: list[Place]) -> bool:
    """Whether neither the last bend nor all of them together is a turn."""
    last = _heading(spots[-2], spots[-1])
    bend = turn_degrees(layout, _heading(spots[-3], spots[-2]), last)
    drift = turn_degrees(layout, _heading(spots[0], spots[1]), last)
    return max(abs(bend), abs(drift)) < STRAIGHT_DEG


def _walk_step(layout: Layout, piece: _Piece, turn_deg: float, kind: StepKind, ridden: str | None) -> Step:
    """`ridden`: the kind of connector that the shopper just leaves, where no heading is known."""
    direction = direction_of(turn_deg)
    across, at_end = section_at(layout, _middle(piece.spots)), section_at(layout, piece.spots[-1])
    section = across or at_end
    way = _metres(piece.length_m) + (f" through {across}" if across else "")
    way += f" to {at_end}" if at_end and at_end != across else ""
    text = {"depart": "Walk", "continue": "Continue for"}.get(kind, f"{_TURNS[direction]} and walk")
    if ridden is not None:
        text = f"Leave the {ridden} and walk"
    return Step(
        kind=kind,
        text=f"{text} {way}",
        at=piece.spots[0],
        to=piece.spots[-1],
        distance_m=piece.length_m,
        heading=_heading(piece.spots[0], piece.spots[-1]),
        direction=direction,
        turn_deg=turn_deg,
        section=section,
    )


_TURNS: dict[Direction, str] = {
    "straight": "Go straight on",
    "slight_left": "Bear left",
    "left": "Turn left",
    "sharp_left": "Turn sharp left",
    "slight_right": "Bear right",
    "right": "Turn right",
    "sharp_right": "Turn sharp right",
    "around": "Turn around",
}


def _ride_step(layout: Layout, piece: _Piece) -> Step:
    assert piece.ride is not None
    start, end = piece.spots
    kind = layout.connectors[piece.ride].kind
    where = f" to floor {end.floor}" if end.floor != start.floor else ""
    return Step(
        kind="floor_change",
        text=f"Take the {kind}{where}",
        at=start,
        to=end,
        distance_m=piece.length_m,
        section=section_at(layout, end),
        floor=end.floor,
    )


def _side(layout: Layout, heading: Heading | None, stop: Place, place: Place) -> Side | None:
    if heading is None or distance(stop, place) < HERE_M:
        return None
    turn = turn_degrees(layout, heading, _heading(stop, place))
    if abs(turn) < AHEAD_DEG:
        return "ahead"
    if abs(turn) > 180 - AHEAD_DEG:
        return "behind"
    return "right" if turn > 0 else "left"


def _arrival_text(goal: Goal, side: Side | None, section: str | None) -> str:
    if goal.checkout is not None:
        return f"You are at checkout {goal.checkout}"
    where = {None: "here", "left": "on the left", "right": "on the right", "ahead": "ahead", "behind": "behind you"}
    return f"Your product is {where[side]}" + (f", in {section}" if section else "")


def _metres(length_m: float) -> str:
    return f"{round(length_m)} m" if length_m >= 0.75 else "a step"


def _middle(spots: tuple[Place, ...]) -> Place:
    first, last = spots[0], spots[-1]
    return Place(first.floor, (first.x + last.x) / 2, (first.y + last.y) / 2)


def _heading(start: Place, end: Place) -> Heading:
    length_m = distance(start, end)
    return ((end.x - start.x) / length_m, (end.y - start.y) / length_m)
