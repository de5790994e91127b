"""What the shell offers after the tab key."""

from pathlib import Path

import click

from monoglot.errors import UserError


def configurations(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Offer configuration files and folders, and those of the workflow from anywhere."""
    from monoglot.cli.workflow import workflow_folder

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


def targets(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Offer the targets of the configuration that was typed before."""
    from monoglot.cli.workflow import experiment

    try:
        with experiment(context.params.get("config") or "config.yaml") as it:
            config = it.graph.config
            names = [*config["targets"], "tables", "figures", *config["tables"], *config["figures"]]
            names += map(str, it.graph.checkpoints)
    except UserError:
        return []
    return [name for name in dict.fromkeys(names) if name.startswith(typed)]


def tables(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
    """Offer the names of finished tables here."""
    from monoglot.tables.formats import tables_below

    names = [path.stem for path in tables_below([Path("results"), Path(".")])]
    return [name for name in dict.fromkeys(names) if name.startswith(typed)]
