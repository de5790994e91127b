"""A small plan, as Snakemake's child tells it, and a folder in which its jobs are at work."""

import base64
import json
from pathlib import Path

from monoglot.workflow import MARK, PlannedJob, stage_of

SCORE = "scores/xlmr/mt/kd/tc"
MADE_AGAIN = "what it is made from is made again"
ABOUT = {
    "read_task": (
        {"language": "mt", "task": "tc"},
        ["out/raw.tsv"],
        ["out/data/mt/tc.parquet", "out/data/mt/tc.provenance.json"],
    ),
    "train": (
        {"model": "xlmr", "language": "mt", "variant": "kd"},
        ["out/models/xlmr/mt/kd-init/config.json"],
        ["out/models/xlmr/mt/kd/config.json", "out/models/xlmr/mt/kd/history.csv"],
    ),
    "evaluate": (
        {"model": "xlmr", "language": "mt", "variant": "kd", "task": "tc"},
        ["out/models/xlmr/mt/kd/config.json", "out/data/mt/tc.parquet"],
        [f"out/{SCORE}/seed1.json"],
    ),
}
REASONS = {"train": "not made yet", "evaluate": "not made yet"}


def plan(results: str = "out", reasons: dict[str, str] = REASONS) -> list[PlannedJob]:
    """Three jobs: data is read, a checkpoint and its score are to be made."""
    jobs = []
    for rule, (wildcards, inputs, outputs) in ABOUT.items():
        place = "/".join([rule, *wildcards.values()])
        made = tuple(name.replace("out/", f"{results}/") for name in outputs)
        job = PlannedJob(
            rule=rule,
            wildcards=wildcards,
            inputs=tuple(name.replace("out/", f"{results}/") for name in inputs),
            outputs=made,
            log=f"{results}/logs/{place}.log",
            benchmark=f"{results}/benchmarks/{place}.tsv",
            stage=stage_of(rule, made[0], results),
            reason=reasons.get(rule, ""),
        )
        jobs.append(job)
    return jobs


def told(event: str | None, text: str, error: bool = False, **about: object) -> str:
    """A line of Snakemake's child."""
    return MARK + json.dumps({"event": event, "text": text, "error": error, **about}) + "\n"


LOG = "out/logs/train/xlmr/mt/kd.log"
STARTED = "".join(
    [
        told(None, "Building DAG of jobs..."),
        told("run_info", "Job stats:", stats={"train": 1, "evaluate": 2, "all": 1, "total": 4}),
        told(None, "Select jobs to execute..."),
        told(
            "job_info",
            "rule train:",
            jobid=7,
            rule_name="train",
            wildcards=ABOUT["train"][0],
            log=[LOG],
        ),
    ]
)
FINISHED = told("job_finished", "Finished jobid: 7 (Rule: train)", job_id=7)
FAULT = f"Error in rule train:\n    jobid: 7\nLogfile {LOG}:\nerror: there is no text"
FAILED = told("job_error", FAULT, error=True, jobid=7, rule_name="train", log=[LOG])


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def start(folder: Path, job: PlannedJob, slurm: str | None = None) -> None:
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


def finish(folder: Path, job: PlannedJob, seconds: float) -> None:
    for output in job.outputs:
        write(folder / output)
    write(folder / job.benchmark, f"s\th:m:s\n{seconds}\t-\n")
