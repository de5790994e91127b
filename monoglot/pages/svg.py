"""Drawings as SVG: elements, texts with their rough widths, and marks that need no colour."""

import re
import unicodedata
from collections.abc import Iterable

from markupsafe import Markup, escape

CHARACTER = 0.68
"""Width of a character over the font's size, on average, in a wide font."""
SHAPES = ("circle", "square", "triangle", "diamond", "down", "plus")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4", "12 3")
COLOURS = 6


def element(name: str, *content: str, **attributes: object) -> Markup:
    """Return an element; its texts and attributes are escaped, attributes of None left out.

    `class_` stands for `class`, `text_anchor` for `text-anchor`; numbers get one decimal.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not content:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{''.join(map(escape, content))}</{name}>")


def figure(
    name: str, title: str, description: str, size: tuple[float, float], *content: str, **more: str
) -> Markup:
    """Return a drawing with its title and a description that states what is to be seen."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        *content,
        viewBox=f"0 0 {size[0]:g} {size[1]:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        id=name,
        **more,
    )


def text(x: float, y: float, content: str, anchor: str = "start", **more: object) -> Markup:
    return element("text", content, x=x, y=y, text_anchor=anchor, **more)


def line(x1: float, y1: float, x2: float, y2: float, **more: object) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **more)


def path(points: Iterable[tuple[float, float]], **more: object) -> Markup:
    """Return a line through points."""
    return element("path", d="M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points), **more)


def mark(number: int, x: float, y: float, size: float = 5.5, **more: object) -> Markup:
    """Return the mark of the family with this number: a shape, and a colour by its class."""
    more["class_"] = f"mark {more.get('class_', '')} c{number % COLOURS}".replace("  ", " ")
    shape = SHAPES[number % len(SHAPES)]
    if shape == "circle":
        return element("circle", cx=x, cy=y, r=size, **more)
    corners = _corners(shape, size)
    return element(
        "path", d="M" + "L".join(f"{x + a:.1f} {y + b:.1f}" for a, b in corners) + "Z", **more
    )


def width(content: str, size: float) -> float:
    """Return about how wide a text is; letters of East Asia are as wide as they are high."""
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in content)
    return size * (wide + CHARACTER * (len(content) - wide))


def shortened(content: str, size: float, room: float) -> str:
    """Return a text that fits into `room`, its end replaced by dots if need be."""
    if width(content, size) <= room:
        return content
    while content and width(content + "…", size) > room:
        content = content[:-1]
    return content + "…"


def broken(content: str, size: float, room: float, most: int) -> list[str]:
    """Return a text in at most so many lines, broken after hyphens and blanks."""
    lines = [""]
    for part in re.findall(r"[^-\s]*[-\s]*", content):
        if lines[-1] and len(lines) < most and width(lines[-1] + part.rstrip(), size) > room:
            lines.append("")
        lines[-1] += part
    return [shortened(line.strip(), size, room) for line in lines if line]


def _corners(shape: str, size: float) -> list[tuple[float, float]]:
    if shape == "square":
        s = 0.88 * size
        return [(-s, -s), (s, -s), (s, s), (-s, s)]
    if shape == "diamond":
        s = 1.25 * size
        return [(0, -s), (s, 0), (0, s), (-s, 0)]
    if shape == "plus":
        s, t = 1.15 * size, 0.4 * size
        half = [(-t, -s), (t, -s), (t, -t), (s, -t), (s, t), (t, t)]
        return half + [(-x, -y) for x, y in half]
    down = size if shape == "triangle" else -size
    return [(0, -1.2 * down), (1.1 * size, 0.8 * down), (-1.1 * size, 0.8 * down)]


def _value(value: object) -> object:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
