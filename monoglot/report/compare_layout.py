"""A comparison as text: for a terminal, as Markdown, CSV or JSON."""

import csv
import io
import json
from collections.abc import Sequence

from tabulate import tabulate

from monoglot.report.compare import LEVEL, MILLION, Cell, Comparison, Difference, same_size

FORMS = ("terminal", "md", "csv", "json")
HEADS = ("cell", "score", "first", "second", "difference", "p", "size")
COLUMNS = (
    *("model", "language", "variant", "task", "metric"),
    *("first", "first_std", "first_seeds", "second", "second_std", "second_seeds"),
    *("difference", "p", "first_parameters", "second_parameters"),
)
MANY = 10


def laid_out(
    found: Comparison, form: str, names: tuple[str, str], tolerance: float, whole: bool
) -> str:
    """Return a comparison in one of `FORMS`.

    Args:
        names: of the two sides.
        whole: whether cells that do not differ are shown too; CSV and JSON have all cells anyway.
    """
    if form == "csv":
        return _csv(found)
    if form == "json":
        return json.dumps(_json(found, names, tolerance), indent=1, ensure_ascii=False)
    cells = found.cells if whole else found.differing(tolerance)
    heads = [*HEADS[:2], *names, *HEADS[4:]]
    style = "pipe" if form == "md" else "plain"
    align = ("left", "left", *("right" for _ in heads[2:]))
    grid = tabulate([_row(c) for c in cells], heads, style, disable_numparse=True, colalign=align)
    parts = [grid if cells else "", _only(found, names), _others(found, names)]
    parts.append(summary(found, names, tolerance))
    return "\n\n".join(part for part in parts if part)


def summary(found: Comparison, names: tuple[str, str], tolerance: float) -> str:
    """Return the sum of a comparison in a few sentences."""
    differing = found.differing(tolerance)
    beyond = f" by more than {tolerance:g} points" if tolerance else ""
    sentences = [f"{len(found.cells)} cells compared, {len(differing)} of them differ{beyond}."]
    if found.cells:
        points = [float(one.points) for one in found.cells]
        largest = max(found.cells, key=lambda one: abs(one.points))
        sentences.append(
            f"{names[1]} minus {names[0]}: {sum(points) / len(points):+.2f} points on average, at "
            f"most {float(largest.points):+.2f} ({largest.key})."
        )
    tested = [one.p for one in found.cells if one.p is not None]
    if tested:
        below = sum(p < LEVEL for p in tested)
        sentences.append(
            f"{below} of {len(tested)} tested differences have p < {LEVEL}, where chance alone "
            f"would give {LEVEL * len(tested):.1f} (approximate randomisation over test examples)."
        )
    resized = sum(not same_size(one) for one in found.cells)
    if resized:
        sentences.append(f"{resized} differ in size.")
    return " ".join(sentences)


def _row(one: Difference) -> list[str]:
    sizes = [_millions(cell.parameters) for cell in (one.first, one.second)]
    size = sizes[0] if same_size(one) else " → ".join(sizes)
    metric = one.first.metric or one.second.metric
    if one.first.metric and one.second.metric and one.first.metric != one.second.metric:
        metric = f"{one.first.metric} / {one.second.metric}"
    p = "" if one.p is None else f"{one.p:.4f}"
    return [
        str(one.key),
        metric,
        *map(_score, (one.first, one.second)),
        f"{float(one.points):+.2f}",
        p,
        size,
    ]


def _score(cell: Cell) -> str:
    std = "" if cell.std is None else f" ± {cell.std:.2f}"
    return f"{float(cell.mean):.2f}{std}"


def _millions(parameters: int | None) -> str:
    if parameters is None:
        return "–"
    millions = parameters / MILLION
    return f"{millions:.0f}M" if millions >= 10 else f"{millions:#.3g}M"


def _only(found: Comparison, names: tuple[str, str]) -> str:
    lines = []
    for name, keys in zip(names, (found.only_first, found.only_second), strict=True):
        if keys:
            more = f" and {len(keys) - MANY} more" if len(keys) > MANY else ""
            listed = ", ".join(map(str, keys[:MANY]))
            lines.append(f"Only in {name} ({len(keys)}): {listed}{more}.")
    return "\n".join(lines)


def _others(found: Comparison, names: tuple[str, str]) -> str:
    """What else differs: a line each, and hashes of inputs together."""
    lines = []
    for name, pairs in found.others.items():
        for (a, b), count in sorted(pairs.items(), key=lambda pair: -pair[1])[:3]:
            if not name.startswith("inputs."):
                lines.append(f"  {name}: {a} → {b} ({count} cells)")
    for kind, what in (("inputs.examples", "examples"), ("inputs.model.safetensors", "weights")):
        if kind in found.others:
            lines.append(f"  other {what} ({sum(found.others[kind].values())} cells)")
    head = f"Also different ({names[0]} → {names[1]}):"
    return "\n".join([head, *lines]) if lines else ""


def _values(one: Difference) -> dict[str, object]:
    key = one.key
    about = [key.model, key.language, key.variant, key.task, one.first.metric or one.second.metric]
    sides = [
        value
        for cell in (one.first, one.second)
        for value in (
            round(float(cell.mean), 4),
            None if cell.std is None else round(cell.std, 4),
            len(cell.records),
        )
    ]
    points = round(float(one.points), 4)
    sizes = [one.first.parameters, one.second.parameters]
    return dict(zip(COLUMNS, [*about, *sides, points, one.p, *sizes], strict=True))


def _csv(found: Comparison) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_values, found.cells))
    return file.getvalue().rstrip("\n")


def _json(found: Comparison, names: Sequence[str], tolerance: float) -> dict:
    return {
        "first": names[0],
        "second": names[1],
        "equal": found.equal(tolerance),
        "summary": summary(found, tuple(names), tolerance),
        "cells": [_values(one) for one in found.cells],
        "only_first": [str(key) for key in found.only_first],
        "only_second": [str(key) for key in found.only_second],
        "others": {
            name: [{"first": a, "second": b, "cells": n} for (a, b), n in pairs.items()]
            for name, pairs in found.others.items()
        },
    }
