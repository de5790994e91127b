"""Drawing: panels, one look for all figures, and files whose bytes depend on nothing but the marks.

Lines differ in colour (Okabe and Ito's, told apart with any colour vision), in dashes and in
markers, so that a grey print can be read too.
"""

import io
import logging
import math
import textwrap
from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator

from monoglot.tables.base import Row

# It tells of every glyph of the fonts that it puts into a PDF.
logging.getLogger("fontTools").setLevel(logging.WARNING)

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
REFERENCE = tuple({"color": "0.35", "linewidth": 1, "linestyle": dash} for dash in DASHES[1:])
LOOK = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that it is there everywhere
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "legend.frameon": False,
    "text.parse_math": False,  # labels may have dollar signs
    "pdf.fonttype": 42,  # TrueType, which publishers ask for
}
DOTS_PER_INCH = 150
MARKS_A_LINE = 8

PANEL_WIDTHS = {1: 4.4, 2: 2.75}
PANEL_WIDTH, PANEL_HEIGHT = 2.25, 1.9  # of the axes; the width is that of three panels and more
LEFT, RIGHT, BETWEEN = 0.62, 0.15, 0.45
BELOW, ABOVE, GAP = 0.48, 0.3, 0.5  # a panel's labels, its title, and from panel to panel
CHARACTERS_AN_INCH = {"title": 14, "legend": 15, "note": 17}
LINE = {"title": 0.17, "legend": 0.17, "note": 0.13}
HANDLE = 9  # characters that a line's sample and the gap after its label take
MARGIN = 0.06


class Layout:
    """A grid of `down` x `across` panels, a title above, a legend and then a note below.

    `size` is in inches, places are shares of it, as matplotlib wants them. They are computed here
    instead of by matplotlib's layout engine, whose solver gives other last digits in every process.
    """

    def __init__(
        self, down: int, across: int, labels: Sequence[str], title: str, note: str
    ) -> None:
        self._down, self._panel = down, PANEL_WIDTHS.get(across, PANEL_WIDTH)
        width = LEFT + across * self._panel + (across - 1) * BETWEEN + RIGHT
        self.title = textwrap.fill(title, int(width * CHARACTERS_AN_INCH["title"]))
        self.note = textwrap.fill(note, int(width * CHARACTERS_AN_INCH["note"]))
        longest = max(map(len, labels), default=0) + HANDLE
        fit = max(1, int(width * CHARACTERS_AN_INCH["legend"]) // longest)
        lines = max(1, math.ceil(len(labels) / fit))
        self.legend_columns = math.ceil(len(labels) / lines)
        legend = lines * LINE["legend"] + 0.1
        below = len(self.note.splitlines()) * LINE["note"]
        above = len(self.title.splitlines()) * LINE["title"]
        self._bottom = BELOW + legend + below
        height = self._bottom + down * PANEL_HEIGHT + (down - 1) * GAP + ABOVE + above
        self.size = width, height
        self.title_top = 1 - MARGIN / height
        self.legend_middle = (below + legend / 2) / height
        self.note_top = below / height

    def panel(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a panel; row 0 is the highest."""
        width, height = self.size
        left = LEFT + column * (self._panel + BETWEEN)
        bottom = self._bottom + (self._down - 1 - row) * (PANEL_HEIGHT + GAP)
        return left / width, bottom / height, self._panel / width, PANEL_HEIGHT / height


class Canvas:
    """A grid of panels; one legend and a note below. Languages go down, models across.

    With a single model or a single language, all panels stand in one row. `labels` are those of
    the lines to come, in the legend's order.
    """

    def __init__(
        self, languages: int, models: int, title: str, labels: Sequence[str], note: str
    ) -> None:
        grid = min(languages, models) > 1
        down, across = (languages, models) if grid else (1, languages * models)
        self._labels = labels
        self._layout = layout = Layout(down, across, labels, title, note)
        self.figure = Figure(figsize=layout.size)
        self._grid = [
            [self.figure.add_axes(layout.panel(row, column)) for column in range(across)]
            for row in range(down)
        ]
        middle = {"x": 0.5, "ha": "center", "va": "top"}
        self.figure.text(y=layout.title_top, s=layout.title, fontsize=9, **middle)
        self.figure.text(y=layout.note_top, s=layout.note, fontsize=7, color="0.3", **middle)
        lines = zip(*self._grid, strict=True) if grid else self._grid
        self.panels: list[Axes] = [axes for line in lines for axes in line]

    def label(self, x: str, y: str) -> None:
        """Name the axes: x below the lowest panels, y left of the first ones."""
        for axes in self._grid[-1]:
            axes.set_xlabel(x)
        for axes, *_ in self._grid:
            axes.set_ylabel(y)

    def style(self, number: int, points: int) -> dict:
        """Return colour, dashes and marker of a line; a long line has a few markers only."""
        every = max(1, points // MARKS_A_LINE)
        return {
            "color": COLOURS[number % len(COLOURS)],
            "linestyle": DASHES[number % len(DASHES)],
            "marker": MARKERS[number % len(MARKERS)],
            "markevery": (number % every, every),
        }

    def points(self, axes: Axes, rows: Sequence[Row], x: str, y: str, style: Mapping) -> None:
        """Draw points at two columns of rows, with bars of `{y}_std` where it has any."""
        spread = [float(row[f"{y}_std"] or 0) for row in rows]
        axes.errorbar(
            [float(row[x]) for row in rows],
            [float(row[y]) for row in rows],
            yerr=spread if any(spread) else None,
            capsize=2.5,
            elinewidth=0.8,
            **style,
        )

    def ticks(self, axes: Axes, values: Sequence[float], scale: str) -> None:
        """Scale the x axis and put its ticks at the values themselves."""
        axes.set_xscale(scale)
        axes.xaxis.set_major_locator(FixedLocator(values))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: plain(value))

    def plain_logarithm(self, axes: Axes) -> None:
        """Make the y axis logarithmic, its numbers written in full: 100 for 10²."""
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(lambda value, _: plain(value))

    def finish(self) -> "Canvas":
        """Add the legend of all panels; return the canvas."""
        # matplotlib's own search leaves out what begins with an underscore.
        lines = [line for axes in self.panels for line in axes.lines]
        handles = {one.get_label(): one for one in lines if one.get_label() in self._labels}
        self.figure.legend(
            handles.values(),
            handles.keys(),
            loc="center",
            bbox_to_anchor=(0.5, self._layout.legend_middle),
            ncols=self._layout.legend_columns,
            handlelength=3.2,
            borderaxespad=0,
        )
        return self

    def bytes(self, form: str) -> bytes:
        """Return the drawing as `pdf` or `png`, without dates or names of programs."""
        nobody = {"pdf": {"Creator": None, "Producer": None, "CreationDate": None}}
        file = io.BytesIO()
        with look():
            self.figure.savefig(
                file, format=form, dpi=DOTS_PER_INCH, metadata=nobody.get(form, {"Software": None})
            )
        return file.getvalue()


def plain(value: float) -> str:
    """Write a number in full: whole from a hundred up, else with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def look() -> matplotlib.rc_context:
    """The look of figures, whatever a matplotlibrc on this machine says."""
    return matplotlib.rc_context({**matplotlib.rcParamsDefault, "backend": "agg", **LOOK})
