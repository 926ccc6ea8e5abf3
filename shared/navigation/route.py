"""What is asked of route planning and what it answers; values only. All lengths are metres."""

from dataclasses import dataclass
from typing import Literal

from shared.navigation.places import NOTHING_CLOSED, Overlay, Place

StartOrigin = Literal["position", "last_scanned", "entrance"]
SkipReason = Literal["no_place", "not_a_number", "unknown_floor", "off_map", "unreachable"]
RefusalCode = Literal["not_a_number", "too_many_stops", "unknown_floor", "start_off_map", "no_start", "nothing_left"]
StepKind = Literal["depart", "turn", "continue", "floor_change", "arrive"]
Direction = Literal["straight", "slight_left", "left", "sharp_left", "slight_right", "right", "sharp_right", "around"]
Side = Literal["left", "right", "ahead", "behind"]


@dataclass(frozen=True, slots=True)
class Destination:
    """A product and where it stands; several places mean that any of them will do."""

    product_id: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """Where to go. The start is `position`, else the place of the product scanned last, else the entrance.

    `previous_order`: product ids in the order of the last answer; it is kept unless another is 2 % shorter.
    """

    destinations: tuple[Destination, ...]
    position: Place | None = None
    last_scanned: Place | None = None
    end: Literal["none", "checkout"] = "none"
    overlay: Overlay = NOTHING_CLOSED
    previous_order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """Where the walk begins, what that was taken from, and how far it was moved to where a cart can stand."""

    place: Place
    origin: StartOrigin
    snapped_m: float


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: what to do at `at`, then walk `distance_m` along `heading` until `to`.

    `heading` is a unit vector in the layout's axes (the chord when the way bends by less than 15 degrees).
    `turn_deg` is what the shopper turns, positive to the right. A `floor_change` rides to `floor` as if walking
    `distance_m`. An `arrive` names the product (or the checkout) and the side on which it stands.
    """

    kind: StepKind
    text: str
    at: Place
    to: Place
    distance_m: float
    heading: tuple[float, float] | None = None
    direction: Direction | None = None
    turn_deg: float = 0.0
    section: str | None = None
    floor: int | None = None
    side: Side | None = None
    product_id: str | None = None
    checkout: str | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """The walk to one stop. `product_id` is `None` on the last leg when it leads to the checkout.

    `stop`: where the cart stands. `place`: where the product is. `path`: from the stop before to this one without
    collinear middle points. `rides`: for each step of the path the connector used, or `None` when walked.
    """

    product_id: str | None
    stop: Place
    place: Place
    path: tuple[Place, ...]
    rides: tuple[int | None, ...]
    distance_m: float
    section: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    product_id: str
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Route:
    """A walk. `proof` is `optimal`, `gap<=1.25%` or `heuristic`: how far it may be from the shortest walk.

    `checkout`: its name when the walk ends there. `checkout_missing`: asked for, but none can be reached.
    """

    start: Start
    legs: tuple[Leg, ...]
    distance_m: float
    proof: str
    skipped: tuple[Skipped, ...]
    checkout: str | None = None
    checkout_missing: bool = False

    @property
    def instructions(self) -> tuple[Step, ...]:
        return tuple(step for leg in self.legs for step in leg.steps)

    @property
    def order(self) -> tuple[str, ...]:
        """The product ids in walking order: the `previous_order` of the next request."""
        return tuple(leg.product_id for leg in self.legs if leg.product_id is not None)


@dataclass(frozen=True, slots=True)
class NoRoute:
    """Why there is no walk at all."""

    code: RefusalCode
    detail: str
    skipped: tuple[Skipped, ...] = ()
