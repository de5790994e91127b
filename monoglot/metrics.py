"""Which metrics a record holds, by kind of task; what each is stands in docs/metrics.md."""

from collections.abc import Mapping

METRICS = {
    "classification": ("macro_f1", "weighted_f1", "accuracy"),
    "iob2": ("word_f1", "subtoken_f1", "word_accuracy"),
    "plain": ("word_f1", "subtoken_f1", "word_accuracy", "word_macro_f1"),
}
"""By `classification`, or the scheme of a task that tags words."""


def metrics_of(task: Mapping[str, object]) -> tuple[str, ...]:
    """Return the metrics of a task of the configuration."""
    tagging = task["kind"] == "tagging"
    return METRICS[str(task["scheme"]) if tagging else "classification"]
