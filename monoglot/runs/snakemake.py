"""Snakemake as a child process: the command that runs it, and what it would do."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from monoglot.errors import UserError
from monoglot.runs.jobs import Job, read_jobs

SLURM_PROFILE = "profiles/slurm"


def command(
    config: str,
    targets: Sequence[str] = (),
    *,
    cores: str | None = "all",
    slurm: bool = False,
    dry_run: bool = False,
    keep_going: bool = False,
    more: Sequence[str] = (),
) -> list[str]:
    """Return the command that runs a configuration, to be started in the workflow's folder.

    Args:
        config: path of the configuration.
        targets: rules or files to make; the configuration's own without any.
        cores: a number or `all`; with `slurm`, None leaves it to the profile.
        more: further arguments of Snakemake, which come last and so win.
    """
    words = [sys.executable, "-m", "snakemake", *targets, "--configfile", config]
    words += ["--workflow-profile", SLURM_PROFILE] if slurm else []
    words += ["--cores", cores] if cores else []
    words += ["--dry-run"] if dry_run else []
    words += ["--keep-going"] if keep_going else []
    return [*words, *more]


def shown(words: Sequence[str], folder: Path, here: Path) -> str:
    """Return a command as one would type it `here`, with the folder to type it in if another."""
    line = shlex.join(words)
    return line if folder == here else f"cd {shlex.quote(str(folder))} && {line}"


def planned(config: str, targets: Sequence[str], results: str, folder: Path) -> list[Job]:
    """Ask Snakemake for all jobs behind the targets, done or to be done; nothing is written.

    Raises `UserError` with what Snakemake says if it cannot plan.
    """
    words = command(config, targets, cores=None, dry_run=True)
    # Two plans at a time: the second, of everything, says what is done.
    with ThreadPoolExecutor(2) as pool:
        needed, everything = pool.map(
            lambda more: _said([*words, *more], folder), ([], ["--forceall"])
        )
    return read_jobs(needed, everything, results)


def environment() -> dict[str, str]:
    """Return the environment of the child: the same, but for colours, which a pipe has not."""
    return os.environ | {"PYTHONUNBUFFERED": "1"}


def _said(words: Sequence[str], folder: Path) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise UserError(f"Snakemake cannot plan this: {reason(done.stdout)}")
    return done.stdout


def reason(text: str) -> str:
    """Return the sentence of an error in what Snakemake printed: what follows its kind."""
    found = re.split(r"^\w*(?:Error|Exception)[^\n]*:\n?", text, maxsplit=1, flags=re.MULTILINE)
    lines = [line.strip() for line in found[-1].strip().splitlines() if line.strip()]
    said = " ".join(lines if len(found) > 1 else lines[-3:]) or "it says nothing"
    return re.sub(r" \(if you use input functions .*?\)", "", said)  # for who writes the Snakefile
