"""Arguments and options that several commands have, and the experiment that they name."""

import math
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monoglot.errors import UserError
from monoglot.fingerprint import ROOT

if TYPE_CHECKING:
    from monoglot.graph import Graph
    from monoglot.paths import Checkpoint

PARTS = ("Snakefile", "rules", "scripts", "schemas", "profiles")
"""What a folder with the workflow has in it."""


def workflow_folder() -> Path:
    """Return the folder of the Snakefile.

    That is the current folder or the nearest above it that has one of monoglot, or else the
    checkout that this package is installed from. Raises `UserError` saying what to do if there is
    neither.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, ROOT):
        if all((folder / part).exists() for part in PARTS):
            return folder
    raise UserError(
        "there is no Snakefile of monoglot in this folder or above it, and the package was not "
        "installed from a checkout; go to a checkout (git clone, then cd), or install from one "
        "with `pip install --editable .`"
    )


@dataclass(frozen=True)
class ChosenExperiment:
    """A configuration file and the folder that Snakemake runs it in, which is the current one.

    The command was started in `started_in`.
    """

    folder: Path
    config: str
    started_in: Path

    @property
    def unlock(self) -> str:
        """The command that removes the locks of a run that was killed."""
        place = self.folder / self.config if self.folder != self.started_in else self.config
        return f"monoglot run {shlex.quote(str(place))} -- --unlock"

    @cached_property
    def graph(self) -> "Graph":
        """The experiment as a graph; raises `UserError` if the configuration is wrong."""
        from monoglot.config import read
        from monoglot.graph import Graph

        return Graph(read(self.config, "CONFIG"))

    @property
    def results(self) -> str:
        """The results folder, as the configuration names it."""
        return self.graph.config["results"]

    def target(self, name: str) -> str:
        """Return what Snakemake is to make of a name: the name of a rule, or a file.

        Raises `UserError` listing the targets if it is not one of them.
        """
        from monoglot.workflow import TARGET_RULES

        config, results = self.graph.config, self.results
        for family, ending in (("tables", "csv"), ("figures", "png")):
            if name in config[family]:
                return f"{results}/{family}/{name}.{ending}"
        if node := self._checkpoint(name):
            return f"{results}/models/{node}/config.json"
        rules = (*TARGET_RULES, "report")
        if name in rules or os.path.normpath(name).startswith(f"{os.path.normpath(results)}/"):
            return name
        names = ", ".join(dict.fromkeys([*rules, *config["tables"], *config["figures"]]))
        raise UserError(
            f"'{name}' is not a target of this configuration; name one of {names}, a "
            f"MODEL/LANGUAGE/VARIANT of it, or a file below {results}"
        )

    def _checkpoint(self, name: str) -> "Checkpoint | None":
        """The checkpoint that MODEL/LANGUAGE/VARIANT means, None if there is none."""
        from monoglot.paths import ANY

        graph = self.graph
        model, language, variant, *more = [*name.split("/"), "", ""]
        languages = graph.config["languages"]
        known = model in graph.config["models"] and variant in graph.variants and not any(more)
        if not known or graph.is_baseline(variant) or language not in (*languages, ANY):
            return None
        first = next(iter(languages)) if language == ANY else language
        node = graph.checkpoint(model, first, variant)
        return node if language in (node.language, *languages) else None


@contextmanager
def experiment(config: str) -> Iterator[ChosenExperiment]:
    """Open a configuration from any folder; within this, the workflow's folder is the current one.

    Its path is relative to the current folder or, if there is no such file there, to the
    workflow's. Raises `UserError` if there is no such file.
    """
    folder = workflow_folder()
    here = Path.cwd()
    config = os.path.expanduser(config)
    places = (here / config, folder / config)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise UserError(f"{config}: there is no such configuration file; see {folder / 'configs'}")
    name = os.path.relpath(found, folder) if found.is_relative_to(folder) else str(found)
    with chdir(folder):
        yield ChosenExperiment(folder, name, here)


# What the shell offers after the tab key.


def complete_configurations(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Offer configuration files and folders, and those of the workflow from anywhere."""
    found = sorted(Path().glob(f"{typed}*"))
    offered = [f"{path}/" for path in found if path.is_dir()]
    offered += [str(path) for path in found if path.suffix in (".yaml", ".yml")]
    try:
        folder = workflow_folder()
    except UserError:
        return offered
    names = [folder / "config.yaml", *sorted((folder / "configs").glob("*.yaml"))]
    offered += [name for path in names if (name := str(path.relative_to(folder))).startswith(typed)]
    return list(dict.fromkeys(offered))


def complete_targets(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Offer the targets of the configuration that was typed before."""
    try:
        with experiment(context.params.get("config") or "config.yaml") as it:
            config = it.graph.config
            names = [*config["targets"], "tables", "figures", *config["tables"], *config["figures"]]
            names += map(str, it.graph.checkpoints)
    except UserError:
        return []
    return [name for name in dict.fromkeys(names) if name.startswith(typed)]


def complete_tables(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Offer the names of finished tables here."""
    from monoglot.tables.formats import tables_below

    names = [path.stem for path in tables_below([Path("results"), Path(".")])]
    return [name for name in dict.fromkeys(names) if name.startswith(typed)]


# Arguments and options.

config_argument = click.argument("config", shell_complete=complete_configurations)
targets_argument = click.argument("targets", nargs=-1, shell_complete=complete_targets)
as_json = click.option("--json", "in_json", is_flag=True, help="Print JSON, for programs.")


def format_option(*forms: str) -> Callable:
    """Add -f/--format, whose value comes as `form`: a table in the terminal, or one of `forms`."""
    return click.option(
        "-f",
        "--format",
        "form",
        default="terminal",
        show_default=True,
        type=click.Choice(["terminal", *forms]),
        help="How to print it.",
    )


class FiniteRange(click.FloatRange):
    """A range of numbers without infinity and NaN."""

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> float:
        found = super().convert(value, parameter, context)
        if not math.isfinite(found):
            self.fail(f"{value} is not a finite number.", parameter, context)
        return found


class WithMore(click.Command):
    """A command that keeps what follows `--` for somebody else, as the context's `obj`."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        at = arguments.index("--") if "--" in arguments else len(arguments)
        context.obj = arguments[at + 1 :]
        return super().parse_args(context, arguments[:at])

    def collect_usage_pieces(self, context: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(context), "[-- MORE...]"]


def pairs(given: tuple[str, ...], option: str, form: str) -> dict[str, str]:
    """Return what was given as NAME=VALUE; raise if one does not have the `form` of an option."""
    for one in given:
        if not all(one.partition("=")):
            raise click.BadParameter(f"'{one}' must have the form {form}", param_hint=option)
    return dict(one.split("=", 1) for one in given)
