"""What a table of deployment shows: one block under `tables`, with where its files lie."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monoglot.errors import UserError
from monoglot.report.block import check_keys, entries, labelled, labels, names, text

REQUIRED = ("models", "languages", "tasks", "rows", "measured", "scored", "checkpoints")
OPTIONAL = ("caption", "each_language", "length", "scores")
MEAN = "mean"
"""What stands for the language in a row that is the mean over languages."""


@dataclass(frozen=True)
class Group:
    """The rows of one variant: its runs (`model/language/variant`) with their checkpoints."""

    model: str
    language: str
    variant: str
    label: str
    runs: Mapping[str, str]


@dataclass(frozen=True)
class Spec:
    """A checked block: labels by name of `models` and `languages`; `rows` are (model, variant,
    label).

    `scores` names, by task, the metric to show instead of the records' own.
    `checkpoints` maps `model/language/variant` to the checkpoint that is measured for it, for the
    languages that a variant is shown for; `length`
    is which one Markdown and LaTeX show, None for the middle one.
    """

    caption: str
    models: Mapping[str, str]
    languages: Mapping[str, str]
    tasks: tuple[str, ...]
    scores: Mapping[str, str]
    rows: tuple[tuple[str, str, str], ...]
    each_language: bool
    length: int | None
    checkpoints: Mapping[str, str]

    @property
    def labels(self) -> dict[str, str]:
        """The columns of text on the left, with their headings."""
        found = {"label": "Model"}
        if len(self.models) > 1:
            found = {"family": "Family"} | found
        if self.each_language:
            found["language_name"] = "Language"
        return found | {"form_label": "Served as"}

    def groups(self) -> Iterator[Group]:
        """Yield what has rows of its own, in their order."""
        for model, variant, label in self.rows:
            named = {language: f"{model}/{language}/{variant}" for language in self.languages}
            runs = {
                one: self.checkpoints[run] for one, run in named.items() if run in self.checkpoints
            }
            if not self.each_language:
                yield Group(model, MEAN, variant, label, {named[one]: runs[one] for one in runs})
                continue
            for language, checkpoint in runs.items():
                yield Group(model, language, variant, label, {named[language]: checkpoint})


def read_spec(block: Mapping) -> Spec:
    """Check a table block; raise `UserError` naming the key that is missing, unknown or wrong."""
    check_keys(block, REQUIRED, OPTIONAL, "a table of deployment")
    spec = Spec(
        caption=text(block.get("caption") or "What serving takes, and scores", "caption"),
        models=labels(block["models"], "models"),
        languages=labels(block["languages"], "languages"),
        tasks=names(block["tasks"], "tasks"),
        scores=labels(block["scores"], "scores") if block.get("scores") else {},
        rows=tuple(_row(row) for row in entries(block["rows"], "rows")),
        each_language=bool(block.get("each_language")),
        length=block.get("length"),
        checkpoints=labels(block["checkpoints"], "checkpoints"),
    )
    names([f"{model} {variant}" for model, variant, _ in spec.rows], "rows")
    for model, variant, _ in spec.rows:
        if model not in spec.models:
            raise UserError(f"table key 'models': lacks '{model}', which 'rows' names")
        if not any(f"{model}/{one}/{variant}" in spec.checkpoints for one in spec.languages):
            raise UserError(f"table key 'checkpoints': lacks '{variant}' of {model}")
    return spec


def _row(entry: object) -> tuple[str, str, str]:
    variant, label = labelled(entry, "rows", "model")
    return text(entry.get("model"), "rows"), variant, label
