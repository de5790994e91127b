"""The plots of the report: size or latency against score, and curves of training.

matplotlib draws them as SVG in units of CSS pixels; afterwards colours become the page's CSS
variables, so that a drawing follows light and dark mode, and marks get classes and tooltips.
"""

import io
import math
import re
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Affine2D, IdentityTransform

from monoglot.escapes import printable
from monoglot.paths import ANY, Checkpoint
from monoglot.report.finished_run import FinishedRun, HistoryRow
from monoglot.report.html_tables import MISSING, fixed, listed, tokens
from monoglot.report.standings import Panel, Point, front

INKS = ("paper", "ink", "muted", "rule", "box", "c0", "c1", "c2", "c3", "c4", "c5")
"""CSS variables of the page; while matplotlib draws, a colour code stands for each."""
COLOURS = 6
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", (0, (7, 3)), (0, (2, 3)), (0, (9, 3, 2, 3)), (0, (4, 4)), (0, (12, 3)))
FONT = 12
CHARACTER = 0.68
"""Width of a character over the font's size, in a wide font, as nobody knows the reader's."""
LARGE, SMALL, CURVE = (680, 430), (390, 330), (390, 260)
LEFT, RIGHT, TOP, BOTTOM = 40, 14, 30, 46
"""Margins around axes."""
LINE = 14.5
"""How far apart names are that stand above one another, in pixels."""
FAR = 16
"""Pixels between a mark and its name, beyond which a line leads from one to the other."""


def ink(name: str) -> str:
    """Return the colour code that stands for a CSS variable of the page."""
    return f"#0000{INKS.index(name) + 1:02x}"  # matplotlib leaves out black


def look() -> matplotlib.rc_context:
    """The look of all drawings, whatever a matplotlibrc on this machine says."""
    ours = {
        "backend": "svg",
        "svg.fonttype": "none",  # text stays text: the page's font, to be selected and searched
        "text.parse_math": False,  # names may have dollar signs
        "figure.dpi": 72,  # a point is a pixel
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "font.family": "DejaVu Sans",  # comes with matplotlib; on the page it is the page's own
        "font.size": FONT,
        "axes.labelsize": FONT,
        "text.color": ink("ink"),
        "axes.labelcolor": ink("muted"),
        "axes.edgecolor": ink("muted"),
        "xtick.color": ink("muted"),
        "ytick.color": ink("muted"),
        "ytick.major.size": 0,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "grid.color": ink("rule"),
        "grid.linewidth": 0.7,
        "axes.spines.left": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    return matplotlib.rc_context({**matplotlib.rcParamsDefault, **ours})


class Plot:
    """A drawing `wide` and `high` pixels large."""

    def __init__(self, wide: float, high: float) -> None:
        self.size = wide, high
        self.figure = Figure(figsize=(wide / 72, high / 72))
        self._about: dict[str, tuple[str, str]] = {}

    def axes(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        labels: tuple[str, str],
        right: float = RIGHT,
        log: bool = False,
    ) -> Axes:
        """Return axes with these ranges, that of x perhaps logarithmic.

        The label of y stands above the axis, where it can be read.
        """
        wide, high = self.size
        place = LEFT / wide, BOTTOM / high, 1 - (LEFT + right) / wide, 1 - (TOP + BOTTOM) / high
        scale = "log" if log else "linear"
        axes = self.figure.add_axes(place, xscale=scale, xlim=x, ylim=y, xlabel=labels[0])
        self.figure.text(2 / wide, 1 - (TOP - 10) / high, labels[1], color=ink("muted"))
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ratio = x[1] / x[0] if log else 0
        if ratio > 4:
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if ratio < 300 else (1,)))
        else:  # too short a range for powers of ten: equal steps
            axes.xaxis.set_major_locator(MaxNLocator(5 if log else 4, steps=(1, 2, 5, 10)))
        axes.xaxis.set_minor_locator(NullLocator())
        return axes

    def name(
        self, axes: Axes, place: tuple[float, float], name: str, mark: Sequence[float], **look
    ):
        """Write a name at a place in pixels, with a thin line from its mark if that is far."""
        if math.dist(place, mark) > FAR:
            line = {"color": ink("muted"), "linewidth": 0.8, "clip_on": False}
            axes.plot(*zip(mark, place, strict=True), transform=IdentityTransform(), **line)
        axes.text(*place, name, gid=self.gid("name"), transform=IdentityTransform(), **look)

    def add(self, artist: Artist) -> None:
        """Add an artist whose units are pixels, y growing downwards, outside of any axes."""
        artist.set_transform(Affine2D().scale(1, -1).translate(0, self.size[1]))
        self.figure.add_artist(artist)

    def gid(self, classes: str, said: str = "") -> str:
        """Return the id for an artist that is to have these CSS classes, and perhaps a tooltip."""
        name = f"about-{len(self._about)}"
        self._about[name] = classes, said
        return name

    def svg(self, name: str, title: str, said: str, **more: str) -> Markup:
        """Return the drawing for the page; `title` and `said` are for those who do not see it.

        Args:
            name: its id, and what ids in it depend on, so that they are unique on the page.
        """
        file = io.StringIO()
        with warnings.catch_warnings(), matplotlib.rc_context({"svg.hashsalt": name}):
            # Scripts that DejaVu Sans lacks: the reader's browser has a font for them.
            warnings.simplefilter("ignore", UserWarning)
            self.figure.savefig(file, format="svg", metadata={"Date": None})
        root = ElementTree.fromstring(file.getvalue())
        for child in list(root):
            if child.tag.endswith(("metadata", "defs")) and child.find("*[@id]") is None:
                root.remove(child)
        for node in list(root.iter()):
            self._adapt(node)
        viewbox = root.attrib["viewBox"]
        root.attrib.clear()
        root.attrib.update(viewBox=viewbox, id=name, **more)
        if title:
            root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title {name}-desc"}
            _insert(root, "desc", said, id=f"{name}-desc")
            _insert(root, "title", title, id=f"{name}-title")
        return Markup(ElementTree.tostring(root, encoding="unicode"))

    def _adapt(self, node: ElementTree.Element) -> None:
        """Rewrite an element of matplotlib's for the page."""
        node.tag = node.tag.partition("}")[2]
        node.tail = None
        if node.tag != "text":
            node.text = None
        if node.tag == "g":
            classes, said = self._about.get(node.attrib.pop("id", ""), ("", ""))
            if classes:
                node.set("class", classes)
            if said:
                _insert(node, "title", said)
        if node.tag == "text":
            node.attrib.pop("transform", None)  # nothing here is turned
        for key, value in list(node.items()):
            del node.attrib[key]
            value = re.sub(r"\d+\.\d{2,}", lambda found: f"{float(found[0]):.1f}", value)
            value = re.sub(r"font-family:[^;]*;?", "", " ".join(value.split()))
            value = re.sub(r"#0000([0-9a-f]{2})", _variable, value)
            node.set(key.partition("}")[2] or key, value)


@dataclass(frozen=True)
class Illustration:
    """Drawings that belong together, and the numbers behind them.

    A second drawing of a plot of scores is its form for narrow screens.
    """

    title: str
    drawings: Sequence[Markup]
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def score_plot(
    run: FinishedRun, panel: Panel, name: str, sizes: Sequence[tuple[int, int]] = (SMALL,)
) -> Illustration:
    """Draw a panel with its Pareto front, once in each size.

    Args:
        name: what its ids begin with.
    """
    best = front(panel.ours)
    title = f"{panel.measure.name} against score: {panel.title}"
    drawings = [
        _score_drawing(run, panel, best, size).svg(
            f"{name}-narrow" if number else name, title, finding(run, panel, best)
        )
        for number, size in enumerate(sizes)
    ]
    pairs = [(p, "yes" if p in best else "no", "") for p in panel.ours]
    pairs += [(p, MISSING, " (published)") for p in panel.published]
    rows = [
        [
            run.model_name(p.model),
            f"{p.variant}{kind}",
            f"{p.size:,.0f}" if panel.measure.unit > 1 else panel.measure.written(p.size),
            fixed(p.score),
            fixed(p.std),
            on_front,
        ]
        for p, on_front, kind in sorted(pairs, key=lambda pair: pair[0].size)
    ]
    heads = ("Score (%)", "Deviation over seeds", "On the front")
    chance = "" if panel.chance is None else f"{panel.guess}: {panel.chance:.1f} %"
    return Illustration(
        panel.title, drawings, ("Model", "Variant", panel.measure.name, *heads), rows, chance
    )


def finding(run: FinishedRun, panel: Panel, best: Sequence[Point]) -> str:
    """Say in a sentence what the front of a panel is."""
    several = len(run.models) > 1
    names = [
        f"{run.model_name(p.model) + ' ' if several else ''}{p.variant} "
        f"({panel.measure.written(p.size)}, {fixed(p.score, 1)} %)"
        for p in best
    ]
    measure = panel.measure.name.lower()
    chance = ""
    if panel.chance is not None:
        guess = panel.guess[:1].upper() + panel.guess[1:]
        chance = f" {guess} (dotted, if in sight) scores {panel.chance:.1f} %."
    if len(best) == 1:
        return f"One variant has the least {measure} and the best score: {names[0]}.{chance}"
    return f"No other variant beats these {len(best)}, by {measure}: {listed(names, 20)}.{chance}"


def key(number: int, name: str) -> Markup:
    """Return the mark of the model with this number, for the legend."""
    plot = Plot(16, 16)
    plot.add(Line2D([8], [8], **_mark(number)))
    return plot.svg(name, "", "", **{"class": "key", "aria-hidden": "true"})


def curves(run: FinishedRun, distilled: bool) -> list[Illustration]:
    """Return the curves of all trainings with a teacher by model and language.

    Or of those without one, by language, the models together.
    """
    models = run.graph.config["models"]
    found = []
    for group in [[one] for one in models] if distilled else [list(models)]:
        for language in (*run.graph.config["languages"], ANY):
            lines = _lines(run, group, language, distilled)
            if lines:
                of = run.language_name(language) if language != ANY else "all languages together"
                title = f"{listed([run.model_name(model) for model in group])}, {of}"
                name = f"curve-{'-'.join(group)}-{language}-{'kd' if distilled else 'lm'}"
                drawings = [_curve(title, name, lines, *one) for one in MEASURES]
                rows = [_final(variant, history) for variant, history in lines.items()]
                found.append(Illustration(title, list(filter(None, drawings)), HEADS, rows))
    return found


MEASURES = (
    ("validation_accuracy", "Validation accuracy", "masked tokens guessed right, %", 100, 2),
    ("validation_loss", "Validation loss", "loss on masked tokens, nats", 1, 0.2),
)
"""Column of the history, title, label with its unit, factor, and the least range of the axis: what
differs by less should not look as if it differed much."""
HEADS = (
    "Variant",
    "Steps",
    "Tokens",
    "Training loss",
    "of it masked LM",
    "of it distillation",
    "Validation loss",
    "Validation accuracy (%)",
)


def width(content: str, size: float) -> float:
    """Return about how wide a text is; letters of East Asia are as wide as they are high."""
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in content)
    return size * (wide + CHARACTER * (len(content) - wide))


def shortened(content: str, size: float, room: float) -> str:
    """Return a text that fits into `room`, its end replaced by dots if need be."""
    content = printable(content)
    if width(content, size) <= room:
        return content
    while content and width(content + "…", size) > room:
        content = content[:-1]
    return content + "…"


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


def _insert(node: ElementTree.Element, tag: str, text: str, **attributes: str) -> None:
    """Make a text the first child of an element."""
    child = ElementTree.Element(tag, attributes)
    child.text = printable(text)
    node.insert(0, child)


def _variable(found: re.Match) -> str:
    number = int(found[1], 16) - 1
    return f"var(--{INKS[number]})" if number in range(len(INKS)) else found[0]


def _mark(number: int, published: bool = False) -> dict:
    """How the mark of the model with this number looks: a shape of its own, hollow if published."""
    colour = ink(f"c{number % COLOURS}")
    fill, edge = (ink("paper"), colour) if published else (colour, ink("paper"))
    return {
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 10,
        "markerfacecolor": fill,
        "markeredgecolor": edge,
        "markeredgewidth": 1.5 if published else 1,
        "linestyle": "none",
        "clip_on": False,
    }


def _score_drawing(
    run: FinishedRun, panel: Panel, best: Sequence[Point], size: tuple[int, int]
) -> Plot:
    plot, measure = Plot(*size), panel.measure
    points = [*panel.published, *panel.ours]
    low, high = padded([math.log(point.size) for point in points])
    x = math.exp(low), math.exp(high)
    low, high = padded([p.score + sign * (p.std or 0) for p in points for sign in (-1, 1)], 0.1)
    y = max(low, 0), min(high, 100)
    axes = plot.axes(x, y, (measure.label, "mean score in %"), log=True)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / measure.unit:,.5g}")
    if panel.chance is not None and y[0] <= panel.chance <= y[1]:
        gid = plot.gid("chance", f"{panel.guess}: {panel.chance:.1f} %")
        axes.axhline(panel.chance, color=ink("muted"), linestyle=":", linewidth=1, gid=gid)
    steps = [best[0].size, *(p.size for p in best), x[1]], [y[0], *(p.score for p in best)]
    steps[1].append(best[-1].score)
    axes.plot(*steps, drawstyle="steps-post", color=ink("ink"), linewidth=1.4, zorder=2)
    for number, p in enumerate(points):
        published = number < len(panel.published)
        said = f"{run.model_name(p.model)} {p.variant}{' as published' if published else ''}"
        said += f": {measure.written(p.size)}, {fixed(p.score, 1)} %"
        if p.std:
            said += f" ± {p.std:.1f}"
            ends = [p.score - p.std, p.score + p.std]
            axes.plot([p.size] * 2, ends, color=ink("muted"), linewidth=1, zorder=2)
        gid = plot.gid("mark published" if published else "mark", said)
        look = _mark(run.models.index(p.model), published)
        axes.plot([p.size], [p.score], gid=gid, zorder=3, **look)
    # Nothing is smaller and better than what is on the front: left above it there is room.
    marks = axes.transData.transform([(p.size, p.score) for p in best])
    top = size[1] - TOP - 4  # below the label of the axis
    heights = spread([mark[1] + 8 for mark in marks], LINE, BOTTOM, top)
    for p, mark, height in zip(best, marks, heights, strict=True):
        left, right = mark[0] - 4 - LEFT, size[0] - mark[0] - 8  # to the axis' numbers, the edge
        on_left = width(p.variant, FONT) < left or left > right
        shown = shortened(p.variant, FONT, left if on_left else right)
        place = (mark[0] - 4 if on_left else mark[0] + 8, height)
        plot.name(axes, place, shown, mark, ha="right" if on_left else "left", zorder=4)
    return plot


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Return the range of values with some room at both ends; never an empty one."""
    low, high = min(values), max(values)
    room = share * (high - low) or max(abs(high), 1) * share
    return low - room, high + room


def _lines(
    run: FinishedRun, models: Sequence[str], language: str, distilled: bool
) -> dict[str, list[HistoryRow]]:
    """Histories by the name of their line: the variant, with its model's where it needs one."""
    found = {}
    for model in models:
        for variant in run.graph.variants:
            node = Checkpoint(model, language, variant)
            history = run.histories.get(node, [])
            measured = any(
                row.get(column) is not None for row in history for column, *_ in MEASURES
            )
            if measured and bool(run.graph.teacher(node)) == distilled:
                found[f"{run.model_name(model)} {variant}" if len(models) > 1 else variant] = (
                    history
                )
    return found


def _final(variant: str, history: Sequence[HistoryRow]) -> list[str]:
    last = history[-1]
    accuracy = last.get("validation_accuracy")
    counts = [last.get("step"), last.get("tokens")]
    losses = ("loss", "mlm_loss", "distillation_loss", "validation_loss")
    return [
        variant,
        *(MISSING if one is None else f"{one:,.0f}" for one in counts),
        *(fixed(last.get(name), 3) for name in losses),
        fixed(None if accuracy is None else 100 * accuracy),
    ]


def _curve(
    title: str,
    name: str,
    histories: Mapping[str, Sequence[HistoryRow]],
    column: str,
    heading: str,
    label: str,
    factor: float,
    least: float,
) -> Markup | None:
    lines = {
        variant: [
            (row["tokens"], factor * row[column])
            for row in history
            if row.get(column) is not None and row.get("tokens") is not None
        ]
        for variant, history in histories.items()
    }
    lines = {variant: line for variant, line in lines.items() if line}
    if not lines:
        return None
    wide, high = CURVE
    room = min(max(width(variant, FONT) for variant in lines) + 14, 0.42 * wide)
    low, top = padded([y for line in lines.values() for _, y in line])
    wider = max(least - (top - low), 0) / 2
    most = max(x for line in lines.values() for x, _ in line) or 1
    plot = Plot(*CURVE)
    axes = plot.axes((0, most), (low - wider, top + wider), ("tokens seen", label), room)
    axes.xaxis.set_major_formatter(lambda value, _: tokens(value))
    ends = axes.transData.transform([line[-1] for line in lines.values()])
    heights = spread([y for _, y in ends], LINE, BOTTOM, high - TOP)
    for number, (variant, line) in enumerate(lines.items()):
        colour = ink(f"c{number % COLOURS}")
        style = {"color": colour, "linestyle": DASHES[number % len(DASHES)], "linewidth": 1.8}
        axes.plot(*zip(*line, strict=True), clip_on=False, **style)
        for x, y in line if len(line) <= 12 else ():
            gid = plot.gid("mark", f"{variant}: {y:.4g} after {x:,.0f} tokens")
            axes.plot([x], [y], gid=gid, **_mark(number) | {"marker": "o", "markersize": 5.2})
        place = wide - room + 11, heights[number] - 4
        shown = shortened(variant, FONT, room - 12)
        plot.name(axes, place, shown, (ends[number][0] + 3, ends[number][1]), color=colour)
    said = ", ".join(f"{variant} {fixed(line[-1][1])}" for variant, line in lines.items())
    return plot.svg(
        f"{name}-{column}", f"{heading}: {title}", f"{heading} at the end of training: {said}."
    )
