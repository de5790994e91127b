"""What each variant is measured against, and how much of its scores it keeps."""

from collections import Counter
from fractions import Fraction
from statistics import mean

from monoglot.graph import Graph
from monoglot.nodes import Checkpoint
from monoglot.pages.run import Run

SHRINKS = ("select_layers", "prune_ffn", "reduce_hidden", "trim_vocab")
"""Operations that make a checkpoint smaller and train nothing."""

Score = Fraction | float


def reference(graph: Graph, node: Checkpoint) -> Checkpoint:
    """Return the whole model behind a checkpoint: itself, if nothing was taken from it.

    That is its teacher's reference; of a checkpoint without a teacher that was made smaller, or
    trained after that, its parent's.
    """
    if teacher := graph.teacher(node):
        return reference(graph, teacher)
    parent = graph.parent(node)
    if parent is None or graph.operation(node.variant) == "scratch":
        return node
    made = {graph.operation(one.variant) for one in (node, parent)}
    return reference(graph, parent) if made & set(SHRINKS) else node


def references(run: Run, model: str, language: str) -> dict[str, str]:
    """Return, by scored variant, the variant it is measured against.

    One that is its own, and a baseline, is measured against what most others are.
    """
    graph, found = run.graph, {}
    for variant in run.variants:
        if not graph.is_baseline(variant):
            node = graph.checkpoint(model, language, variant)
            found[variant] = reference(graph, node).variant
    others = Counter(found[v] for v in found if found[v] != v)
    main = others.most_common(1)[0][0] if others else None
    return {
        variant: main if main and found.get(variant, variant) == variant else found[variant]
        for variant in run.variants
        if main or variant in found
    }


def average(run: Run, model: str, variant: str, languages: list[str]) -> Fraction | None:
    """Return the mean score over tasks and languages in percent; None if any is missing."""
    cells = [
        run.cells.get((model, language, variant, task))
        for language in languages
        for task in run.tasks(language)
    ]
    return None if not cells or None in cells else mean(cell.mean for cell in cells)


def kept(score: Score | None, whole: Score | None) -> float | None:
    """Return a score in percent of the whole model's; None if either is missing or it is 0."""
    return None if score is None or not whole else float(100 * score / whole)


def size(run: Run, model: str, variant: str, languages: list[str]) -> float | None:
    """Return the mean number of parameters over languages; None if any is missing."""
    counts = [run.sizes.get((model, language, variant)) for language in languages]
    return None if not counts or None in counts else mean(counts)
