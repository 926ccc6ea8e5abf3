"""A picture of a layout and a route as one SVG document (SVG 1.1, no script, nothing fetched), a panel per floor."""

import math
from collections.abc import Iterator
from html import escape
from itertools import pairwise

from shared.navigation.labels import Box, place_label
from shared.navigation.layout import Floor, Layout, OneWayZone, Rect, Spot
from shared.navigation.places import NOTHING_CLOSED, Overlay, Place
from shared.navigation.polyline import distance
from shared.navigation.route import Leg, Route

# Pixels. A floor fills this width or height, whichever is reached first.
PANEL_WIDTH = 1000.0
PANEL_HEIGHT = 800.0
MIN_WIDTH = 560.0
MARGIN = 28.0
HEADER = 34.0

FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
PAPER, FLOOR, WALL = "#f4f1ec", "#ffffff", "#5b5f66"
SHELF, SHELF_EDGE = "#c9ced6", "#9aa2ae"
LINE, LINE_HALO, STOP, PRODUCT = "#1769e0", "#ffffff", "#0d3f8f", "#e4572e"
START, CHECKOUT, RIDE, BLOCKED, ONE_WAY = "#1d9a5b", "#7a3fb0", "#b7791f", "#c62828", "#6b7787"
SECTION_FILLS = ("#dcebdc", "#fbe6cf", "#d9e8f6", "#f5dbe1", "#e8e0f3", "#f6f0c6", "#d5efec", "#eadfd3")


def draw_svg(layout: Layout, route: Route | None = None, overlay: Overlay = NOTHING_CLOSED) -> str:
    """The plan of every floor: sections, shelves, one-way zones, doors, what is closed, and the route if given."""
    panels, height = [], 0.0
    for floor in layout.floors:
        view = _View(floor, layout.y_axis == "up")
        title = f"floor {floor.floor}" if len(layout.floors) > 1 else ""
        panels.append(f'<g transform="translate(0 {height:.1f})">')
        panels.append(_text(MARGIN, HEADER - 12, " · ".join(filter(None, (layout.store, title))), 16, WALL, bold=True))
        panels += _plan(layout, floor, view, overlay)
        if route is not None:
            panels += _route(route, floor.floor, view)
        panels += _signs(layout, floor, view, overlay)
        panels.append("</g>")
        height += view.height + HEADER + MARGIN
    width = max(MIN_WIDTH, *(_View(floor, up=False).width + 2 * MARGIN for floor in layout.floors))
    if route is not None:
        panels.append(_text(MARGIN, height + 10, _caption(route), 15, WALL))
        height += 26
    entries = {
        "entrance": START if layout.entrances else None,
        "checkout": CHECKOUT if layout.checkouts else None,
        "stop": STOP if route else None,
        "product": PRODUCT if route else None,
        "lift or ramp": RIDE if layout.connectors else None,
        "one way": ONE_WAY if any(floor.one_way for floor in layout.floors) else None,
        "closed": BLOCKED if overlay != NOTHING_CLOSED else None,
    }
    panels += _legend(height + 6, entries)
    height += 10
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height + 12:.0f}" '
            f'viewBox="0 0 {width:.1f} {height + 12:.1f}" font-family="{escape(FONT)}">',
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            *panels,
            "</svg>\n",
        ]
    )


class _View:
    """Metres of one floor to pixels of its panel; y is turned over when the layout's y axis points up."""

    def __init__(self, floor: Floor, up: bool) -> None:
        self._x1, self._y1, self._x2, self._y2 = floor.bounds
        across, down = self._x2 - self._x1, self._y2 - self._y1
        self.scale = min(PANEL_WIDTH / across, PANEL_HEIGHT / down)
        self.width, self.height = across * self.scale, down * self.scale
        self._up = up
        # Signs shrink with large stores, but stay legible.
        self.sign = min(13.0, max(7.5, 0.75 * self.scale))

    def at(self, x: float, y: float) -> tuple[float, float]:
        down = self._y2 - y if self._up else y - self._y1
        return MARGIN + (x - self._x1) * self.scale, HEADER + down * self.scale

    def rect(self, rect: Rect, style: str) -> str:
        (left, a), (right, b) = self.at(rect[0], rect[1]), self.at(rect[2], rect[3])
        top, bottom = sorted((a, b))
        return f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" {style}/>'


def _plan(layout: Layout, floor: Floor, view: _View, overlay: Overlay) -> Iterator[str]:
    yield view.rect(floor.bounds, f'fill="{FLOOR}"')
    names = list(dict.fromkeys(section.name for each in layout.floors for section in each.sections))
    for section in floor.sections:
        fill = SECTION_FILLS[names.index(section.name) % len(SECTION_FILLS)]
        yield view.rect(section.rect, f'fill="{fill}" rx="3"')
    shelf_style = f'fill="{SHELF}" stroke="{SHELF_EDGE}" stroke-width="{min(1.0, view.scale / 10):.2f}"'
    yield from (view.rect(shelf, shelf_style) for shelf in floor.shelves)
    yield view.rect(floor.bounds, f'fill="none" stroke="{WALL}" stroke-width="3"')
    for zone in floor.one_way:
        yield from _one_way(zone, view)
    for blocked in overlay.blocked:
        if blocked.floor == floor.floor:
            yield from _blocked(blocked.rect, view)


def _one_way(zone: OneWayZone, view: _View) -> Iterator[str]:
    """A tinted aisle with arrows along its middle."""
    yield view.rect(zone.rect, f'fill="{ONE_WAY}" fill-opacity="0.10"')
    x1, y1, x2, y2 = zone.rect
    (ax, ay), (bx, by) = view.at(0, 0), view.at(*zone.direction)
    length_px = math.hypot(bx - ax, by - ay)
    dx, dy = (bx - ax) / length_px, (by - ay) / length_px
    centre_x, centre_y = view.at((x1 + x2) / 2, (y1 + y2) / 2)
    width, height = (x2 - x1) * view.scale, (y2 - y1) * view.scale
    reach = abs(dx) * width + abs(dy) * height
    size = min(9.0, 0.22 * min(width, height) + 2)
    count = max(1, min(5, int(reach / (6 * size))))
    for number in range(count):
        off = ((number + 0.5) / count - 0.5) * reach
        x, y = centre_x + dx * off, centre_y + dy * off
        tip = (x + dx * size, y + dy * size)
        tail = (x - dx * size, y - dy * size)
        barbs = [(tip[0] - dx * size - dy * size * side, tip[1] - dy * size + dx * size * side) for side in (0.7, -0.7)]
        yield (
            f'<path d="M{tail[0]:.1f} {tail[1]:.1f}L{tip[0]:.1f} {tip[1]:.1f}'
            f'M{barbs[0][0]:.1f} {barbs[0][1]:.1f}L{tip[0]:.1f} {tip[1]:.1f}L{barbs[1][0]:.1f} {barbs[1][1]:.1f}" '
            f'fill="none" stroke="{ONE_WAY}" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>'
        )


def _blocked(rect: Rect, view: _View) -> Iterator[str]:
    yield view.rect(rect, f'fill="{BLOCKED}" fill-opacity="0.18" stroke="{BLOCKED}" stroke-width="1.6"')
    (ax, ay), (bx, by) = view.at(rect[0], rect[1]), view.at(rect[2], rect[3])
    yield (
        f'<path d="M{ax:.1f} {ay:.1f}L{bx:.1f} {by:.1f}M{ax:.1f} {by:.1f}L{bx:.1f} {ay:.1f}" '
        f'stroke="{BLOCKED}" stroke-width="1.6"/>'
    )


def _signs(layout: Layout, floor: Floor, view: _View, overlay: Overlay) -> Iterator[str]:
    """Names, doors and rides, above the line so that they stay legible."""
    for section in floor.sections:
        yield _section_name(section.name, section.rect, view)
    signs: list[tuple[Spot, str, str]] = []
    for index, connector in enumerate(layout.connectors):
        colour = BLOCKED if index in overlay.closed_connectors else RIDE
        kind, start, end = connector.kind, connector.start, connector.end
        signs.append((start, f"{kind} to floor {end[0]}" if connector.one_way else kind, colour))
        signs.append((end, f"{kind} from floor {start[0]}" if connector.one_way else kind, colour))
    for number, entrance in enumerate(layout.entrances, 1):
        signs.append((entrance, "Entrance" if len(layout.entrances) == 1 else f"Entrance {number}", START))
    here = list(
        dict.fromkeys((view.at(*spot[1:]), name, colour) for spot, name, colour in signs if spot[0] == floor.floor)
    )
    badges = [(view.at(*till.at[1:]), till.name) for till in layout.checkouts if till.at[0] == floor.floor]
    taken = [Box.around(at, view.sign, view.sign) for at, _, _ in here]
    taken += [Box.around(at, _badge_half(name, view), 0.8 * view.sign) for at, name in badges]
    for at, name, colour in here:
        yield from _sign(at, name, colour, view, taken)
    for at, name in badges:
        yield _badge(at, name, CHECKOUT, view)


def _section_name(name: str, rect: Rect, view: _View) -> str:
    """In the upper left corner, small enough to fit, upright when the section is tall and narrow."""
    (ax, ay), (bx, by) = view.at(rect[0], rect[1]), view.at(rect[2], rect[3])
    left, top, width, height = min(ax, bx), min(ay, by), abs(bx - ax), abs(by - ay)
    upright = width < 60 and height > width
    room = (height if upright else width) - 8
    size = min(13.0, room / (0.62 * len(name)), (width if upright else height) * 0.8)
    if size < 5:
        return ""
    if upright:
        x, y = left + size + 2, top + 5
        return _text(x, y, name, size, WALL, extra=f'transform="rotate(90 {x:.1f} {y:.1f})" dy="-.1em"', halo=True)
    return _text(left + 5, top + size + 2, name, size, WALL, halo=True)


def _sign(at: tuple[float, float], name: str, colour: str, view: _View, taken: list[Box]) -> Iterator[str]:
    """A dot with its name where it covers nothing `taken`; what it covers is taken from then on."""
    x, y = at
    radius, size = view.sign * 0.5, view.sign * 0.95
    frame = Box(0, 0, view.width + 2 * MARGIN, view.height + HEADER + MARGIN)
    label = place_label(at, view.sign + 3, 0.62 * size * len(name), size, frame, taken)
    taken.append(label.covers)
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" stroke="#fff" stroke-width="1.5"/>'
    anchor = f'text-anchor="{label.anchor}"'
    yield _text(label.x, label.y + size * 0.35, name, size, colour, bold=True, halo=True, extra=anchor)


def _route(route: Route, floor: int, view: _View) -> Iterator[str]:
    for colour, width, opacity in ((LINE_HALO, 7.0, 0.9), (LINE, 3.2, 1.0)):
        for piece in _walked(route, floor):
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (view.at(spot.x, spot.y) for spot in piece))
            yield (
                f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}" '
                f'stroke-opacity="{opacity}" stroke-linejoin="round" stroke-linecap="round"/>'
            )
    yield from _arrows(route, floor, view)
    if route.start.place.floor == floor:
        x, y = view.at(route.start.place.x, route.start.place.y)
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{view.sign * 0.75:.1f}" fill="#fff" '
            f'stroke="{START}" stroke-width="4"/>'
        )
    stops = [(number, leg) for number, leg in enumerate(route.legs, 1) if leg.product_id is not None]
    here = [(number, leg) for number, leg in stops if leg.stop.floor == floor]
    for _, leg in here:
        yield from _product(leg, view)
    for (x, y), numbers in _badges(here, view):
        yield _badge((x, y), ",".join(map(str, numbers)), STOP, view)


def _walked(route: Route, floor: int) -> Iterator[list[Place]]:
    """The runs of spots on one floor between rides, over all legs."""
    run: list[Place] = []
    for leg in route.legs:
        for (start, end), ride in zip(pairwise(leg.path), leg.rides, strict=True):
            if ride is not None or start.floor != floor:
                if run:
                    yield run
                run = []
            else:
                run = [*run, end] if run else [start, end]
    if run:
        yield run


def _arrows(route: Route, floor: int, view: _View) -> Iterator[str]:
    """Small arrowheads along the line, so that its direction can be followed."""
    size, apart = view.sign * 0.42, 90.0
    since = apart / 2
    for piece in _walked(route, floor):
        for start, end in pairwise(view.at(spot.x, spot.y) for spot in piece):
            whole = math.dist(start, end)
            if whole == 0:
                continue
            dx, dy = (end[0] - start[0]) / whole, (end[1] - start[1]) / whole
            along = apart - since
            while along < whole:
                x, y = start[0] + dx * along, start[1] + dy * along
                yield (
                    f'<path d="M{x + dx * size:.1f} {y + dy * size:.1f}'
                    f"L{x - dx * size - dy * size:.1f} {y - dy * size + dx * size:.1f}"
                    f"L{x - dx * size * 0.4:.1f} {y - dy * size * 0.4:.1f}"
                    f'L{x - dx * size + dy * size:.1f} {y - dy * size - dx * size:.1f}Z" '
                    f'fill="{LINE}" stroke="{LINE_HALO}" stroke-width="1"/>'
                )
                along += apart
            since = whole - (along - apart)


def _product(leg: Leg, view: _View) -> Iterator[str]:
    (x, y), (a, b) = view.at(leg.place.x, leg.place.y), view.at(leg.stop.x, leg.stop.y)
    if distance(leg.place, leg.stop) > 0:
        yield f'<path d="M{a:.1f} {b:.1f}L{x:.1f} {y:.1f}" stroke="{PRODUCT}" stroke-width="2" stroke-dasharray="3 2"/>'
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{view.sign * 0.32:.1f}" fill="{PRODUCT}"/>'


def _badges(here: list[tuple[int, Leg]], view: _View) -> Iterator[tuple[tuple[float, float], list[int]]]:
    """Stops whose badges would cover each other share one badge."""
    shared: list[tuple[tuple[float, float], list[int]]] = []
    for number, leg in here:
        at = view.at(leg.stop.x, leg.stop.y)
        for other, numbers in shared:
            if math.dist(at, other) < view.sign * 1.1:
                numbers.append(number)
                break
        else:
            shared.append((at, [number]))
    yield from shared


def _badge(at: tuple[float, float], text: str, colour: str, view: _View) -> str:
    x, y = at
    size = view.sign * 0.95
    half = _badge_half(text, view)
    pill = (
        f'<rect x="{x - half:.1f}" y="{y - view.sign * 0.8:.1f}" width="{2 * half:.1f}" '
        f'height="{view.sign * 1.6:.1f}" rx="{view.sign * 0.8:.1f}" fill="{colour}" stroke="#fff" stroke-width="1.5"/>'
    )
    return pill + _text(x, y + size * 0.35, text, size, "#fff", bold=True, extra='text-anchor="middle"')


def _badge_half(text: str, view: _View) -> float:
    return max(view.sign * 0.8, 0.32 * view.sign * 0.95 * len(text) + 3)


def _legend(y: float, entries: dict[str, str | None]) -> Iterator[str]:
    x = MARGIN
    for name, colour in entries.items():
        if colour is not None:
            yield f'<circle cx="{x + 5:.1f}" cy="{y - 4:.1f}" r="5" fill="{colour}"/>'
            yield _text(x + 15, y, name, 12, WALL)
            x += 32 + 6.2 * len(name)


def _caption(route: Route) -> str:
    stops = len(route.order)
    parts = [f"{route.distance_m:.0f} m", f"{stops} stop{'' if stops == 1 else 's'}", route.proof]
    if route.checkout is not None:
        parts.append(f"to checkout {route.checkout}")
    if route.skipped:
        parts.append(f"{len(route.skipped)} skipped")
    return " · ".join(parts)


def _text(
    x: float, y: float, text: str, size: float, colour: str, *, bold: bool = False, halo: bool = False, extra: str = ""
) -> str:
    weight = ' font-weight="600"' if bold else ""
    edge = ' stroke="#fff" stroke-width="2.5" stroke-opacity="0.85" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}" fill="{colour}"{weight}{edge} {extra}>'
        f"{escape(text)}</text>"
    )
