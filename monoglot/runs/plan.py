"""What a configuration would do: jobs by stage, downloads, disk and time."""

import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from monoglot.downloads.needs import all_needs
from monoglot.graph import Graph
from monoglot.nodes import Checkpoint, Run
from monoglot.runs import disk, fetches
from monoglot.runs.jobs import STAGES, Job, stages_of
from monoglot.runs.times import Estimate, Times


@dataclass(frozen=True)
class Stage:
    """A stage of a plan: jobs that are done, jobs to do by reason, and what these will take."""

    name: str
    done: int
    to_do: int
    reasons: dict[str, int]
    rules: dict[str, int]
    seconds: float
    unknown: int


@dataclass(frozen=True)
class Plan:
    """A plan.

    Attributes:
        estimate: of the time of all jobs to do.
        downloads: what is to be fetched first.
        missing_files: files of this machine that are not there.
        bytes: of checkpoints and kept adapters to be made.
        bytes_meanwhile: of the largest training state while it is unfinished.
        unused_models: of the configuration, which no table or figure needs.
    """

    stages: list[Stage]
    estimate: Estimate
    downloads: list[fetches.Fetch]
    missing_files: list[str]
    bytes: int
    bytes_meanwhile: int
    unused_models: list[str]

    @property
    def to_do(self) -> int:
        return sum(stage.to_do for stage in self.stages)

    @property
    def done(self) -> int:
        return sum(stage.done for stage in self.stages)

    def as_json(self, cores: int) -> dict:
        """Return the plan as plain values; seconds are of wall time on so many cores."""
        about = {key: value for key, value in asdict(self).items() if key != "estimate"}
        time = {
            "seconds_of_jobs": round(self.estimate.seconds, 1),
            "seconds_at_least": round(self.estimate.on(cores), 1),
            "jobs_of_unknown_time": self.estimate.unknown,
        }
        return {"done": self.done, "to_do": self.to_do, **about, "time": time}


def plan_of(graph: Graph, jobs: list[Job], folder: Path, ask_hub: bool) -> Plan:
    """Return the plan of a configuration whose jobs Snakemake has listed; writes nothing.

    Raises `UserError` if the configuration lacks a source.
    """
    times = Times(jobs, folder, graph.config["results"])
    open_jobs = [job for job in jobs if not job.done]
    # Only what is still to be read is still to be fetched.
    read = {job.rule for job in open_jobs} & {"pretrained", *STAGES["data"]}
    needs = [need for need in all_needs(graph) if _open(need.key, open_jobs)] if read else []
    return Plan(
        stages=[_stage(name, group, times) for name, group in stages_of(jobs).items()],
        estimate=times.estimate(open_jobs),
        downloads=fetches.fetches(needs, ask_hub),
        missing_files=[os.fspath(need.path) for need in fetches.absent_files(needs)],
        bytes=sum(_bytes(graph, job) for job in open_jobs),
        bytes_meanwhile=max((_meanwhile(graph, job) for job in open_jobs), default=0),
        unused_models=_unused_models(graph),
    )


def _unused_models(graph: Graph) -> list[str]:
    used = {node.model for node in (*graph.runs, *graph.checkpoints)}
    return [model for model in graph.config["models"] if model not in used]


def _stage(name: str, jobs: list[Job], times: Times) -> Stage:
    to_do = [job for job in jobs if not job.done]
    seconds = times.estimate(to_do)
    return Stage(
        name=name,
        done=len(jobs) - len(to_do),
        to_do=len(to_do),
        reasons=dict(Counter(job.reason for job in to_do).most_common()),
        rules=dict(Counter(job.rule for job in to_do).most_common()),
        seconds=round(seconds.seconds, 1),
        unknown=seconds.unknown,
    )


def _open(key: str, jobs: list[Job]) -> bool:
    """Whether the job that reads a need (`data.SET.LANGUAGE`, `models.NAME`) is still to run."""
    kind, *about = key.split(".")
    if kind == "models":
        return any(j.rule == "pretrained" and j.wildcards["model"] == about[0] for j in jobs)
    name, language = about[0], about[1]
    return any(
        job.rule in ("read_text", "read_task")
        and job.wildcards["language"] == language
        and name in (job.wildcards.get("set"), job.wildcards.get("task"))
        for job in jobs
    )


def _bytes(graph: Graph, job: Job) -> int:
    about = job.wildcards
    if job.stage == "checkpoints":
        return disk.checkpoint_bytes(graph, Checkpoint(**about))
    if job.rule.startswith("evaluate") and any("/adapters/" in output for output in job.outputs):
        return disk.adapters_bytes(graph, Run(**about))
    return 0


def _meanwhile(graph: Graph, job: Job) -> int:
    return disk.training_bytes(graph, Checkpoint(**job.wildcards)) if job.rule == "train" else 0
