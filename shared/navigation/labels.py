"""Where the name of a dot goes in a picture: on the first side where it covers nothing."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Anchor = Literal["start", "end", "middle"]


class Box(NamedTuple):
    """Pixels that something covers; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, at: tuple[float, float], half_width: float, half_height: float) -> "Box":
        return cls(at[0] - half_width, at[1] - half_height, at[0] + half_width, at[1] + half_height)

    def meets(self, other: "Box") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, other: "Box") -> bool:
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


class Label(NamedTuple):
    """`x` is where the text is anchored (SVG's `text-anchor`), `y` its middle."""

    x: float
    y: float
    anchor: Anchor
    covers: Box


def place_label(
    at: tuple[float, float], apart: float, width: float, height: float, frame: Box, taken: Iterable[Box]
) -> Label:
    """Right, left, above or below the dot `at`, `apart` pixels from it; right when every side is taken."""
    x, y = at
    half = width / 2
    sides: list[tuple[float, float, Anchor, float]] = [
        (x + apart, y, "start", x + apart + half),
        (x - apart, y, "end", x - apart - half),
        (x, y - 1.4 * apart, "middle", x),
        (x, y + 1.4 * apart, "middle", x),
    ]
    labels = [
        Label(text_x, text_y, anchor, Box.around((middle, text_y), half, height / 2))
        for text_x, text_y, anchor, middle in sides
    ]
    covered = list(taken)
    return next(
        (one for one in labels if frame.holds(one.covers) and not any(one.covers.meets(box) for box in covered)),
        labels[0],
    )
