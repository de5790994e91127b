"""The workflow that commands speak of: where it lies, and a configuration read as it reads it."""

import os
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from monoglot.errors import UserError
from monoglot.fingerprint import ROOT

if TYPE_CHECKING:
    from monoglot.graph import Graph

PARTS = ("Snakefile", "rules", "scripts", "schemas", "profiles")
"""What a folder with the workflow has in it."""


def workflow_folder() -> Path:
    """Return the folder of the Snakefile.

    That is the current folder or the nearest above it that has one of ours, or else the checkout
    that this package is installed from. Raises `UserError` saying what to do if there is neither.
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
class Experiment:
    """A configuration file and the folder that Snakemake runs it in, which is the current one.

    The command was started in `started_in`.
    """

    folder: Path
    config: str
    started_in: Path

    @cached_property
    def graph(self) -> "Graph":
        """The experiment as a graph; raises `UserError` if the configuration is wrong."""
        from monoglot.extends import read
        from monoglot.graph import Graph

        return Graph(read(self.config, "CONFIG"))

    @property
    def results(self) -> str:
        """The results folder, as the configuration names it."""
        return self.graph.config["results"]

    def target(self, name: str) -> str:
        """Return what Snakemake is to make of a target; raises `UserError` if it is none."""
        from monoglot.cli.targets import resolved

        return resolved(self.graph, name)


@contextmanager
def experiment(config: str) -> Iterator[Experiment]:
    """Open a configuration from any folder; within this, the workflow's folder is the current one.

    Its path is relative to the current folder or, if there is no such file there, to the
    workflow's. Raises `UserError` if there is no such file.
    """
    folder = workflow_folder()
    here = Path.cwd()
    places = (here / config, folder / config)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise UserError(f"{config}: there is no such configuration file; see {folder / 'configs'}")
    name = os.path.relpath(found, folder) if found.is_relative_to(folder) else str(found)
    with chdir(folder):
        yield Experiment(folder, name, here)
