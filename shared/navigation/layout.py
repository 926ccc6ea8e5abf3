"""The layout file: its strict shape and the rules a single look at the numbers can check.

Whether everything can be walked to is decided by `reachability.check_walkable`, which needs the walking graph.
All lengths are metres; a rectangle is `[x1, y1, x2, y2]` with `x1 < x2` and `y1 < y2`; a spot is `[floor, x, y]`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError

from shared.navigation.errors import NavigationError

# Keeps 1e-9 m, the geometric tolerance, well above the rounding of a double (1e5 * 2**-53 is 1e-11).
MAX_COORDINATE_M = 100_000.0
# Thinner than this a shelf would vanish in the geometric tolerance.
MIN_SIDE_M = 1e-6

Coordinate = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-MAX_COORDINATE_M, le=MAX_COORDINATE_M)]
Rect = tuple[Coordinate, Coordinate, Coordinate, Coordinate]
Spot = tuple[StrictInt, Coordinate, Coordinate]
Vector = tuple[Coordinate, Coordinate]
Name = Annotated[StrictStr, Field(min_length=1, max_length=80)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Section(_Strict):
    """A named part of the shop floor, such as "Dairy"; it does not hinder walking."""

    name: Name
    x1: Coordinate
    y1: Coordinate
    x2: Coordinate
    y2: Coordinate

    @property
    def rect(self) -> Rect:
        return (self.x1, self.y1, self.x2, self.y2)


class OneWayZone(_Strict):
    """Inside `rect` nobody walks against `direction` (any length but zero); across it is allowed."""

    rect: Rect
    direction: Vector


class Floor(_Strict):
    floor: StrictInt
    bounds: Rect
    shelves: tuple[Rect, ...] = ()
    sections: tuple[Section, ...] = ()
    one_way: tuple[OneWayZone, ...] = ()


class Connector(_Strict):
    """A lift, travelator or ramp: from one spot to another, as long as walking `cost_m` metres."""

    kind: Name
    start: Spot = Field(alias="from")
    end: Spot = Field(alias="to")
    cost_m: Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=MAX_COORDINATE_M)]
    one_way: StrictBool = False


class Checkout(_Strict):
    name: Name
    at: Spot


class Layout(_Strict):
    """One store. `clearance_m` is half the side of the square footprint that a cart needs."""

    store: Annotated[StrictStr, Field(pattern=r"^[a-z0-9-]{1,36}$")]
    y_axis: Literal["down", "up"]
    clearance_m: Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=10)]
    floors: Annotated[tuple[Floor, ...], Field(min_length=1)]
    connectors: tuple[Connector, ...] = ()
    entrances: tuple[Spot, ...] = ()
    checkouts: tuple[Checkout, ...] = ()


@dataclass(frozen=True, slots=True)
class LayoutProblem:
    """One thing wrong with a layout, and where: a JSON pointer (RFC 6901) and the numbers found there."""

    code: str
    pointer: str
    message: str
    coordinates: tuple[float, ...] = ()

    def __str__(self) -> str:
        numbers = f" [{', '.join(f'{value:g}' for value in self.coordinates)}]" if self.coordinates else ""
        return f"{self.pointer or '/'}{numbers}: {self.message}"


class LayoutError(NavigationError):
    """A layout that must not be imported. `code` is the code of the first of `problems`."""

    def __init__(self, problems: Sequence[LayoutProblem]) -> None:
        super().__init__(problems[0].code, "; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def parse_layout(document: object) -> Layout:
    """Read a decoded JSON document as a layout; raises `LayoutError` naming every problem and its place."""
    try:
        layout = Layout.model_validate(document)
    except ValidationError as error:
        raise LayoutError(
            [
                LayoutProblem(
                    code=_CODES.get(detail["type"], "wrong_value"),
                    pointer=_pointer(detail["loc"]),
                    message=detail["msg"],
                    coordinates=_numbers_at(document, detail["loc"]),
                )
                for detail in error.errors(include_url=False, include_input=False, include_context=False)
            ]
        ) from None
    problems = list(_problems(layout))
    if problems:
        raise LayoutError(problems)
    return layout


# pydantic's error types to our stable codes; whatever is not listed is a "wrong_value".
_CODES = {
    "extra_forbidden": "unknown_field",
    "missing": "missing_field",
    "finite_number": "not_a_number",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "too_short": "wrong_length",
    "too_long": "wrong_length",
    "string_too_short": "wrong_length",
    "string_too_long": "wrong_length",
    "string_pattern_mismatch": "wrong_name",
    "float_type": "wrong_type",
    "int_type": "wrong_type",
    "bool_type": "wrong_type",
    "string_type": "wrong_type",
    "tuple_type": "wrong_type",
    "model_type": "wrong_type",
}


def _pointer(path: Sequence[int | str]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _numbers_at(document: object, path: Sequence[int | str]) -> tuple[float, ...]:
    """The innermost list of numbers that the path walks through, or `()`."""
    numbers: tuple[float, ...] = ()
    node = document
    for part in (*path, None):
        if isinstance(node, list | tuple):
            if node and all(isinstance(value, int | float) for value in node):
                numbers = tuple(float(value) for value in node if abs(value) < 1e300 or value != value)
            node = node[part] if isinstance(part, int) and part < len(node) else None
        elif isinstance(node, dict):
            corners = [node.get(key) for key in ("x1", "y1", "x2", "y2")]
            if all(isinstance(value, int | float) for value in corners):
                numbers = tuple(float(value) for value in corners if value is not None)
            node = node.get(part)
        else:
            break
    return numbers


def _problems(layout: Layout) -> Iterator[LayoutProblem]:
    bounds: dict[int, Rect] = {}
    for index, floor in enumerate(layout.floors):
        if floor.floor in bounds:
            yield LayoutProblem("duplicate_floor", f"/floors/{index}/floor", f"floor {floor.floor} appears twice")
        bounds[floor.floor] = floor.bounds
        yield from _floor_problems(floor, f"/floors/{index}")
    yield from _spot_problems(layout, bounds)
    seen: set[str] = set()
    for index, checkout in enumerate(layout.checkouts):
        if checkout.name in seen:
            yield LayoutProblem(
                "duplicate_checkout",
                f"/checkouts/{index}/name",
                f"checkout {checkout.name!r} appears twice",
                checkout.at,
            )
        seen.add(checkout.name)


def _floor_problems(floor: Floor, pointer: str) -> Iterator[LayoutProblem]:
    rects = [(f"{pointer}/bounds", "the floor", floor.bounds)]
    rects += [(f"{pointer}/shelves/{i}", "the shelf", rect) for i, rect in enumerate(floor.shelves)]
    rects += [(f"{pointer}/sections/{i}", "the section", section.rect) for i, section in enumerate(floor.sections)]
    rects += [(f"{pointer}/one_way/{i}/rect", "the zone", zone.rect) for i, zone in enumerate(floor.one_way)]
    left, top, right, bottom = floor.bounds
    for where, what, rect in rects:
        x1, y1, x2, y2 = rect
        if x2 - x1 < MIN_SIDE_M or y2 - y1 < MIN_SIDE_M:
            yield LayoutProblem("empty_rect", where, f"{what} on floor {floor.floor} has no area", rect)
        elif x1 < left or y1 < top or x2 > right or y2 > bottom:
            message = f"{what} reaches outside the bounds of floor {floor.floor}"
            yield LayoutProblem("outside_bounds", where, message, rect)
    for index, zone in enumerate(floor.one_way):
        if zone.direction == (0, 0):
            message = f"the zone on floor {floor.floor} has no direction"
            yield LayoutProblem("zero_direction", f"{pointer}/one_way/{index}/direction", message, zone.rect)


def _spot_problems(layout: Layout, bounds: dict[int, Rect]) -> Iterator[LayoutProblem]:
    spots = [(f"/entrances/{i}", f"entrance {i}", spot) for i, spot in enumerate(layout.entrances)]
    for i, checkout in enumerate(layout.checkouts):
        spots.append((f"/checkouts/{i}/at", f"checkout {checkout.name!r}", checkout.at))
    for i, connector in enumerate(layout.connectors):
        spots.append((f"/connectors/{i}/from", f"the start of {connector.kind} {i}", connector.start))
        spots.append((f"/connectors/{i}/to", f"the end of {connector.kind} {i}", connector.end))
    for where, what, spot in spots:
        floor, x, y = spot
        if floor not in bounds:
            yield LayoutProblem("unknown_floor", where, f"{what} is on floor {floor}, which is missing", spot)
            continue
        x1, y1, x2, y2 = bounds[floor]
        if not (x1 <= x <= x2 and y1 <= y <= y2):
            yield LayoutProblem("outside_bounds", where, f"{what} is outside floor {floor}", spot)
