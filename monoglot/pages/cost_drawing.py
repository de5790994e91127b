"""Bars of time: by rule, and by variant in parts."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from monoglot.pages import svg
from monoglot.pages.axes import FONT
from monoglot.pages.numbers import duration

WIDE, ROW, NAMES, VALUES = 390, 22, 140, 74
TOP = 6
THIN = 0.88
"""How wide letters are beside bold ones."""


def bars(
    name: str, title: str, said: str, rows: Mapping[str, Mapping[str, float]], parts: Sequence[str]
) -> Markup:
    """Draw a bar for each row, its parts end to end: the first full, the second hatched.

    Args:
        rows: seconds by part, by the row's name.
    """
    longest = max((sum(row.values()) for row in rows.values()), default=0) or 1
    scale = (WIDE - NAMES - VALUES) / longest
    drawn = [_hatch(name)] if len(parts) > 1 else []
    for number, (label, row) in enumerate(rows.items()):
        y = TOP + ROW * number
        drawn.append(
            svg.text(NAMES - 8, y + 15, svg.shortened(label, THIN * FONT, NAMES - 8), "end")
        )
        drawn += _parts(name, label, row, parts, y, scale)
        end = NAMES + scale * sum(row.values())
        drawn.append(svg.text(end + 6, y + 15, duration(sum(row.values())), class_="tick"))
    return svg.figure(name, title, said, (WIDE, TOP + ROW * len(rows) + 6), *drawn)


def _parts(
    name: str, label: str, row: Mapping[str, float], parts: Sequence[str], y: float, scale: float
) -> list[Markup]:
    drawn, x = [], float(NAMES)
    for number, part in enumerate(parts):
        wide = scale * row.get(part, 0)
        said = svg.element("title", f"{label}, {part}: {duration(row.get(part, 0))}")
        box = {"x": x, "y": y + 4, "width": wide, "height": ROW - 8}
        looks = {"class_": "bar", "fill": f"url(#{name}-hatch)" if number else None}
        drawn.append(svg.element("rect", said, **box, **looks))
        x += wide
    return drawn


def _hatch(name: str) -> Markup:
    stripes = svg.element("path", d="M-1 1L1 -1M0 6L6 0M5 7L7 5", class_="stripes")
    pattern = svg.element(
        "pattern", stripes, id=f"{name}-hatch", width=6, height=6, patternUnits="userSpaceOnUse"
    )
    return svg.element("defs", pattern)
