"""A second opinion on prices: every assignment of units to promotions is tried.

Written from the rules, not from the engine: sets of units are bits, shares are fractions, and nothing is pruned. Eight
units are about the most it can take.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import product
from math import floor

from shared.domain.promotions import Book, Line, Promotion, Trip

Vector = tuple[int, ...]  # what is taken off each unit


def lowest_total(book: Book, trip: Trip) -> int:
    units = [line for line in sorted(trip.lines, key=lambda line: line.line) for _ in range(line.quantity)]
    prices = [line.unit_price_minor for line in units]
    subtotal = sum(prices)
    allowed = [p for p in book.promotions if _allowed(p, trip, subtotal)]
    classes = [[p for p in allowed if not p.combine]]
    classes += [[p for p in allowed if p.combine and p.group == g] for g in sorted({p.group for p in allowed})]
    per_class = [_vectors([p for p in some if "trip" not in p.kind], units) for some in classes]
    rest = min(
        sum(max(0, price - sum(off)) for price, *off in zip(prices, *chosen, strict=True))
        for chosen in product(*per_class)
    )
    trip_wide = [[p for p in some if "trip" in p.kind and _fits(p, units)] for some in classes]
    return min(_after(rest, chosen) for chosen in product(*([None, *some] for some in trip_wide)))


def _after(rest: int, chosen: tuple[Promotion | None, ...]) -> int:
    for promotion in chosen:
        if promotion is not None and promotion.kind == "percent_trip":
            rest -= _half_up(Fraction(rest * promotion.amount, 100))
        elif promotion is not None:
            rest = max(0, rest - promotion.amount)
    return rest


def _allowed(p: Promotion, trip: Trip, subtotal: int) -> bool:
    if (p.begins and trip.now < p.begins) or (p.until and trip.now >= p.until):
        return False
    if p.days is not None and trip.now.weekday() not in p.days:
        return False
    if p.hours is not None:
        minute = trip.now.hour * 60 + trip.now.minute
        first, last = (one.hour * 60 + one.minute for one in p.hours)
        if minute not in (range(first, last) if first < last else [*range(first, 1440), *range(last)]):
            return False
    return (not p.coupon or p.coupon in trip.coupons) and (not p.loyalty or trip.loyalty) and subtotal >= p.trip_minor


def _vectors(promotions: list[Promotion], units: list[Line]) -> set[Vector]:
    """What every set of applications takes off each unit, without repetition."""
    options: list[tuple[int, int, Vector]] = []  # promotion, units as bits, what is taken off
    for n, promotion in enumerate(promotions):
        for bits in range(1, 1 << len(units)):
            chosen = [u for u in range(len(units)) if bits >> u & 1]
            if len(chosen) == sum(need.quantity for need in promotion.needs) and _fits(
                promotion, [units[u] for u in chosen]
            ):
                off = [0] * len(units)
                for u, part in zip(chosen, _parts(promotion, [units[u].unit_price_minor for u in chosen]), strict=True):
                    off[u] = part
                options.append((n, bits, tuple(off)))
    found: set[Vector] = set()

    def choose(start: int, used: int, times: Vector, off: Vector) -> None:
        found.add(off)
        for place in range(start, len(options)):
            n, bits, more = options[place]
            limit = promotions[n].limit
            if not bits & used and (limit is None or times[n] < limit):
                counted = (*times[:n], times[n] + 1, *times[n + 1 :])
                choose(place + 1, used | bits, counted, tuple(a + b for a, b in zip(off, more, strict=True)))

    choose(0, 0, (0,) * len(promotions), (0,) * len(units))
    return found


def _fits(promotion: Promotion, units: list[Line]) -> bool:
    """Whether the needs can be given these units, each another; more may be left."""
    wanted = [need for need in promotion.needs for _ in range(need.quantity)]
    meets = [
        frozenset(
            u
            for u, line in enumerate(units)
            if (need.products is None and need.categories is None)
            or (need.products is not None and line.product_id in need.products)
            or (need.categories is not None and need.categories & line.categories)
        )
        for need in wanted
    ]

    @cache
    def given(n: int, taken: frozenset[int]) -> bool:
        return n == len(wanted) or any(given(n + 1, taken | {u}) for u in meets[n] - taken)

    return given(0, frozenset())


def _parts(promotion: Promotion, prices: list[int]) -> list[int]:
    whole = Fraction(sum(prices))
    match promotion.kind:
        case "free":
            cheapest = _cheapest(prices, promotion.amount)
            return [price if u in cheapest else 0 for u, price in enumerate(prices)]
        case "percent_cheapest":
            (last,) = _cheapest(prices, 1)
            return [
                _half_up(Fraction(prices[last] * promotion.amount, 100)) if u == last else 0 for u in range(len(prices))
            ]
        case "percent":
            off = _half_up(whole * promotion.amount / 100)
        case "off":
            off = min(promotion.amount, int(whole))
        case _:
            off = max(0, int(whole) - promotion.amount)
    exact = [price * off / whole if whole else Fraction(0) for price in prices]
    parts = [floor(part) for part in exact]
    for u in sorted(range(len(prices)), key=lambda u: parts[u] - exact[u])[: off - sum(parts)]:
        parts[u] += 1
    return parts


def _cheapest(prices: list[int], count: int) -> set[int]:
    """Of equal prices the last ones."""
    return set(sorted(range(len(prices)), key=lambda u: (prices[u], -u))[:count])


def _half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def greedy_total(book: Book, trip: Trip) -> int:
    """What a till does that takes promotions one after the other: each as often as it goes, dearest units first."""
    units = [line for line in trip.lines for _ in range(line.quantity)]
    units.sort(key=lambda line: -line.unit_price_minor)
    subtotal = sum(line.unit_price_minor for line in units)
    free = list(range(len(units)))
    off = 0
    for promotion in book.promotions:
        if promotion.combine or "trip" in promotion.kind or not _allowed(promotion, trip, subtotal):
            continue
        times = 0
        while promotion.limit is None or times < promotion.limit:
            chosen = _first_units(promotion, units, free)
            gain = sum(_parts(promotion, [units[u].unit_price_minor for u in chosen])) if chosen else 0
            if gain <= 0:
                break
            free = [u for u in free if u not in chosen]
            off += gain
            times += 1
    return subtotal - off


def _first_units(promotion: Promotion, units: list[Line], free: list[int]) -> list[int]:
    chosen: list[int] = []
    for need in promotion.needs:
        found = [u for u in free if u not in chosen and need.takes(units[u])][: need.quantity]
        if len(found) < need.quantity:
            return []
        chosen += found
    return chosen


def prices_of(lines: tuple[Line, ...]) -> Iterator[int]:
    """The price of each unit."""
    return (line.unit_price_minor for line in lines for _ in range(line.quantity))
