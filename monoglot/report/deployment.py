"""What variants take where they are used, what they score there, and what they took to make.

A row is a form of a variant that somebody could serve: PyTorch, ONNX, ONNX in int8. The table is a
function of files of deployment and of scores after export, and of the energy of jobs.
"""

from collections.abc import Callable, Iterator, Mapping
from math import floor, log10
from typing import Any

from monoglot.errors import UserError
from monoglot.report.deployment_spec import MEAN, Group, Spec, read_spec
from monoglot.report.energy import Total
from monoglot.report.measurements import (
    FORMS,
    Files,
    Values,
    agreed,
    found,
    measured,
    over_languages,
    read_all,
    scored,
)
from monoglot.report.table import Column, Table, fixed

KEYS = ("model", "row")
Energies = Callable[[str, str], tuple[Total, Total]]
"""From a checkpoint and a run (`model/language/variant`) to what making and scoring them took."""

WHOLE = ("parameters",)
PERCENT = ("score", "score_change")


def render(block: Mapping[str, Any], energies: Energies) -> Table:
    """Make the table of a block: for each model and variant a row for each form.

    Numbers are means over languages, or with `each_language` rows are of one language. Markdown and
    LaTeX show latencies of one length, the CSV all. Raises `UserError` for a bad block, and for
    files that are missing, damaged or measured differently.
    """
    spec = read_spec(block)
    files = read_all(block["measured"], "measured")
    after = read_all(block["scored"], "scored")
    settings = agreed(files)
    rows = [
        row
        for group in spec.groups()
        for row in _rows(group, spec, files, after, _spent(group, energies))
    ]
    every = dict.fromkeys(name for row in rows for name in row)
    rows = [{name: row.get(name, "") for name in every} for row in rows]
    lengths = settings["measuring"]["lengths"]
    length = spec.length or sorted(lengths)[len(lengths) // 2]
    if length not in lengths:
        raise UserError(f"table key 'length': {length} is none of those measured, {lengths}")
    columns = [column for column in _columns(settings, length) if column.name in every]
    note = _note(settings, length, spec, after, rows)
    return Table(spec.caption, note, spec.labels, (*columns,), rows)


def _spent(group: Group, energies: Energies) -> dict[str, Values]:
    """Return the energy of each run; None where any job does not say what it used."""
    spent = {}
    for run, checkpoint in group.runs.items():
        totals = dict(zip(("making", "scoring"), energies(checkpoint, run), strict=True))
        spent[run] = {
            f"{kind}_{name}": None if total.unknown or not total.jobs else getattr(total, name)
            for kind, total in totals.items()
            for name in ("kwh", "co2_kg")
        }
    return spent


def _rows(
    group: Group, spec: Spec, files: Files, after: Files, spent: Mapping[str, Values]
) -> Iterator[dict[str, str]]:
    known = [found(files, checkpoint, "measured") for checkpoint in group.runs.values()]
    scores = [found(after, run, "scored") for run in group.runs]
    for form, form_label in FORMS.items():
        if not all(form in one["forms"] for one in known):
            continue
        values = over_languages([measured(one, form) for one in known])
        values |= scored(scores, form, spec.tasks, spec.scores)
        values |= over_languages([*spent.values()])
        language = "" if group.language == MEAN else f"{group.language}:"
        names = {
            "model": group.model,
            "row": f"{group.variant}:{language}{form}",
            "variant": group.variant,
            "language": group.language,
            "form": form,
            "family": spec.models[group.model],
            "label": group.label,
            "language_name": spec.languages.get(group.language, MEAN),
            "form_label": form_label,
        }
        yield names | {name: _text(name, value) for name, value in values.items()}


def _text(name: str, value: float | None) -> str:
    if name in WHOLE:
        return fixed(value, 0)
    return fixed(value, 2) if name in PERCENT else significant(value)


def significant(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits, and all of those before the point."""
    if value is None:
        return ""
    if not value:
        return "0"
    return f"{value:.{max(0, digits - 1 - floor(log10(abs(value))))}f}"


def _columns(settings: Mapping[str, Any], length: int) -> list[Column]:
    """Return the columns that Markdown and LaTeX show, where there are such numbers."""
    columns = [
        Column("size_millions", "Size", unit="M"),
        Column("disk_mb", "Disk, MB"),
        Column("memory_mb", "Memory, MB"),
    ]
    runs = {f"cpu_{asked}": _threads(asked) for asked in settings["threads"]} | {"cuda": "GPU"}
    for name, group in runs.items():
        unit = f"{group}, ms"
        columns += [Column(f"{name}_{length}_p{p}_ms", f"p{p}", unit) for p in (50, 95)]
    last = [*runs][-2]
    columns += [
        Column(f"{run}_{length}_sequences_per_second", f"texts/s, {runs[run]}")
        for run in (last, "cuda")
    ]
    return [
        *columns,
        Column("score", "Score"),
        Column("making_kwh", "Making, kWh"),
        Column("making_co2_kg", "kg CO2"),
    ]


def _threads(asked: str) -> str:
    return "1 thread" if asked == "1" else f"{asked} threads"


def _note(
    settings: Mapping[str, Any],
    length: int,
    spec: Spec,
    after: Files,
    rows: list[dict[str, str]],
) -> str:
    hardware, how = settings["hardware"], settings["measuring"]
    cores = settings["threads"].get("all", hardware["cores"])
    machine = f"{hardware['cpu']}, {cores} cores"
    machine += f", {hardware['gpu']}" if hardware["gpu"] else ""
    seeds = sorted({task["seed"] for one in after.values() for task in one["tasks"].values()})
    sentences = [
        f"On {machine}.",
        f"Latency of one text of {length} tokens, median and 95th percentile of {how['repeats']};",
        f"texts a second at {how['batch']} at a time.",
        "Memory is the largest that a process had which loads the model and answers one text at a",
        "time. Score is the mean over languages and tasks in percent",
        f"({_metrics(spec, after)}; seed {', '.join(map(str, seeds))}), of adapter and encoder in",
        "that form.",
        "Making is all jobs behind the checkpoint.",
    ]
    if settings["cut"]:
        sentences.append("Texts are cut to what the model reads.")
    if any(row.get("making_kwh") == "" for row in rows):
        sentences.append("Energy is missing where a job does not say what it used.")
    sentences.append(
        f"Before measurements the load average was up to {settings['load']:.1f}; above 0 is "
        "other work, timed along."
    )
    return " ".join(sentences)


def _metrics(spec: Spec, after: Files) -> str:
    """Name each task's metric, as notes of tables of scores do."""
    own = {task: about["metric"] for one in after.values() for task, about in one["tasks"].items()}
    shown = {task: spec.scores.get(task, own[task]) for task in spec.tasks if task in own}
    return ", ".join(f"{task.upper()}: {metric}" for task, metric in shown.items())
