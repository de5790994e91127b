"""Where the parts of a figure stand: panels, title, legend and note, in inches.

Places are computed here instead of by matplotlib's layout engine, whose solver gives other last
digits in every process.
"""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

PANEL_WIDTHS = {1: 4.4, 2: 2.75}
PANEL_WIDTH, PANEL_HEIGHT = 2.25, 1.9  # of the axes; the width is that of three panels and more
LEFT, RIGHT, BETWEEN = 0.62, 0.15, 0.45
BELOW, ABOVE, GAP = 0.48, 0.3, 0.5  # a panel's labels, its title, and from panel to panel
CHARACTERS_AN_INCH = {"title": 14, "legend": 15, "note": 17}
LINE = {"title": 0.17, "legend": 0.17, "note": 0.13}
HANDLE = 9  # characters that a line's sample and the gap after its label take
MARGIN = 0.06


@dataclass(frozen=True)
class Layout:
    """A grid of `down` x `across` panels, a title above, a legend and then a note below.

    Places are shares of the figure's width and height, as matplotlib wants them.
    """

    down: int
    across: int
    labels: Sequence[str]
    raw_title: str
    raw_note: str

    @cached_property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        panels = self.down * PANEL_HEIGHT + (self.down - 1) * GAP
        return self._width, self._bottom + panels + ABOVE + _height(self.title, "title")

    @cached_property
    def title(self) -> str:
        return self._wrapped(self.raw_title, "title")

    @cached_property
    def note(self) -> str:
        return self._wrapped(self.raw_note, "note")

    @cached_property
    def legend_columns(self) -> int:
        longest = max(map(len, self.labels)) + HANDLE
        fit = max(1, int(self._width * CHARACTERS_AN_INCH["legend"]) // longest)
        lines = math.ceil(len(self.labels) / fit)
        return math.ceil(len(self.labels) / lines)

    @property
    def title_top(self) -> float:
        return 1 - MARGIN / self.size[1]

    @property
    def note_top(self) -> float:
        return _height(self.note, "note") / self.size[1]

    @property
    def legend_middle(self) -> float:
        return (_height(self.note, "note") + self._legend / 2) / self.size[1]

    def panel(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a panel; row 0 is the highest."""
        width, height = self.size
        left = LEFT + column * (self._panel + BETWEEN)
        bottom = self._bottom + (self.down - 1 - row) * (PANEL_HEIGHT + GAP)
        return left / width, bottom / height, self._panel / width, PANEL_HEIGHT / height

    @property
    def _panel(self) -> float:
        return PANEL_WIDTHS.get(self.across, PANEL_WIDTH)

    @property
    def _width(self) -> float:
        return LEFT + self.across * self._panel + (self.across - 1) * BETWEEN + RIGHT

    @property
    def _legend(self) -> float:
        return math.ceil(len(self.labels) / self.legend_columns) * LINE["legend"] + 0.1

    @property
    def _bottom(self) -> float:
        return BELOW + self._legend + _height(self.note, "note")

    def _wrapped(self, text: str, kind: str) -> str:
        return "\n".join(textwrap.wrap(text, int(self._width * CHARACTERS_AN_INCH[kind])))


def _height(text: str, kind: str) -> float:
    return len(text.splitlines()) * LINE[kind]
