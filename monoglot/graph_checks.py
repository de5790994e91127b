"""What is refused before anything runs: each fault of an experiment graph in its own words."""

from typing import TYPE_CHECKING

from monoglot.config import source_of
from monoglot.errors import UserError
from monoglot.metrics import metrics_of
from monoglot.nodes import ANY

if TYPE_CHECKING:
    from monoglot.graph import Checkpoint, Graph

BASELINE = "baseline"
LINKS_OF_ROOTS = {"pretrained": (), "scratch": ("parent",), BASELINE: ()}
"""Operations that need no parent, and the links that they may have."""

LARGEST_PROJECTION = 2**30
"""Parameters; with gradients and moments such a projection takes 16 GiB."""


def check(graph: "Graph") -> None:
    """Raise `UserError`, naming the key at fault, if the graph cannot be run."""
    _names(graph)
    _links(graph)
    _metrics(graph)
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


def _metrics(graph: "Graph") -> None:
    for name, task in graph.config["tasks"].items():
        allowed = metrics_of(task)
        if task["metric"] not in allowed:
            raise UserError(
                f"tasks.{name}.metric: '{task['metric']}' is not for {task['kind']}; "
                f"choose one of {', '.join(allowed)}"
            )


def _tasks(graph: "Graph") -> None:
    for language in graph.config["languages"]:
        for task in graph.tasks(language):
            if task not in graph.config["tasks"]:
                raise UserError(
                    f"languages.{language}.tasks: '{task}' is none of the tasks; "
                    f"these are {', '.join(graph.config['tasks'])}"
                )


def _links(graph: "Graph") -> None:
    for name in graph.variants:
        links = graph.links(name)
        allowed = LINKS_OF_ROOTS.get(graph.operation(name))
        for kind, _ in links:
            if allowed is not None and kind not in allowed:
                raise UserError(
                    f"variants.{name}.{kind}: the operation '{graph.operation(name)}' has no "
                    f"{kind}; remove the key or change the operation"
                )
        if allowed is None and "parent" not in graph.variants[name]:
            raise UserError(f"variants.{name}: the key 'parent' is missing")
        if graph.operation(name) == "scratch":
            _scratch(graph, name)
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


def _scratch(graph: "Graph", name: str) -> None:
    """A scratch variant has either a text, or a parent's tokenizer and a shape of its own."""
    own = graph.variants[name]
    if "parent" not in own:
        if "shape" in own:
            raise UserError(
                f"variants.{name}.shape: goes with a parent whose tokenizer is taken; without one "
                "the shape is that of the model (models.NAME.shape)"
            )
        if "text" not in graph.config["defaults"].get("scratch", {}) | own:
            raise UserError(f"variants.{name}: the key 'text' is missing")
        return
    for key in ("text", "vocab_size"):
        if key in own:
            raise UserError(
                f"variants.{name}.{key}: the tokenizer is that of the parent '{own['parent']}'; "
                f"remove '{key}', or remove 'parent' to train a tokenizer"
            )
    if "shape" not in own:
        raise UserError(
            f"variants.{name}: has a parent for its tokenizer, but no 'shape'; "
            "give layers, hidden_size, heads and ffn_size"
        )


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
    _supported(graph, checkpoint, where)
    if graph.operation(checkpoint.variant) == "train":
        _training(graph, settings, where)
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
    reduces = parent and graph.operation(checkpoint.variant) != "scratch"
    for key, value in shape.items():
        if reduces and value > graph.shape(parent)[key]:
            raise UserError(
                f"{where}: {key} {value} is larger than the parent's {graph.shape(parent)[key]}"
            )
    if graph.operation(checkpoint.variant) == "pretrained":
        _origin(graph, checkpoint, settings)
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
    operation = graph.operation(checkpoint.variant)
    asked = graph.parent(checkpoint) if operation == "prune_ffn" else graph.teacher(checkpoint)
    if asked and not _head_is_trained(graph, asked):
        raise UserError(
            f"{where}: '{asked.variant}' of {asked.model} has an untrained masked-LM head "
            f"(models.{asked.model}.head), so that its predictions mean nothing; train it first"
        )


def _head_is_trained(graph: "Graph", checkpoint: "Checkpoint") -> bool:
    while graph.operation(checkpoint.variant) != "train":
        if graph.parent(checkpoint) is None:
            return graph.config["models"][checkpoint.model]["head"] == "trained"
        checkpoint = graph.parent(checkpoint)
    return True


def _origin(graph: "Graph", checkpoint: "Checkpoint", settings: dict) -> None:
    model = graph.config["models"][checkpoint.model]
    for about, where in (
        (settings, f"variants.{checkpoint.variant}"),
        (model, f"models.{checkpoint.model}"),
    ):
        if {"hub", "folder"} <= about.keys():
            raise UserError(f"{where}: has hub and folder; a checkpoint comes from one of them")
    if not {"hub", "folder"} & (model.keys() | settings.keys()):
        raise UserError(
            f"models.{checkpoint.model}: the variant '{checkpoint.variant}' is pretrained, but "
            "the model has neither 'hub' and 'revision' nor 'folder'; add them"
        )


def _training(graph: "Graph", settings: dict, where: str) -> None:
    if ("epochs" in settings) == ("steps" in settings):
        raise UserError(f"{where}: give either 'epochs' or 'steps'")
    if settings.get("loss", "none") == "none" and "teacher" in settings:
        raise UserError(f"{where}: has a teacher but no loss; set loss to mse or kl")
    if settings.get("loss", "none") != "none" and "teacher" not in settings:
        raise UserError(f"{where}: has the loss '{settings['loss']}' but no teacher; name one")
    _attention(settings, where)


def _attention(settings: dict, where: str) -> None:
    if not settings["attention_weight"]:
        return
    if "teacher" not in settings:
        raise UserError(f"{where}: has attention_weight but no teacher; name one")
    length = settings["max_length"]
    if settings["attention_projection"] == "full" and length**4 > LARGEST_PROJECTION:
        raise UserError(
            f"{where}.attention_projection: 'full' has max_length to the power of four parameters, "
            f"{length**4 / 1e9:,.0f} billion for {length} tokens; choose 'rows' or a max_length of "
            f"at most {int(LARGEST_PROJECTION**0.25)}"
        )
