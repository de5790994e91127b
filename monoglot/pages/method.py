"""How the numbers of a run were made: with what, when, where, and what the words mean."""

from collections.abc import Sequence
from dataclasses import dataclass

from monoglot.pages.run import Run

METRICS = {
    "macro_f1": (
        "F1 of each class (the harmonic mean of how many of its examples were found and of how "
        "many of those found are right), averaged over the classes, each counting alike."
    ),
    "weighted_f1": "F1 of each class, averaged over the classes by how many examples they have.",
    "accuracy": "Share of examples that got the right label.",
    "word_f1": (
        "F1 of names: a name counts as found if all its words, and no others, got the right "
        "label. The label of a word is the one predicted for its first piece."
    ),
    "word_accuracy": (
        "Share of words that got the right label; the one predicted for a word's first piece."
    ),
    "word_macro_f1": (
        "F1 of each tag over words, averaged over the tags, each counting alike; the tag of a word "
        "is the one predicted for its first piece."
    ),
    "subtoken_f1": (
        "As the paper has it: every piece of a word counts as a word of its own, so that the "
        "number depends on how the tokenizer cuts words."
    ),
}
"""The metrics of records in plain words."""

OPERATIONS = {
    "pretrained": "taken as it was published",
    "scratch": "a model with random weights",
    "train": "trained to guess masked words; with a teacher, to imitate it as well (distillation)",
    "select_layers": "some of the layers kept, the others dropped",
    "prune_ffn": "the least important neurons of each layer's feed-forward part dropped",
    "reduce_hidden": "the vectors inside the model made shorter",
    "trim_vocab": "word pieces that the language does not need dropped from the vocabulary",
    "alias": "the same model under another name, scored with other settings",
    "baseline": "a simple method without a neural network, to compare with",
}
"""What each operation does, in plain words."""


@dataclass(frozen=True)
class Method:
    """With what, when and where a run was made; what is not known is empty."""

    started: str
    ended: str
    commits: Sequence[str]
    hardware: Sequence[str]
    versions: Sequence[tuple[str, str]]
    tasks: Sequence[tuple[str, str]]
    """Task, what is to be done."""
    metrics: Sequence[tuple[str, str, str]]
    """Tasks, metric, what it is."""
    operations: Sequence[tuple[str, str]]


def method(run: Run) -> Method:
    """Return how a run was made, as its jobs noted it."""
    jobs = list(run.jobs.values())
    started = sorted(job["started"] for job in jobs)
    graph = run.graph
    used = {graph.operation(name) for name in graph.variants}
    return Method(
        *(_moment(one) for one in (started[0], started[-1])) if started else ("", ""),
        sorted({job["git_commit"] for job in jobs if job["git_commit"]}),
        sorted({machine(job["hardware"]) for job in jobs}),
        sorted({pair for job in jobs for pair in job["versions"].items()}),
        [(name.upper(), _task(task)) for name, task in graph.config["tasks"].items()],
        _metrics(run),
        [(name, said) for name, said in OPERATIONS.items() if name in used],
    )


def _moment(started: str) -> str:
    """A time as a reader has it: to the minute, in UTC."""
    return f"{started[:10]} {started[11:16]} UTC"


def machine(hardware: dict) -> str:
    """Return what a machine is, as jobs note it."""
    cores = f"{hardware['cores']} core{'' if hardware['cores'] == 1 else 's'}"
    return f"{hardware['cpu']}, {cores}, {hardware['gpu'] or 'without a GPU'}"


def _task(task: dict) -> str:
    what = "tags every word" if task["kind"] == "tagging" else "sorts whole texts"
    labels = task["labels"]
    some = f"{', '.join(labels[:8])}{' …' if len(labels) > 8 else ''}"
    whole = "; the whole model is trained for it" if task["tuning"] == "full" else ""
    return f"{what} by {len(labels)} labels: {some}{whole}"


def _metrics(run: Run) -> list[tuple[str, str, str]]:
    tasks: dict[str, list[str]] = {}
    for task in run.graph.config["tasks"]:
        if metric := run.metric(task):
            tasks.setdefault(metric, []).append(task.upper())
    return [(", ".join(those), name, METRICS.get(name, "")) for name, those in tasks.items()]
