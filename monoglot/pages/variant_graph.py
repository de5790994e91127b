"""The variants of a model as a graph: how each was made, how large and good it is, what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from monoglot.nodes import ANY
from monoglot.pages.costs import Costs
from monoglot.pages.reference import average, size
from monoglot.pages.run import Run


@dataclass(frozen=True)
class Node:
    """A variant: `operations` that made it in turn, `parent` and `teacher` with other nodes' names.

    Unscored variants that are a mere step to another one are part of that one's node: their
    operations and their costs.
    """

    variant: str
    operations: Sequence[str]
    steps: Sequence[str]
    parent: str | None
    teacher: str | None
    size: float | None
    score: float | None
    seconds: float | None
    kwh: float | None


def nodes(run: Run, costs: Costs, model: str) -> dict[str, Node]:
    """Return the nodes of a model's graph by variant; sizes and scores are means of languages."""
    links = _links(run, model)
    steps = {name for name in links if _is_step(run, name, links)}
    found = {}
    for name, (parent, teacher) in links.items():
        if name in steps:
            continue
        chain = [name]
        while parent in steps:
            chain.insert(0, parent)
            parent = links[parent][0]
        score = average(run, model, name, run.languages)
        spent = [costs.of_variant(model, one) for one in chain]
        known = [one for one in spent if one]
        energy = [one.kwh for one in known]
        found[name] = Node(
            name,
            [run.graph.operation(one) for one in chain],
            chain[:-1],
            parent,
            teacher,
            size(run, model, name, run.languages),
            None if score is None else float(score),
            sum(one.seconds for one in known) if known else None,
            sum(energy) if energy and None not in energy else None,
        )
    return found


def _links(run: Run, model: str) -> dict[str, tuple[str | None, str | None]]:
    """Parent and teacher of each variant of a model, in the order of the configuration."""
    graph = run.graph
    found = {}
    for node in graph.checkpoints:
        if node.model == model and node.variant not in found:
            parent, teacher = graph.parent(node), graph.teacher(node)
            found[node.variant] = (parent and parent.variant, teacher and teacher.variant)
    for variant in run.variants:
        if graph.operation(variant) == "alias":
            whole = graph.checkpoint(model, next(iter(run.languages), ANY), variant)
            found[variant] = (whole.variant, None)
    return {name: found[name] for name in graph.variants if name in found}


def _is_step(run: Run, name: str, links: dict[str, tuple[str | None, str | None]]) -> bool:
    """Whether a variant is only there to make another: unscored, untrained, with one child."""
    children = [one for one, (parent, _) in links.items() if parent == name]
    teaches = any(teacher == name for _, teacher in links.values())
    trained = run.graph.operation(name) == "train"
    root = links[name][0] is None
    return not (name in run.variants or teaches or trained or root) and len(children) == 1
