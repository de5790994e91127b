"""The graph of a model's variants, drawn from left to right."""

from collections.abc import Mapping

from markupsafe import Markup

from monoglot.pages import svg
from monoglot.pages.layers import heights, layers, ordered
from monoglot.pages.numbers import Sortable, duration, energy, fixed, millions
from monoglot.pages.variant_graph import Node

WIDTH, HEIGHT = 126, 100
ACROSS, DOWN = WIDTH + 28, HEIGHT + 18
EDGE = 8
OP, NAME, NUMBER = 9.5, 12, 11
"""Sizes of the letters in a node: operations, name, numbers."""
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
Place = tuple[float, float]


def draw(nodes: Mapping[str, Node], name: str, title: str) -> Markup:
    """Draw nodes in layers; a full line leads from a parent, a dashed one from a teacher."""
    links = {one.variant: [p for p in (one.parent, one.teacher) if p] for one in nodes.values()}
    links = {node: links[node] for node in ordered(links)}
    found = layers(links)
    down = heights(found, links, DOWN)
    places = {
        node: (EDGE + ACROSS * layer, EDGE + down[node])
        for layer, those in enumerate(found)
        for node in those
    }
    bottom = max(y for _, y in places.values()) + HEIGHT
    taught = [(one.teacher, one.variant) for one in nodes.values() if one.teacher]
    arrow = f"url(#{name}-arrow)"
    drawn = [_edge(places[n.parent], places[n.variant], arrow) for n in nodes.values() if n.parent]
    drawn += [_dash(places, *pair, arrow) for pair in taught]
    largest = max((one.size or 0 for one in nodes.values()), default=0)
    drawn += [_node(one, places[one.variant], largest) for one in nodes.values()]
    below = 26 if any(_is_long(places[one], places[other]) for one, other in taught) else 0
    size = (2 * EDGE + ACROSS * (len(found) - 1) + WIDTH, bottom + EDGE + below)
    return svg.figure(
        name, title, described(nodes), size, _arrow(name), *drawn, style=f"--wide:{size[0]}px"
    )


def described(nodes: Mapping[str, Node]) -> str:
    """Say in words what the graph is, for those who do not see it."""
    sentences = [
        f"{node.variant} is {' and then '.join(node.operations)}"
        + (f" of {node.parent}" if node.parent else "")
        + (f" under the teacher {node.teacher}" if node.teacher else "")
        for node in nodes.values()
    ]
    return f"{len(nodes)} variants. {'; '.join(sentences)}."


def rows(nodes: Mapping[str, Node]) -> list[list[str | Sortable]]:
    """Return the numbers of the graph."""
    return [
        [
            node.variant,
            ", then ".join(node.operations),
            node.parent or "–",
            node.teacher or "–",
            Sortable(millions(node.size), node.size),
            fixed(node.score),
            Sortable(duration(node.seconds), node.seconds),
            Sortable(energy(node.kwh), node.kwh),
        ]
        for node in nodes.values()
    ]


def _arrow(name: str) -> Markup:
    head = svg.element("path", d="M0 0L7 3.5L0 7Z", class_="arrow")
    marker = svg.element(
        "marker", head, id=f"{name}-arrow", markerWidth=8, markerHeight=7, refX=6.5, refY=3.5,
        orient="auto",
    )  # fmt: skip
    return svg.element("defs", marker)


def _edge(start: Place, end: Place, arrow: str) -> Markup:
    x1, y1 = start[0] + WIDTH, start[1] + HEIGHT / 2
    x2, y2 = end[0] - 2, end[1] + HEIGHT / 2
    return _curve(x1, y1, x2, y2, "edge", arrow)


def _curve(x1: float, y1: float, x2: float, y2: float, kind: str, arrow: str) -> Markup:
    middle = (x1 + x2) / 2
    route = f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return svg.element("path", d=route, class_=kind, marker_end=arrow)


def _is_long(start: Place, end: Place) -> bool:
    """Whether there are nodes in between."""
    return end[0] - start[0] > 1.5 * ACROSS


def _dash(places: Mapping[str, Place], teacher: str, student: str, arrow: str) -> Markup:
    """A teacher's line: beside the parent's between neighbours, else below all nodes between."""
    (x1, y1), (x2, y2) = places[teacher], places[student]
    if not _is_long(places[teacher], places[student]):
        shift = HEIGHT / 2 + 14
        return _curve(x1 + WIDTH, y1 + shift, x2 - 2, y2 + shift, "edge teacher", arrow)
    between = [y for x, y in places.values() if x1 <= x <= x2]
    low = max(between) + HEIGHT + 20
    start, end = x1 + 0.75 * WIDTH, x2 + 0.25 * WIDTH
    route = (
        f"M{start:.1f} {y1 + HEIGHT:.1f}C{start:.1f} {low:.1f} {start + 20:.1f} {low:.1f} "
        f"{start + 40:.1f} {low:.1f}L{end - 40:.1f} {low:.1f}"
        f"C{end - 20:.1f} {low:.1f} {end:.1f} {low:.1f} {end:.1f} {y2 + HEIGHT + 2:.1f}"
    )
    return svg.element("path", d=route, class_="edge teacher", marker_end=arrow)


def _node(node: Node, place: Place, largest: float) -> Markup:
    x, y = place
    room = WIDTH - 12
    lines = [(one, OP, "op") for one in svg.broken(", ".join(node.operations), OP, room, 2)]
    lines += [(one, NAME, "variant") for one in svg.broken(node.variant, NAME, room, 2)]
    lines += [(one, NUMBER, "number") for one in _numbers(node)]
    drawn, down = [], y + 3
    for content, size, kind in lines:
        down += 1.3 * size
        drawn.append(svg.text(x + 7, down, content, class_=kind))
    share = (node.size or 0) / largest if largest else 0
    return svg.element(
        "g",
        svg.element("title", _said(node)),
        svg.element("rect", x=x, y=y, width=WIDTH, height=HEIGHT, rx=3, class_="node"),
        svg.element("rect", x=x, y=y + HEIGHT - 4, width=share * WIDTH, height=4, class_="size"),
        *drawn,
    )


def _numbers(node: Node) -> list[str]:
    """Size and score, time and energy: as much as is known."""
    measured = [millions(node.size)] if node.size else []
    measured += [f"{fixed(node.score, 1)} %"] if node.score is not None else ["not scored"]
    spent = [duration(node.seconds)] if node.seconds is not None else []
    spent += [energy(node.kwh)] if node.kwh is not None else []
    return [", ".join(measured), ", ".join(spent) or "time unknown"]


def _said(node: Node) -> str:
    said = [f"{node.variant}: {', then '.join(node.operations)}"]
    said += [f"through {', '.join(node.steps)}"] if node.steps else []
    said += [f"parent {node.parent}"] if node.parent else []
    said += [f"teacher {node.teacher}"] if node.teacher else []
    said += [f"{millions(node.size)} parameters"] if node.size else []
    said += [f"mean score {fixed(node.score)} %"] if node.score is not None else []
    return ", ".join(said)
