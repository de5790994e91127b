"""Names beside the marks of a plot, where they cover as little as possible."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monoglot.pages import svg

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Spot = tuple[float, float]

MARK = 7
"""Half of the side of the square that a mark takes."""
DISTANCES = (0, 12, 24, 36, 50, 66, 84)
DIRECTIONS = ((-1, -1), (0, -1), (-1, 0), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1))
"""Across and down, in the order of liking."""
OUTSIDE, ON_NAME, ON_MARK, ON_LINE, ASTRAY, FAR, RANK = 30, 14, 14, 5, 1.5, 0.5, 0.02
"""What a place costs: as much as all of it outside, on another name, on a mark, on a line; being
nearer to another mark than to its own; a step away from it; a place in the order of liking."""


@dataclass(frozen=True)
class Label:
    """Where a name stands, which of its ends, and where a line from its mark leads, if any."""

    x: float
    y: float
    anchor: str
    leader: Spot | None


def placed(
    names: Sequence[tuple[float, float, str]],
    marks: Sequence[Spot],
    lines: Sequence[Box],
    frame: Box,
    size: float,
) -> list[Label]:
    """Return a place for each (x, y, name) near its mark, the best in turn.

    Args:
        lines: boxes that lines and ticks of the plot take.
        frame: what a name should stand in.
        size: of the letters.
    """
    taken: list[tuple[Box, float]] = [(_around(*mark), ON_MARK) for mark in marks]
    taken += [(line, ON_LINE) for line in lines]
    found = []
    for x, y, name in names:
        others = [mark for mark in marks if mark != (x, y)]
        places = list(_places(x, y, svg.width(name, size), size))
        costs = [
            _cost(box, taken, frame) + own + ASTRAY * _astray(box, (x, y), others)
            for _, box, own in places
        ]
        label, box, _ = places[costs.index(min(costs))]
        found.append(label)
        taken.append((box, ON_NAME))
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


def _places(x: float, y: float, width: float, size: float) -> Iterator[tuple[Label, Box, float]]:
    """Yield places around a mark, the box of each and what it costs by itself."""
    for step, far in enumerate(DISTANCES):
        for rank, (across, down) in enumerate(DIRECTIONS):
            slant = 0.5 if across and down else 1
            at_x = x + across * ((4 if down else 10) + slant * far)
            at_y = y + down * (10 + slant * far) + 0.35 * size + 0.25 * size * down
            anchor = {-1: "end", 0: "middle", 1: "start"}[across]
            left = at_x - {"start": 0, "middle": width / 2, "end": width}[anchor]
            box = (left, at_y - 0.8 * size, left + width, at_y + 0.25 * size)
            leader = _nearest(box, (x, y)) if far else None
            yield Label(at_x, at_y, anchor, leader), box, FAR * step + RANK * rank


def _cost(box: Box, taken: Sequence[tuple[Box, float]], frame: Box) -> float:
    area = (box[2] - box[0]) * (box[3] - box[1])
    covered = sum(cost * _common(box, one) for one, cost in taken)
    return (OUTSIDE * (area - _common(box, frame)) + covered) / area


def _astray(box: Box, own: Spot, others: Sequence[Spot]) -> bool:
    """Whether another mark is nearer than the name's own."""
    return any(_distance(box, other) < _distance(box, own) - 1 for other in others)


def _nearest(box: Box, spot: Spot) -> Spot:
    return min(max(spot[0], box[0]), box[2]), min(max(spot[1], box[1]), box[3])


def _distance(box: Box, spot: Spot) -> float:
    x, y = _nearest(box, spot)
    return abs(x - spot[0]) + abs(y - spot[1])


def _common(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(across, 0) * max(down, 0)
