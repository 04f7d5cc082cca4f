"""Where the labels of marks stand, so that none covers another, nor another's mark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_LETTER = 6.0
"""Width of a letter in px, on average, at the size of 12 in which labels are written."""
_HEIGHT = 14.0
_ROW = 13.0
"""How far above or below its mark's middle a label that is not beside it stands."""
_GAP = 3.0

# not for people: places of plotly
PLACES = (
    "middle left", "middle right", "bottom left", "top left", "bottom right", "top right",
    "bottom center", "top center",
)  # fmt: skip
"""In the order in which they are tried."""


@dataclass(frozen=True)
class Box:
    """A box in px, upwards and to the right of the plot's lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    def common(self, other: Box) -> float:
        """Return the area, in square px, that both cover."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, wide) * max(0.0, high)


def mark_box(x: float, y: float, size: float) -> Box:
    """Return the box of a mark of that size in px."""
    return Box(x - size / 2, y - size / 2, x + size / 2, y + size / 2)


def label_box(text: str, x: float, y: float, place: str, size: float) -> Box:
    """Return the box of a label at one of `PLACES` of a mark at (x, y) of that size, in px."""
    width, (vertical, horizontal) = _LETTER * len(text), place.split()
    away = size / 2 + _GAP
    left = {"left": x - away - width, "right": x + away, "center": x - width / 2}[horizontal]
    middle = y + {"bottom": -_ROW, "middle": 0.0, "top": _ROW}[vertical]
    return Box(left, middle - _HEIGHT / 2, left + width, middle + _HEIGHT / 2)


def label_places(
    labels: Sequence[str],
    marks: Sequence[tuple[float, float]],
    *,
    size: float,
    plot: tuple[float, float],
    taken: Sequence[Box] = (),
) -> list[str]:
    """Return a place for each label, the highest first to choose; one without text has any.

    Each takes the first of `PLACES` at which it covers nothing, or that at which it covers least.

    Args:
        labels: What stands beside each mark.
        marks: Where the marks are, in px.
        size: Of a mark, in px.
        plot: Width and height of the plot in px; labels do not leave it to the left or right.
        taken: Where something else is written or drawn.
    """
    width, height = plot
    beyond = (Box(-width, -height, 0, 2 * height), Box(width, -height, 2 * width, 2 * height))
    boxes = [*taken, *beyond, *(mark_box(x, y, size) for x, y in marks)]
    places = [PLACES[0]] * len(labels)
    order = sorted(range(len(labels)), key=lambda number: -marks[number][1])
    for number in filter(lambda number: labels[number], order):
        x, y = marks[number]
        choices = {place: label_box(labels[number], x, y, place, size) for place in PLACES}
        covered = {
            place: sum(box.common(other) for other in boxes) for place, box in choices.items()
        }
        places[number] = min(PLACES, key=lambda place: covered[place])
        boxes.append(choices[places[number]])
    return places
