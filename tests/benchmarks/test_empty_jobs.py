"""A Snakefile of empty jobs has the jobs of the plan that it was made from."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from empty_jobs import LISTS, planned, snakefile
from grown_plans import grown

from monoglot.graph import Graph

ROOT = Path(__file__).parents[2]
PLAN = """
rule score:
    input: models/a/any/base/config.json, data/mt/tc.parquet
    output: scores/a/mt/base/tc/seed1.json
    log: logs/score/a/mt/base/tc.log
    jobid: 3
    reason: Missing output files: scores/a/mt/base/tc/seed1.json
    wildcards: model=a, language=mt, variant=base, task=tc
    resources: tmpdir=/tmp
[Sat Nov 21 09:39:03 2026]
localrule all:
    input: scores/a/mt/base/tc/seed1.json
    jobid: 0
    reason: Input files updated by another job: scores/a/mt/base/tc/seed1.json
    resources: tmpdir=/tmp
"""


def test_a_plan_is_read_from_what_a_dry_run_says():
    score, everything = planned(PLAN)
    assert score.rule == "score"
    assert score.wildcards == {"model": "a", "language": "mt", "variant": "base", "task": "tc"}
    assert score.files["input"] == ["models/a/any/base/config.json", "data/mt/tc.parquet"]
    assert (everything.wildcards, everything.files["output"]) == ({}, [])


def test_wildcards_stand_for_their_values():
    text = snakefile(planned(PLAN))
    assert "'models/{model}/any/{variant}/config.json', 'data/{language}/{task}.parquet'" in text
    assert "output: 'scores/{model}/{language}/{variant}/{task}/seed1.json'" in text


def test_its_dry_run_is_the_plan_of_the_demo(tmp_path):
    demo = dry_run("--snakefile", str(ROOT / "Snakefile"), "--configfile", "configs/demo.yaml")
    (tmp_path / "Snakefile").write_text(snakefile(demo), encoding="utf-8")
    resources = str(ROOT / "resources")
    (tmp_path / "resources").symlink_to(resources)
    empty = dry_run("--snakefile", str(tmp_path / "Snakefile"), "--directory", str(tmp_path))
    assert len(demo) > 100
    assert counted(empty) == counted(demo)


@pytest.mark.parametrize("by", ["languages", "variants", "tasks"])
def test_a_plan_three_times_over_is_a_plan(by):
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    once, thrice = Graph(config), Graph(grown(config, by, 3))
    assert len(thrice.config[by]) == 3 * len(once.config[by])
    assert len(thrice.runs) == 3 * len(once.runs)
    assert grown(config, by, 1) == config


def dry_run(*arguments):
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--forceall", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return planned(run.stdout + run.stderr)


def counted(jobs):
    about = [
        (frozenset(job.wildcards.items()), *(tuple(sorted(job.files[kind])) for kind in LISTS))
        for job in jobs
    ]
    return Counter(about)
