"""A comparison as text: for a terminal, as Markdown, CSV or JSON."""

import json
from collections.abc import Mapping, Sequence

from tabulate import tabulate

from monoglot.report.compare import Comparison, Difference, same_size
from monoglot.report.compare_cells import MILLION, Cell
from monoglot.report.compare_data import to_csv, values

LEVEL = 0.05
FORMS = ("terminal", "md", "csv", "json")
HEADS = ("cell", "score", "first", "second", "difference", "p", "size")
MANY = 10

Origins = Mapping[str, Mapping[str, tuple[str, str]]]
"""By checkpoint, what differs in how it was made, as `compare_origins.origins` returns it."""


def laid_out(
    found: Comparison,
    form: str,
    names: tuple[str, str],
    tolerance: float,
    whole: bool,
    origins: Origins,
    width: int = 10_000,
) -> str:
    """Return a comparison in one of `FORMS`.

    Args:
        names: of the two sides.
        whole: whether cells that do not differ are shown too; CSV and JSON have all cells anyway.
        width: characters of a terminal's line; columns that do not fit are left out.
    """
    if form == "csv":
        return to_csv(found)
    if form == "json":
        said = {
            "first": names[0],
            "second": names[1],
            "equal": found.equal(tolerance),
            "summary": summary(found, names, tolerance),
            **values(found),
            "origins": origins,
        }
        return json.dumps(said, indent=1, ensure_ascii=False)
    cells = found.cells if whole else found.differing(tolerance)
    grid = _grid(cells, names, "pipe") if form == "md" else _fitting(cells, names, width)
    parts = [grid if cells else "", _only(found, names), _others(found, names), _made(origins)]
    parts.append(summary(found, names, tolerance))
    return "\n\n".join(part for part in parts if part)


def _fitting(cells: Sequence[Difference], names: tuple[str, str], width: int) -> str:
    """A grid for a terminal, if need be without sizes, then without names of scores."""
    for without in ((), ("size",), ("size", "score")):
        grid = _grid(cells, names, "plain", without)
        if all(len(line) <= width for line in grid.splitlines()):
            break
    return grid


def _grid(
    cells: Sequence[Difference],
    names: tuple[str, str],
    style: str,
    without: Sequence[str] = (),
) -> str:
    kept = [i for i, head in enumerate(HEADS) if head not in without]
    heads = [*HEADS[:2], *names, *HEADS[4:]]
    rows = [[row[i] for i in kept] for row in map(_row, cells)]
    align = ["left" if HEADS[i] in ("cell", "score") else "right" for i in kept]
    return tabulate(rows, [heads[i] for i in kept], style, disable_numparse=True, colalign=align)


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


def _made(origins: Origins) -> str:
    """A line for each way in which checkpoints were made otherwise, with those checkpoints."""
    ways: dict[str, list[str]] = {}
    for checkpoint, pairs in origins.items():
        for key, (a, b) in pairs.items():
            way = "other code" if key == "code" else f"{key}: {a} → {b}"
            ways.setdefault(way, []).append(checkpoint)
    lines = []
    for way, checkpoints in ways.items():
        more = f" and {len(checkpoints) - 3} more" if len(checkpoints) > 3 else ""
        lines.append(f"  {way} ({', '.join(checkpoints[:3])}{more})")
    return "\n".join(["Checkpoints made otherwise:", *lines]) if lines else ""
