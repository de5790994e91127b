"""What a run is asked to make: names of targets, as files for Snakemake."""

import os
from typing import TYPE_CHECKING

from monoglot.errors import UserError

if TYPE_CHECKING:
    from monoglot.graph import Graph
    from monoglot.nodes import Checkpoint


def resolved(graph: "Graph", name: str) -> str:
    """Return what Snakemake is to make of a name: the name of a rule, or a file.

    Raises `UserError` saying which targets there are if it is none of them.
    """
    from monoglot.runs.jobs import TARGET_RULES

    config = graph.config
    results = config["results"]
    for family, ending in (("tables", "csv"), ("figures", "png")):
        if name in config[family]:
            return f"{results}/{family}/{name}.{ending}"
    if node := _checkpoint(graph, name):
        return f"{results}/models/{node}/config.json"
    rules = (*TARGET_RULES, "report")
    if name in rules or os.path.normpath(name).startswith(f"{os.path.normpath(results)}/"):
        return name
    names = ", ".join(dict.fromkeys([*rules, *config["tables"], *config["figures"]]))
    raise UserError(
        f"'{name}' is no target of this configuration; name one of {names}, a "
        f"MODEL/LANGUAGE/VARIANT of it, or a file below {results}"
    )


def _checkpoint(graph: "Graph", name: str) -> "Checkpoint | None":
    """The checkpoint that MODEL/LANGUAGE/VARIANT means, None if there is none."""
    from monoglot.nodes import ANY

    model, language, variant, *more = [*name.split("/"), "", ""]
    languages = graph.config["languages"]
    known = model in graph.config["models"] and variant in graph.variants and not any(more)
    if not known or graph.is_baseline(variant) or language not in (*languages, ANY):
        return None
    node = graph.checkpoint(model, next(iter(languages)) if language == ANY else language, variant)
    return node if language in (node.language, *languages) else None
