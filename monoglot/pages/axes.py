"""The frame of a plot: scales, round ticks, and grid lines."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from monoglot.pages import svg

FONT = 12
TICKS = 5


@dataclass(frozen=True)
class Scale:
    """A range of values along a range of places, in equal steps or in equal ratios."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        low, high, value = (
            (math.log(one) if self.log else one) for one in (self.low, self.high, value)
        )
        return self.start + (self.end - self.start) * (value - low) / (high - low)


@dataclass(frozen=True)
class Axes:
    """A plot's two scales; y grows upwards."""

    x: Scale
    y: Scale

    def frame(
        self,
        x_ticks: Sequence[float],
        y_ticks: Sequence[float],
        x_text: Callable[[float], str],
        y_text: Callable[[float], str],
        labels: tuple[str, str],
    ) -> Markup:
        """Return grid lines, ticks and labels, that of y above the axis, where it can be read."""
        left, right = self.x.start, self.x.end
        bottom, top = self.y.start, self.y.end
        drawn = [svg.line(left, self.y(v), right, self.y(v), class_="grid") for v in y_ticks]
        drawn += [
            svg.text(left - 6, self.y(v) + 4, y_text(v), "end", class_="tick") for v in y_ticks
        ]
        for x, said in ((self.x(value), x_text(value)) for value in x_ticks):
            drawn.append(svg.line(x, bottom, x, bottom + 4, class_="axis"))
            drawn.append(svg.text(x, bottom + 17, said, "middle", class_="tick"))
        drawn += [
            svg.line(left, bottom, right, bottom, class_="axis"),
            svg.text((left + right) / 2, bottom + 35, labels[0], "middle", class_="label"),
            svg.text(2, top - 10, labels[1], class_="label"),
        ]
        return Markup("").join(drawn)


def round_ticks(low: float, high: float, most: int = TICKS) -> list[float]:
    """Return about `most` round values in a range: multiples of 1, 2 or 5 times a power of ten."""
    span = max(high - low, 1e-9)
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(step * number, 10) for number in range(first, last + 1)]


def log_ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Return round values in a range of ratios: as many of 1, 2, 5 a decade as there is room.

    In a range too short for two of them, they are in equal steps.
    """
    for digits in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = [d * 10.0**p for p in powers for d in digits if low <= d * 10.0**p <= high]
        if len(found) <= most:
            break
    return found if len(found) > 1 else round_ticks(low, high, most)


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Return the range of values with some room at both ends; never an empty one."""
    low, high = min(values), max(values)
    room = share * (high - low) or max(abs(high), 1) * share
    return low - room, high + room


def padded_log(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Return the range of positive values with some room at both ends, in equal ratios."""
    low, high = padded([math.log(one) for one in values], share)
    return math.exp(low), math.exp(high)
