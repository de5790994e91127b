"""`monoglot doctor` and `completion`: this machine, and its shells."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monoglot.cli.main import Exit
from monoglot.cli.options import as_json, complete_configurations, experiment, workflow_folder
from monoglot.cli.terminal import quiet
from monoglot.errors import UserError

if TYPE_CHECKING:
    from monoglot.doctor import Finding

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
COMPLETE = "_MONOGLOT_COMPLETE"
"""The variable by which a shell asks click to complete."""


@click.command()
@click.argument("config", required=False, shell_complete=complete_configurations)
@as_json
@click.pass_context
def doctor(context: click.Context, config: str | None, in_json: bool) -> None:
    """Check whether this machine has what a run needs, and say what to do where it has not.

    Looks at Python and its packages, processors, memory and GPUs, disks, the Hub, SLURM and git;
    with CONFIG also at what that configuration needs of them. Each line is `ok`, `warn` (a run
    works, but lacks something) or `fail` (it cannot work); --quiet shows only the last two. The
    exit status is 1 if any line is `fail`.

    \b
    Examples:
      monoglot doctor
      monoglot doctor config.yaml
      monoglot doctor --json | jq '.[] | select(.state != "ok")'
    """
    from monoglot.doctor import findings_of

    findings = []
    with experiment(config) if config else nullcontext() as it:
        about = (it.config, lambda: it.graph) if it else None
        for finding in findings_of(about, _requirements()):
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


def _requirements() -> Path | None:
    try:
        path = workflow_folder() / "requirements.txt"
    except UserError:
        return None
    return path if path.is_file() else None


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete commands, configurations, targets and tables.

    \b
    Examples:
      monoglot completion bash > ~/.local/share/bash-completion/completions/monoglot
      monoglot completion zsh > ~/.zfunc/_monoglot        # a folder in $fpath
      monoglot completion fish > ~/.config/fish/completions/monoglot.fish
      eval "$(monoglot completion bash)"                  # in this shell alone
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    # Not `source`, which runs bash to see how old it is.
    script = found(context.find_root().command, {}, "monoglot", COMPLETE)
    click.echo((script.source_template % script.source_vars()).strip())
