"""The variants of a model as a graph: how each was made, how large and good it is, what it cost."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import accumulate
from statistics import mean

from markupsafe import Markup
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text

from monoglot.paths import ANY
from monoglot.report.costs import JobCosts
from monoglot.report.finished_run import FinishedRun
from monoglot.report.html_tables import MISSING, Sortable, duration, energy, fixed, millions
from monoglot.report.plots import Plot, ink, shortened, width

WIDTH, HEIGHT = 126, 100
ACROSS, DOWN = WIDTH + 28, HEIGHT + 18
EDGE = 8
OPERATION, NAME, NUMBER = 9.5, 12, 11
"""Sizes of the letters in a box: operations, name, numbers."""
HEADS = (
    "Variant",
    "Made by",
    "Parent",
    "Teacher",
    "Parameters",
    "Mean score (%)",
    "Time",
    "Energy",
)
Links = Mapping[str, Sequence[str]]
"""Of each node, those that it is made from."""
Place = tuple[float, float]


@dataclass(frozen=True)
class VariantBox:
    """A variant: `operations` that made it in turn, `parent` and `teacher` with other boxes' names.

    Unscored variants that are a mere step to another one are part of that one's box: their
    operations and their costs.
    """

    variant: str
    operations: Sequence[str]
    steps: Sequence[str]
    parent: str | None
    teacher: str | None
    size: float | None
    score: float | None
    seconds: float | None
    kwh: float | None


def boxes(run: FinishedRun, costs: JobCosts, model: str) -> dict[str, VariantBox]:
    """Return the boxes of a model's graph by variant; sizes and scores are means of languages."""
    links = _links(run, model)
    steps = {name for name in links if _is_step(run, name, links)}
    found = {}
    for name, (parent, teacher) in links.items():
        if name in steps:
            continue
        chain = [name]
        while parent in steps:
            chain.insert(0, parent)
            parent = links[parent][0]
        score = run.average(model, name, run.languages)
        known = [one for part in chain if (one := costs.of_variant(model, part))]
        kwh = [one.kwh for one in known]
        found[name] = VariantBox(
            name,
            [run.graph.operation(one) for one in chain],
            chain[:-1],
            parent,
            teacher,
            run.size(model, name, run.languages),
            None if score is None else float(score),
            sum(one.seconds for one in known) if known else None,
            sum(kwh) if kwh and None not in kwh else None,
        )
    return found


def rows(found: Mapping[str, VariantBox]) -> list[list[str | Sortable]]:
    """Return the numbers of the graph, see `HEADS`."""
    return [
        [
            box.variant,
            ", then ".join(box.operations),
            box.parent or MISSING,
            box.teacher or MISSING,
            Sortable(millions(box.size), box.size),
            fixed(box.score),
            Sortable(duration(box.seconds), box.seconds),
            Sortable(energy(box.kwh), box.kwh),
        ]
        for box in found.values()
    ]


def draw(found: Mapping[str, VariantBox], name: str, title: str) -> Markup:
    """Draw boxes in layers; a full line leads from a parent, a dashed one from a teacher."""
    links = {one.variant: [p for p in (one.parent, one.teacher) if p] for one in found.values()}
    places = {
        node: (EDGE + ACROSS * layer, EDGE + down)
        for node, (layer, down) in layout(links, DOWN).items()
    }
    taught = [(places[b.teacher], places[b.variant]) for b in found.values() if b.teacher]
    below = 26 if any(_is_long(*pair) for pair in taught) else 0
    wide = max(x for x, _ in places.values()) + WIDTH + EDGE
    plot = Plot(wide, max(y for _, y in places.values()) + HEIGHT + EDGE + below)

    def arrow(path: Path, colour: str, **look: object) -> None:
        look |= {"arrowstyle": "-|>,head_length=0.55,head_width=0.28", "mutation_scale": 12}
        plot.add(FancyArrowPatch(path=path, color=ink(colour), lw=1.4, **look))

    for box in found.values():
        if box.parent:
            (x1, y1), (x2, y2) = places[box.parent], places[box.variant]
            arrow(_bow((x1 + WIDTH, y1 + HEIGHT / 2), (x2 - 2, y2 + HEIGHT / 2)), "muted")
    for start, end in taught:
        arrow(_taught(places, start, end), "c1", linestyle=(0, (5, 4)))
    largest = max((one.size or 0 for one in found.values()), default=0) or 1
    for box in found.values():
        _draw_box(plot, box, places[box.variant], (box.size or 0) / largest)
    return plot.svg(name, title, described(found), style=f"--wide:{wide}px")


def described(found: Mapping[str, VariantBox]) -> str:
    """Say in words what the graph is, for those who do not see it."""
    sentences = [
        f"{box.variant} is {' and then '.join(box.operations)}"
        + (f" of {box.parent}" if box.parent else "")
        + (f" under the teacher {box.teacher}" if box.teacher else "")
        for box in found.values()
    ]
    return f"{len(found)} variants. {'; '.join(sentences)}."


def layout(links: Links, gap: float) -> dict[str, tuple[int, float]]:
    """Return the layer of each node, from left to right, and how far down it is drawn.

    A node stands one layer after the last of those that it is made from, as high as the mean of
    them and at least `gap` from its neighbours; where there is no room for all, they are moved up
    and down alike. The highest node stands at 0.
    """
    depth: dict[str, int] = {}
    found: dict[str, tuple[int, float]] = {}
    for node in TopologicalSorter(links).static_order():
        depth[node] = 1 + max((depth[one] for one in links[node]), default=-1)
    for number in sorted(set(depth.values())):
        nodes = [node for node in links if depth[node] == number]
        wanted = {node: mean([found[one][1] for one in links[node]] or [0]) for node in nodes}
        nodes.sort(key=wanted.__getitem__)
        down = list(accumulate((wanted[node] for node in nodes), lambda a, b: max(a + gap, b)))
        shift = mean(wanted.values()) - mean(down)
        found |= {node: (number, y + shift) for node, y in zip(nodes, down, strict=True)}
    top = min((y for _, y in found.values()), default=0)
    return {node: (layer, y - top) for node, (layer, y) in found.items()}


def broken(content: str, size: float, room: float, most: int) -> list[str]:
    """Return a text in at most so many lines, broken after hyphens and blanks."""
    lines = [""]
    for part in re.findall(r"[^-\s]*[-\s]*", content):
        if lines[-1] and len(lines) < most and width(lines[-1] + part.rstrip(), size) > room:
            lines.append("")
        lines[-1] += part
    return [shortened(line.strip(), size, room) for line in lines if line]


def _links(run: FinishedRun, model: str) -> dict[str, tuple[str | None, str | None]]:
    """Parent and teacher of each variant of a model, in the order of the configuration."""
    graph = run.graph
    found = {}
    for node in graph.checkpoints:
        if node.model == model:
            links = (graph.parent(node), graph.teacher(node))
            found.setdefault(node.variant, tuple(one and one.variant for one in links))
    for variant in run.variants:
        if graph.operation(variant) == "alias":
            whole = graph.checkpoint(model, next(iter(run.languages), ANY), variant)
            found[variant] = (whole.variant, None)
    return {name: found[name] for name in graph.variants if name in found}


def _is_step(
    run: FinishedRun, name: str, links: Mapping[str, tuple[str | None, str | None]]
) -> bool:
    """Whether a variant is only there to make another: unscored, untrained, with one child."""
    parents, teachers = zip(*links.values(), strict=True)
    kept = name in (*run.variants, *teachers) or run.graph.operation(name) == "train"
    return not kept and links[name][0] is not None and parents.count(name) == 1


def _is_long(start: Place, end: Place) -> bool:
    """Whether there are boxes in between."""
    return end[0] - start[0] > 1.5 * ACROSS


def _bow(start: Place, end: Place) -> Path:
    middle = (start[0] + end[0]) / 2
    corners = [start, (middle, start[1]), (middle, end[1]), end]
    return Path(corners, [Path.MOVETO, *[Path.CURVE4] * 3])


def _taught(places: Mapping[str, Place], start: Place, end: Place) -> Path:
    """A teacher's line: beside the parent's between neighbours, else below all boxes between."""
    (x1, y1), (x2, y2) = start, end
    if not _is_long(start, end):
        shift = HEIGHT / 2 + 14
        return _bow((x1 + WIDTH, y1 + shift), (x2 - 2, y2 + shift))
    low = max(y for x, y in places.values() if x1 <= x <= x2) + HEIGHT + 20
    left, right = x1 + 0.75 * WIDTH, x2 + 0.25 * WIDTH
    there = [(left, y1 + HEIGHT), (left, low), (left + 20, low), (left + 40, low)]
    back = [(right - 40, low), (right - 20, low), (right, low), (right, y2 + HEIGHT + 2)]
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    return Path([*there, *back], codes)


def _draw_box(plot: Plot, box: VariantBox, place: Place, share: float) -> None:
    x, y = place
    room = WIDTH - 12
    spent = [duration(box.seconds)] if box.seconds is not None else []
    spent += [energy(box.kwh)] if box.kwh is not None else []
    measured = [millions(box.size)] if box.size else []
    measured += [f"{fixed(box.score, 1)} %" if box.score is not None else "not scored"]
    said = [f"{box.variant}: {', then '.join(box.operations)}"]
    said += [f"through {', '.join(box.steps)}"] if box.steps else []
    said += [f"parent {box.parent}"] if box.parent else []
    said += [f"teacher {box.teacher}"] if box.teacher else []
    gid = plot.gid("node", ", ".join([*said, *measured]))
    plot.add(Rectangle(place, WIDTH, HEIGHT, fc=ink("box"), ec=ink("muted"), gid=gid))
    plot.add(Rectangle((x, y + HEIGHT - 4), share * WIDTH, 4, fc=ink("c0"), ec="none"))
    lines = [
        *((one, OPERATION) for one in broken(", ".join(box.operations), OPERATION, room, 2)),
        *((one, NAME) for one in broken(box.variant, NAME, room, 2)),
        (", ".join(measured), NUMBER),
        (", ".join(spent) or "time unknown", NUMBER),
    ]
    down = y + 3
    for content, size in lines:
        down += 1.3 * size
        look = {OPERATION: {"color": ink("muted")}, NAME: {"fontweight": "bold"}}.get(size, {})
        plot.add(Text(x + 7, down, content, fontsize=size, **look))
