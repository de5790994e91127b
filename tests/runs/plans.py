"""What Snakemake prints of a small plan, and a folder in which its jobs are at work."""

import base64
import json
from pathlib import Path

from monoglot.runs.jobs import Job, read_jobs

READ, KD, SCORE = "data/mt/tc", "models/xlmr/mt/kd", "scores/xlmr/mt/kd/tc"
BLOCKS = {
    "read": """\
[Sat Nov 21 15:42:45 2026]
localrule read_task:
    output: out/data/mt/tc.parquet, out/data/mt/tc.provenance.json
    log: out/logs/read_task/mt/tc.log
    jobid: 3
    benchmark: out/benchmarks/read_task/mt/tc.tsv
    reason: {reason}
    wildcards: language=mt, task=tc
    resources: tmpdir=/tmp
""",
    "train": """\
[Sat Nov 21 15:42:45 2026]
rule train:
    input: out/models/xlmr/mt/kd-init/config.json
    output: out/models/xlmr/mt/kd/config.json, out/models/xlmr/mt/kd/history.csv
    log: out/logs/train/xlmr/mt/kd.log
    jobid: 7
    benchmark: out/benchmarks/train/xlmr/mt/kd.tsv
    reason: {reason}
    wildcards: model=xlmr, language=mt, variant=kd
    resources: tmpdir=/tmp, gpu=1
""",
    "evaluate": """\
[Sat Nov 21 15:42:45 2026]
rule evaluate:
    input: out/models/xlmr/mt/kd/config.json, out/data/mt/tc.parquet
    output: out/scores/xlmr/mt/kd/tc/seed1.json
    log: out/logs/evaluate/xlmr/mt/kd/tc.log
    jobid: 9
    benchmark: out/benchmarks/evaluate/xlmr/mt/kd/tc.tsv
    reason: {reason}
    wildcards: model=xlmr, language=mt, variant=kd, task=tc
    resources: tmpdir=/tmp
""",
}
TARGET = """\
[Sat Nov 21 15:42:45 2026]
rule all:
    input: out/scores/xlmr/mt/kd/tc/seed1.json
    jobid: 0
    reason: Rules with neither input nor output files are always executed.
"""
MADE_AGAIN = "Input files updated by another job: out/models/xlmr/mt/kd/config.json"


def printed(**reasons: str) -> str:
    """What a dry run prints of some jobs, each with its reason."""
    return "Building DAG of jobs...\n" + "".join(
        BLOCKS[name].format(reason=reason) for name, reason in reasons.items()
    )


def plan() -> list[Job]:
    """Three jobs: data is read, a checkpoint and its score are to be made."""
    needed = printed(train="Missing output files: out/models/xlmr/mt/kd/config.json")
    needed += printed(evaluate=f"Missing output files: out/{SCORE}; {MADE_AGAIN}") + TARGET
    whole = printed(**dict.fromkeys(BLOCKS, "Forced execution")) + TARGET
    return read_jobs(needed, whole, "out")


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def start(folder: Path, job: Job, slurm: str | None = None) -> None:
    """Leave the marks of a Snakemake that has started a job."""
    write(folder / ".snakemake/locks/0.output.lock", "\n".join(job.outputs))
    for output in job.outputs:
        name = base64.urlsafe_b64encode(output.encode()).decode()
        at = 60  # as where names may have no more characters
        parts = [f"@{name[:at]}", name[at:]] if len(name) > at else [name]
        write(
            folder.joinpath(".snakemake", "incomplete", *parts),
            json.dumps({"external_jobid": slurm}),
        )


def finish(folder: Path, job: Job, seconds: float) -> None:
    for output in job.outputs:
        write(folder / output)
    write(folder / job.benchmark, f"s\th:m:s\n{seconds}\t-\n")
