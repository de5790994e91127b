"""The page: the parts of a report filled into its templates."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from monoglot.graph import Graph
from monoglot.pages import curves, deployment, files, graph_drawing
from monoglot.pages import numbers as written
from monoglot.pages.parts import Parts
from monoglot.pages.reading import read_run
from monoglot.pages.retention import STEPS


def render(graph: Graph, results: Path) -> str:
    """Return the report of a run as HTML; the same files give the same text.

    Args:
        graph: the experiment, as configured.
        results: its results folder; what is missing in it is left out of the report.

    Raises `UserError` if a file is not what it should be.
    """
    page = Parts(read_run(graph, results))
    environment = Environment(
        loader=FileSystemLoader(files.TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(written, name) for name in ("duration", "energy", "mass", "counted", "fixed")
    }
    inline = {name: _inline(name) for name in ("style.css", "script.js")}
    template = environment.get_template("report.html.j2")
    return template.render(page=page, run=page.run, inline=inline, steps=STEPS, heads=_heads())


def _heads() -> dict[str, Sequence[str]]:
    return {
        "graph": graph_drawing.HEADS,
        "curves": curves.HEADS,
        "deployment": deployment.HEADS,
        "numbers": deployment.NUMBERS,
    }


def _inline(name: str) -> Markup:
    """The text of a file of ours that goes into the page as it is."""
    return Markup((files.TEMPLATES / name).read_text(encoding="utf-8"))
