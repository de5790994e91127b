"""`monoglot doctor`: whether this machine has what a run needs."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monoglot.cli.completing import configurations
from monoglot.cli.exits import Exit
from monoglot.cli.options import as_json
from monoglot.cli.verbosity import quiet
from monoglot.cli.workflow import Experiment, experiment, workflow_folder
from monoglot.errors import UserError

if TYPE_CHECKING:
    from monoglot.doctor.experiment import Wants
    from monoglot.doctor.findings import Finding

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.argument("config", required=False, shell_complete=configurations)
@as_json
@click.pass_context
def doctor(context: click.Context, config: str | None, in_json: bool) -> None:
    """Say whether this machine has what a run needs, and what to do where it has not.

    Looks at Python and its packages, processors, memory and GPUs, disks, the Hub, SLURM and git;
    with CONFIG also at what that configuration needs of them. A line is `ok`, `warn` (a run works,
    but something will be missed) or `fail` (it cannot work); with --quiet only the last two are
    shown. The exit status is 1 if a line is `fail`.

    \b
    Examples:
      monoglot doctor
      monoglot doctor config.yaml
      monoglot doctor --json | jq '.[] | select(.state != "ok")'
    """
    findings = []
    with experiment(config) if config else nullcontext() as it:
        for finding in _findings(it):
            findings.append(finding)
            if not in_json and (finding.state != "ok" or not quiet()):
                click.echo(_line(finding))
    if in_json:
        click.echo(json.dumps([vars(finding) for finding in findings], indent=1))
    failed = any(finding.state == "fail" for finding in findings)
    context.exit(Exit.FAULT if failed else Exit.DONE)


def _line(finding: "Finding") -> str:
    state = click.style(f"{finding.state:<4}", fg=COLOURS[finding.state])
    todo = f"\n      {finding.todo}" if finding.todo else ""
    return f"{state}  {finding.name}: {finding.said}{todo}"


def _findings(it: Experiment | None) -> Iterator["Finding"]:
    from monoglot.doctor import findings, hardware, packages, places, services
    from monoglot.doctor.findings import FAIL, OK, Finding

    wants = None
    if it:
        try:
            wants = _wants(it)
            yield Finding("configuration", OK, f"{it.config} is sound")
        except UserError as error:
            yield Finding("configuration", FAIL, str(error), "Mend the configuration.")
        if wants and wants.missing:
            said = f"{len(wants.missing)} files are missing, first {wants.missing[0]}"
            yield Finding("raw files", FAIL, said, "Put them there, see docs/data.md.")
    results = wants.results if wants else Path("results")
    yield from findings.found(
        {
            "Python": packages.python,
            "packages": lambda: packages.packages(_requirements()),
            "processor": hardware.processor,
            "memory": lambda: hardware.memory(wants.memory if wants else None),
            "GPU": hardware.gpus,
            "results": lambda: places.folder("results", results, wants.bytes if wants else None),
            "cache": lambda: places.folder("Hub's cache", places.hub_cache(), None),
            "Hub": lambda: services.hub(wants.to_fetch if wants else None),
            "Hub token": services.token,
            "SLURM": services.slurm,
            "git": services.git,
        }
    )


def _wants(it: Experiment) -> "Wants":
    from monoglot.doctor.experiment import wants

    return wants(it.graph)


def _requirements() -> Path | None:
    try:
        path = workflow_folder() / "requirements.txt"
    except UserError:
        return None
    return path if path.is_file() else None
