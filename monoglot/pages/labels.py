"""Names beside the marks of a plot, where they cover as little as possible."""

from collections.abc import Sequence
from dataclasses import dataclass

from monoglot.pages import svg

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

MARK = 7
"""Half of the side of the square that a mark takes."""


@dataclass(frozen=True)
class Label:
    """Where a name stands, and which of its ends."""

    x: float
    y: float
    anchor: str


def placed(
    names: Sequence[tuple[float, float, str]],
    marks: Sequence[tuple[float, float]],
    frame: Box,
    size: float,
) -> list[Label]:
    """Return a place for each (x, y, name) beside its mark, the best in turn.

    A place costs what it covers of marks and of names placed before, and what of it lies outside
    the frame, most of all.
    """
    taken = [_around(x, y) for x, y in marks]
    found = []
    for x, y, name in names:
        places = _places(x, y, svg.width(name, size), size)
        cost = [_cost(box, taken, frame) + 0.1 * rank for rank, (_, box) in enumerate(places)]
        label, box = places[cost.index(min(cost))]
        found.append(label)
        taken.append(box)
    return found


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places at least `gap` apart, near those wanted and in their order, within a range."""
    order = sorted(range(len(wanted)), key=lambda one: (wanted[one], one))
    found = [0.0] * len(wanted)
    at = low - gap
    for one in order:
        at = found[one] = max(wanted[one], at + gap)
    at = high + gap
    for one in reversed(order):
        at = found[one] = min(found[one], at - gap)
    return found


def _around(x: float, y: float) -> Box:
    return x - MARK, y - MARK, x + MARK, y + MARK


def _places(x: float, y: float, width: float, size: float) -> list[tuple[Label, Box]]:
    """Candidates in the order of liking: above left, beside, below, and the same farther away."""
    found = []
    for far in (0, 12, 26):
        for dx, dy, anchor in (
            (-6, -9 - far, "end"),
            (-10 - far, 4, "end"),
            (0, -11 - far, "middle"),
            (6, -9 - far, "start"),
            (10 + far, 4, "start"),
            (6, 17 + far, "start"),
            (0, 20 + far, "middle"),
            (-6, 17 + far, "end"),
        ):
            left = x + dx - {"start": 0, "middle": width / 2, "end": width}[anchor]
            box = (left, y + dy - 0.8 * size, left + width, y + dy + 0.25 * size)
            found.append((Label(x + dx, y + dy, anchor), box))
    return found


def _cost(box: Box, taken: Sequence[Box], frame: Box) -> float:
    area = (box[2] - box[0]) * (box[3] - box[1])
    outside = area - _common(box, frame)
    return 20 * outside + sum(_common(box, one) for one in taken)


def _common(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(across, 0) * max(down, 0)
