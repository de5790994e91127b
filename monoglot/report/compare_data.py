"""A comparison as data: CSV, and values for JSON."""

import csv
import io

from monoglot.report.compare import Comparison, Difference

COLUMNS = (
    *("model", "language", "variant", "task", "metric"),
    *("first", "first_std", "first_seeds", "second", "second_std", "second_seeds"),
    *("difference", "p", "first_parameters", "second_parameters"),
)


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


def to_csv(found: Comparison) -> str:
    """Return the cells that both sides have as CSV."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_values, found.cells))
    return file.getvalue().rstrip("\n")


def values(found: Comparison) -> dict[str, object]:
    """Return a comparison as plain values, for JSON."""
    return {
        "cells": [_values(one) for one in found.cells],
        "only_first": [str(key) for key in found.only_first],
        "only_second": [str(key) for key in found.only_second],
        "others": {
            name: [{"first": a, "second": b, "cells": n} for (a, b), n in pairs.items()]
            for name, pairs in found.others.items()
        },
    }
