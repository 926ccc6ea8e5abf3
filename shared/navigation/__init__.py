"""Route planning through a store: layout -> walkable space -> visibility graph -> distances -> tour -> instructions.

Pure: no input or output, no clock, no settings. `parse_layout`, `build_store_map` once per layout, then `plan_route`.
"""

from shared.navigation.errors import NavigationError
from shared.navigation.layout import Layout, LayoutError, LayoutProblem, parse_layout
from shared.navigation.places import BlockedRect, Overlay, Place
from shared.navigation.plan import MAX_STOPS, plan_route
from shared.navigation.reachability import check_walkable, walkable_problems
from shared.navigation.route import Destination, Leg, NoRoute, Route, RouteRequest, Skipped, Start, Step
from shared.navigation.store_map import StoreMap, build_store_map

__all__ = [
    "MAX_STOPS",
    "BlockedRect",
    "Destination",
    "Layout",
    "LayoutError",
    "LayoutProblem",
    "Leg",
    "NavigationError",
    "NoRoute",
    "Overlay",
    "Place",
    "Route",
    "RouteRequest",
    "Skipped",
    "Start",
    "Step",
    "StoreMap",
    "build_store_map",
    "check_walkable",
    "parse_layout",
    "plan_route",
    "walkable_problems",
]
