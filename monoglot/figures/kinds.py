"""Figures by kind: their numbers, and their drawing, which is made from the CSV of the numbers."""

from collections.abc import Mapping, Sequence

from monoglot.figures import curves, drop, drop_drawing, scores
from monoglot.figures.block import Sources
from monoglot.figures.canvas import Canvas, look
from monoglot.figures.numbers import from_csv, to_csv

DRAW = {"curves": curves.draw, "scores": scores.draw, "drop": drop_drawing.draw}


def numbers(spec: Mapping, sources: Sources, records: Sequence[Mapping]) -> str:
    """Return the CSV of a figure; raise `UserError` if something it needs is missing."""
    if spec["kind"] == "curves":
        return to_csv(curves.rows(spec, sources))
    if spec["kind"] == "scores":
        return to_csv(scores.rows(spec, records))
    return to_csv(drop.rows(spec, sources, records))


def drawing(csv: str, spec: Mapping, sources: Sources) -> Canvas:
    """Draw the CSV of a figure; block and sources give labels, scales and names alone."""
    with look():
        return DRAW[spec["kind"]](from_csv(csv), spec, sources)
