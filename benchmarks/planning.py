"""What it takes to plan: config.yaml beside as many empty jobs on as many files.

The baseline is a Snakefile with the jobs, files and wildcards of the plan and nothing else: no
functions, no parameters, no configuration. `--state nothing-done` measures a dry run, `all-done` a
run that finds nothing to do. `--times 4 --by languages` measures a plan with four times as many.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from comparison import ROOT, CannotRunError, Measured, compare, timed
from empty_jobs import Job, planned, snakefile
from grown_plans import GROW, grown

PARTS = ("Snakefile", "rules", "scripts", "schemas", "monoglot", "profiles", "envs", "resources")
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
ENVIRONMENT = os.environ | {"PYTHONPATH": "", "HF_HUB_OFFLINE": "1"}
PROVENANCE = "provenance.json"
NOTHING = hashlib.sha256(b"").hexdigest()
STATES = {"nothing-done": ["--dry-run"], "all-done": ["--cores", "1"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--state", choices=STATES, default="nothing-done", help="before what is measured")
    add("--config", default="config.yaml", help="the plan, without `extends`")
    add("--by", choices=GROW, default="languages", help="what --times multiplies")
    add("--times", type=int, default=1, help="how much of it")
    compare("planning", parser, {"empty jobs": empty, "monoglot": ours})


def ours(options: argparse.Namespace) -> Measured:
    """Plan the configuration."""
    with tempfile.TemporaryDirectory() as folder:
        return _measured(_project(Path(folder), options), options)


def empty(options: argparse.Namespace) -> Measured:
    """Plan as many empty jobs."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        jobs = _plan(_project(Path(first), options))
        folder = Path(second)
        for part in ("profiles", "resources"):
            shutil.copytree(ROOT / part, folder / part)
        (folder / "Snakefile").write_text(snakefile(jobs), encoding="utf-8")
        return _measured(folder, options)


def _project(folder: Path, options: argparse.Namespace) -> Path:
    """Copy what a plan is made from, with a configuration of the size asked for."""
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, folder / part)
    config = yaml.safe_load((ROOT / options.config).read_text(encoding="utf-8"))
    config = grown(config, options.by, options.times)
    # Aliases would make the file smaller than one that somebody writes.
    dumper = yaml.SafeDumper
    dumper.ignore_aliases = lambda *_: True
    (folder / "config.yaml").write_text(yaml.dump(config, Dumper=dumper), encoding="utf-8")
    return folder


def _measured(folder: Path, options: argparse.Namespace) -> Measured:
    jobs = _plan(folder)
    if options.state == "all-done":
        _finish(folder, jobs)
    command = [*SNAKEMAKE, *STATES[options.state], "--quiet", "all"]
    return timed(command, cwd=folder, env=ENVIRONMENT) | {"jobs": len(jobs)}


def _plan(folder: Path) -> list[Job]:
    return planned(_snakemake(folder, "--dry-run"))


def _finish(folder: Path, jobs: list[Job]) -> None:
    """Let every output exist, and let Snakemake take it for its own work."""
    made = {file for job in jobs for file in job.files["output"] if not file.endswith(PROVENANCE)}
    for job in jobs:
        told = _provenance(job, made)
        for file in job.files["output"]:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(told if file.endswith(PROVENANCE) else "", encoding="utf-8")
    _snakemake(folder, "--cores", "1", "--touch", "--forceall", "--quiet", "all")
    left = _plan(folder)
    if left:
        raise CannotRunError(f"{len(left)} jobs are not done after all")


def _provenance(job: Job, made: set[str]) -> str:
    """What a job of empty files would say that it read and wrote, for a run to compare with."""
    start = os.path.dirname(next(iter(job.files["output"]), ""))
    hashes = {
        f"{kind}s": {os.path.relpath(f, start): NOTHING for f in job.files[kind] if f in made}
        for kind in ("input", "output")
    }
    return json.dumps(hashes | {"script": "scripts/table.py", "versions": {}})


def _snakemake(folder: Path, *arguments: str) -> str:
    command = [*SNAKEMAKE, *arguments]
    run = subprocess.run(command, cwd=folder, env=ENVIRONMENT, text=True, capture_output=True)
    if run.returncode:
        raise CannotRunError(f"{' '.join(command)}\n{run.stdout}{run.stderr}")
    return run.stdout + run.stderr


if __name__ == "__main__":
    main()
