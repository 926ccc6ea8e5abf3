"""The REST shape of a walk, and how a planned route is put into it."""

from typing import Any, Literal

from pydantic import Field

from services.gateway.fields import Answer
from shared.navigation import Leg, Place, Route, Step


class PointBody(Answer):
    x: float
    y: float
    floor: int


class StartBody(PointBody):
    """Where the walk begins."""

    origin: Literal["position", "last_scanned", "entrance"]
    snapped: float = Field(description="metres it was moved to where a cart can stand")


class Segment(Answer):
    """The walk to one product."""

    product_id: int
    section_id: int | None
    destination: PointBody = Field(description="where the cart stands")
    path_length: float = Field(description="metres")
    path: list[PointBody]
    last_instruction: str


class WayOut(Answer):
    """The walk to a checkout."""

    checkout: str
    destination: PointBody
    path_length: float
    path: list[PointBody]
    last_instruction: str


class Instruction(Answer):
    """One step: what to do, then walk `distance` metres."""

    kind: Literal["depart", "turn", "continue", "floor_change", "arrive"]
    text: str
    at: PointBody
    to: PointBody
    distance: float
    direction: str | None
    turn_degrees: float = Field(description="positive to the right")
    section_name: str | None
    side: str | None
    product_id: int | None
    checkout: str | None


class SkippedBody(Answer):
    """A product that the walk leaves out, and why."""

    product_id: int
    reason: str


class WalkBody(Answer):
    """A walk, in walking order."""

    start: StartBody
    segments: list[Segment]
    total_distance: float = Field(description="metres")
    proof: str = Field(description="optimal, gap<=x % from the shortest, or heuristic")
    skipped: list[SkippedBody]
    instructions: list[Instruction]
    way_out: WayOut | None = Field(description="with end=checkout; null when no checkout can be reached")


def walk_body(route: Route, unknown: tuple[int, ...], section_ids: dict[tuple[int, str], int]) -> WalkBody:
    """`unknown`: products that nobody knows. Checked in one go: a walk is some two hundred small objects."""
    start = route.start
    out = next((leg for leg in route.legs if leg.product_id is None), None)
    return WalkBody.model_validate(
        {
            "start": {**_point(start.place), "origin": start.origin, "snapped": start.snapped_m},
            "segments": [_segment(leg, section_ids) for leg in route.legs if leg.product_id is not None],
            "total_distance": route.distance_m,
            "proof": route.proof,
            "skipped": [
                *({"product_id": int(one.product_id), "reason": one.reason} for one in route.skipped),
                *({"product_id": product_id, "reason": "unknown_product"} for product_id in unknown),
            ],
            "instructions": [_instruction(step) for step in route.instructions],
            "way_out": None if out is None else {"checkout": route.checkout or "", **_walked(out)},
        }
    )


def _segment(leg: Leg, section_ids: dict[tuple[int, str], int]) -> dict[str, Any]:
    return {
        "product_id": int(leg.product_id or 0),
        "section_id": section_ids.get((leg.place.floor, leg.section)) if leg.section is not None else None,
        **_walked(leg),
    }


def _walked(leg: Leg) -> dict[str, Any]:
    return {
        "destination": _point(leg.stop),
        "path_length": leg.distance_m,
        "path": [_point(place) for place in leg.path],
        "last_instruction": leg.steps[-1].text if leg.steps else "",
    }


def _instruction(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "text": step.text,
        "at": _point(step.at),
        "to": _point(step.to),
        "distance": step.distance_m,
        "direction": step.direction,
        "turn_degrees": step.turn_deg,
        "section_name": step.section,
        "side": step.side,
        "product_id": None if step.product_id is None else int(step.product_id),
        "checkout": step.checkout,
    }


def _point(place: Place) -> dict[str, float]:
    return {"x": place.x, "y": place.y, "floor": place.floor}
