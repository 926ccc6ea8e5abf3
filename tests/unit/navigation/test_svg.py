"""The picture: well-formed, complete, and nothing of a name can break out of it."""

from xml.etree import ElementTree

from shared.navigation import BlockedRect, Destination, Layout, Overlay, Place, parse_layout
from shared.navigation.labels import Box, place_label
from shared.navigation.svg import BLOCKED, LINE, SECTION_FILLS, draw_svg
from tests.unit.navigation.stores import grid_layout, on_shelves, planned


def two_floors(y_axis: str = "down") -> Layout:
    return parse_layout(
        {
            "store": "two",
            "y_axis": y_axis,
            "clearance_m": 0.3,
            "floors": [
                {
                    "floor": 0,
                    "bounds": [0, 0, 20, 10],
                    "shelves": [[4, 2, 5, 8]],
                    "sections": [{"name": "Milk & <b>Cheese</b>", "x1": 3, "y1": 1, "x2": 9, "y2": 9}],
                    "one_way": [{"rect": [5, 2, 9, 8], "direction": [0, 1]}],
                },
                {"floor": 1, "bounds": [0, 0, 20, 10]},
            ],
            "connectors": [{"kind": "lift", "from": [0, 19, 5], "to": [1, 19, 5], "cost_m": 20}],
            "entrances": [[0, 1, 9]],
            "checkouts": [{"name": "till 7", "at": [0, 10, 9]}],
        }
    )


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_plan_names_its_floors_sections_doors_and_rides() -> None:
    shown = texts(draw_svg(two_floors()))
    for name in ("two · floor 0", "two · floor 1", "Milk & <b>Cheese</b>", "Entrance", "till 7", "lift"):
        assert name in shown


def test_a_route_is_drawn_with_numbered_stops_and_its_length() -> None:
    layout = grid_layout(4, 2)
    route = planned(layout, on_shelves(layout, [(0, 0.5, True), (5, 0.2, False), (7, 0.9, True)]), end="checkout")
    svg = draw_svg(layout, route)
    shown = texts(svg)
    assert {"1", "2", "3"} <= set(shown)
    assert f"{route.distance_m:.0f} m · 3 stops · optimal · to checkout {route.checkout}" in shown
    assert LINE in svg


def test_a_route_over_two_floors_is_drawn_on_both() -> None:
    layout = two_floors()
    route = planned(layout, [Destination("up", (Place(1, 3, 3),)), Destination("down", (Place(0, 4.9, 5),))])
    assert draw_svg(layout, route).count(f'stroke="{LINE}"') >= 2


def test_what_is_closed_is_shown() -> None:
    layout = two_floors()
    overlay = Overlay((BlockedRect(0, (12, 2, 14, 4)),), frozenset({0}))
    assert BLOCKED not in draw_svg(layout)
    assert draw_svg(layout, overlay=overlay).count(BLOCKED) >= 3


def test_an_upward_y_axis_turns_the_picture_over() -> None:
    assert draw_svg(two_floors("up")) != draw_svg(two_floors("down"))


def test_a_one_way_ride_says_where_it_leads_and_zones_are_explained() -> None:
    document = two_floors().model_dump(mode="json", by_alias=True)
    document["connectors"][0] |= {"kind": "travelator", "one_way": True}
    shown = texts(draw_svg(parse_layout(document)))
    assert {"travelator to floor 1", "travelator from floor 0", "one way"} <= set(shown)


def test_neighbouring_sections_differ_in_colour() -> None:
    names = ["Bread", "Wine", "Apples", "Toys"]
    sections = [{"name": name, "x1": 2 * n, "y1": 0, "x2": 2 * n + 2, "y2": 5} for n, name in enumerate(names)]
    svg = draw_svg(grid_layout(3, 1, floor={"sections": sections}))
    assert [svg.count(f'fill="{fill}"') for fill in SECTION_FILLS[:5]] == [1, 1, 1, 1, 0]


FRAME = Box(0, 0, 200, 100)


def test_a_name_stands_right_of_its_dot_else_left_above_or_below() -> None:
    dot = (100.0, 50.0)
    right, left, above, below = Box(101, 45, 180, 55), Box(20, 45, 99, 55), Box(80, 20, 120, 45), Box(80, 55, 120, 80)

    def side(*taken: Box) -> tuple[float, float]:
        covers = place_label(dot, 10, 40, 10, FRAME, taken).covers
        return (covers.left + covers.right) / 2 - dot[0], (covers.top + covers.bottom) / 2 - dot[1]

    assert side() == (30, 0)
    assert side(right) == (-30, 0)
    assert side(right, left) == (0, -14)
    assert side(right, left, above) == (0, 14)
    assert side(right, left, above, below) == (30, 0)


def test_a_name_stays_inside_the_picture() -> None:
    assert place_label((190, 50), 10, 40, 10, FRAME, ()).anchor == "end"
