"""What is refused before anything runs: each fault of an experiment graph in its own words."""

from typing import TYPE_CHECKING

from monoglot.checkpoint_files import SCORED
from monoglot.config import source_of
from monoglot.errors import UserError
from monoglot.nodes import ANY

if TYPE_CHECKING:
    from monoglot.graph import Checkpoint, Graph


def check(graph: "Graph") -> None:
    """Raise `UserError`, naming the key at fault, if the graph cannot be run."""
    _names(graph)
    _links(graph)
    _tasks(graph)
    for table in graph.config["tables"]:
        graph.table(table).check(graph, f"tables.{table}")
    for figure in graph.config["figures"]:
        graph.figure(figure).check(graph, f"figures.{figure}")
    for checkpoint in graph.checkpoints:
        _checkpoint(graph, checkpoint)
    for language in graph.evaluated:
        for task in graph.tasks(language):
            source_of(graph.config, task, language)


def _names(graph: "Graph") -> None:
    if ANY in graph.config["languages"]:
        raise UserError(f"languages.{ANY}: the name '{ANY}' is taken; choose another one")


def _tasks(graph: "Graph") -> None:
    for language in graph.config["languages"]:
        for task in graph.tasks(language):
            if task not in graph.config["tasks"]:
                raise UserError(
                    f"languages.{language}.tasks: '{task}' is not one of the tasks; "
                    f"these are {', '.join(graph.config['tasks'])}"
                )


def _links(graph: "Graph") -> None:
    for name in graph.variants:
        links, entry, own = graph.links(name), graph.entry(name), graph.variants[name]
        for kind, _ in links:
            if kind not in entry.links:
                raise UserError(
                    f"variants.{name}.{kind}: the operation '{entry.name}' has no {kind}; "
                    "remove the key or change the operation"
                )
        for kind in entry.links:
            if kind not in own and entry.parameters.model_fields[kind].is_required():
                raise UserError(f"variants.{name}: the key '{kind}' is missing")
        defaults = graph.config["defaults"].get(entry.name, {})
        entry.check_variant(f"variants.{name}", own, defaults | own)
        for kind, other in links:
            if other not in graph.variants:
                raise UserError(
                    f"variants.{name}.{kind}: there is no variant '{other}'; "
                    f"variants are {', '.join(graph.variants)}"
                )
            if graph.is_baseline(other):
                raise UserError(
                    f"variants.{name}.{kind}: '{other}' is a baseline, which has no checkpoint; "
                    "name another variant"
                )
    done: set[str] = set()
    for name in graph.variants:
        _cycle(graph, name, [], done)


def _cycle(graph: "Graph", name: str, path: list[str], done: set[str]) -> None:
    if name in path:
        circle = " -> ".join([*path[path.index(name) :], name])
        raise UserError(f"variants.{name}: is made from itself ({circle}); break the circle")
    if name not in done:
        for _, other in graph.links(name):
            _cycle(graph, other, [*path, name], done)
        done.add(name)


def _checkpoint(graph: "Graph", checkpoint: "Checkpoint") -> None:
    where = f"variants.{checkpoint.variant}"
    parent, teacher = graph.parent(checkpoint), graph.teacher(checkpoint)
    settings, shape = graph.settings(checkpoint), graph.shape(checkpoint)
    entry, model = graph.entry(checkpoint.variant), graph.config["models"][checkpoint.model]
    if model["family"] not in SCORED:  # what is checked here is in a table or figure
        raise UserError(
            f"models.{checkpoint.model}.family: '{model['family']}' can be made smaller, but not "
            f"scored; in tables and figures it must be one of {', '.join(SCORED)}"
        )
    _supported(graph, checkpoint, where)
    if settings.get("max_length", 0) > shape["max_positions"]:
        raise UserError(
            f"{where}.max_length: {settings['max_length']} is more than the "
            f"{shape['max_positions']} positions of {checkpoint.model}"
        )
    if teacher and graph.tokenizer(teacher) != graph.tokenizer(parent):
        raise UserError(
            f"{where}.teacher: '{teacher.variant}' has the vocabulary of "
            f"'{graph.tokenizer(teacher).variant}', the parent '{parent.variant}' that of "
            f"'{graph.tokenizer(parent).variant}'; a teacher must share the vocabulary"
        )
    for key, value in shape.items():
        if parent and entry.takes == "weights" and value > graph.shape(parent)[key]:
            raise UserError(
                f"{where}: {key} {value} is larger than the parent's {graph.shape(parent)[key]}"
            )
    entry.check(where, settings, checkpoint.model, model)
    if shape["hidden_size"] % shape["heads"]:
        raise UserError(
            f"{where}: hidden size {shape['hidden_size']} cannot be divided by the "
            f"{shape['heads']} attention heads of {checkpoint.model}; choose a multiple"
        )
    for language in graph.text_languages(checkpoint):
        if language not in graph.config["languages"]:
            raise UserError(f"{where}.text: there is no language '{language}'")
        for name in ("text", "validation", "heldout"):
            source_of(graph.config, name, language)


def _supported(graph: "Graph", checkpoint: "Checkpoint", where: str) -> None:
    """Refuse what cannot be done with a masked-LM head that was never trained."""
    asks_head = graph.entry(checkpoint.variant).asks_head
    asked = graph.parent(checkpoint) if asks_head else graph.teacher(checkpoint)
    if asked and not _head_is_trained(graph, asked):
        raise UserError(
            f"{where}: '{asked.variant}' of {asked.model} has an untrained masked-LM head "
            f"(models.{asked.model}.head), so that its predictions mean nothing; train it first"
        )


def _head_is_trained(graph: "Graph", checkpoint: "Checkpoint") -> bool:
    while not graph.entry(checkpoint.variant).trains:
        if graph.parent(checkpoint) is None:
            return graph.config["models"][checkpoint.model]["head"] == "trained"
        checkpoint = graph.parent(checkpoint)
    return True
