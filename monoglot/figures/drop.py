"""What the smallest model loses against its teacher, over the text its teacher was adapted on.

The paper (section 4.4, Tables 1, 2 and 6) claims that teachers adapted on more text lose less.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from statistics import mean, stdev

from monoglot.data.store import read_texts
from monoglot.errors import UserError
from monoglot.figures.block import Sources
from monoglot.figures.cells import cell_of, collect
from monoglot.figures.numbers import Row
from monoglot.figures.power_law import PowerLaw, fit
from monoglot.report.cells import Cell
from monoglot.report.published import read_published

BYTES_PER_MEGABYTE = 1_000_000


def rows(spec: Mapping, sources: Sources, records: Sequence[Mapping]) -> list[Row]:
    """Return a row for each model, language and pair of teacher and student.

    `drop` is 100 · (1 - student / teacher), in percent, of the means over tasks; `drop_std` the
    sample standard deviation of the drops of single seeds. The fit of a model's rows stands in
    each of them. Megabytes are those of `volumes` or else of the corpora (10^6 bytes of UTF-8),
    times the share that the teacher was trained on.
    """
    measure = _published(spec) if "published" in spec else _measured(spec, records)
    sizes = spec.get("volumes") or {name: _size(path) for name, path in sources.corpora.items()}
    found = []
    for model in spec["models"]:
        points = [
            {"model": model, "language": language, **_point(point)}
            | {"megabytes": _megabytes(sources, sizes, model, language, point["teacher"])}
            | measure(model, language, point)
            for language in spec["languages"]
            for point in spec["points"]
        ]
        law = fit([p["megabytes"] for p in points], [p["drop"] for p in points])
        found += [_texts(point) | _law(law) for point in points]
    return found


def _point(point: Mapping) -> dict[str, str]:
    return {"label": point.get("label", ""), **{k: point[k] for k in ("teacher", "student")}}


def _measured(spec: Mapping, records: Sequence[Mapping]):
    cells = collect(records, spec["scores"])

    def measure(model: str, language: str, point: Mapping) -> dict:
        teacher, student = (
            [cell_of(cells, model, language, point[who], task) for task in spec["tasks"]]
            for who in ("teacher", "student")
        )
        return _losses(*(mean(cell.mean for cell in side) for side in (teacher, student))) | {
            "drop_std": _spread(teacher, student)
        }

    return measure


def _published(spec: Mapping):
    numbers = read_published(spec["published"], ("model", "row"))

    def measure(model: str, language: str, point: Mapping) -> dict:
        means = []
        for who in ("teacher", "student"):
            row = numbers.get((model, point[who]), {})
            columns = [f"{language}_{task}" for task in spec["tasks"]]
            for column in columns:
                if column not in row:
                    raise UserError(
                        f"{spec['published']}: has no '{column}' of {model} {point[who]}"
                    )
            means.append(mean(Fraction(row[column]) for column in columns))
        return _losses(*means) | {"drop_std": None}

    return measure


def _losses(teacher: Fraction, student: Fraction) -> dict[str, float]:
    if not teacher:
        raise UserError("a teacher scores 0 in every task; there is nothing to lose")
    return {
        "teacher_score": float(teacher),
        "student_score": float(student),
        "drop": float(100 * (1 - student / teacher)),
    }


def _spread(teacher: Sequence[Cell], student: Sequence[Cell]) -> float | None:
    """The standard deviation of the drops of seeds that every cell has; None below two."""
    seeds = set.intersection(*(set(cell.percent) for cell in (*teacher, *student)))
    by_seed = [
        [mean(cell.percent[seed] for cell in side) for side in (teacher, student)]
        for seed in sorted(seeds)
    ]
    drops = [100 * (1 - below / above) for above, below in by_seed if above]
    return float(stdev(drops)) if len(drops) > 1 else None


def _megabytes(
    sources: Sources, sizes: Mapping[str, float], model: str, language: str, teacher: str
) -> float:
    texts = sources.texts.get(f"{model}/{language}/{teacher}", {language: 1.0})
    for name in texts:
        if name not in sizes:
            raise UserError(f"the figure needs the volume of the text of '{name}', not given")
    return sum(share * sizes[name] for name, share in texts.items())


def _size(path: str) -> float:
    return sum(len(text.encode("utf-8")) for text in read_texts(path)) / BYTES_PER_MEGABYTE


def _texts(point: Mapping) -> dict[str, str]:
    return {
        key: "" if value is None else f"{value:.6g}" if isinstance(value, int | float) else value
        for key, value in point.items()
    }


def _law(law: PowerLaw | None) -> dict[str, str]:
    names = ("factor", "exponent", "low", "high")
    values = [getattr(law, name) if law else float("nan") for name in names]
    heads = ("fit_factor", "fit_exponent", "fit_exponent_low", "fit_exponent_high")
    return {h: "" if v != v else f"{v:.6g}" for h, v in zip(heads, values, strict=True)}
