"""What a configuration would do and take: jobs by stage, downloads, disk and time."""

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from monoglot.config import reduction_factor
from monoglot.data import hub
from monoglot.data.download import HubFiles, LocalFile, Need, WebFile, all_needs, at_hand
from monoglot.data.overlap import read_overlaps, said_of
from monoglot.errors import UserError
from monoglot.families import FAMILIES
from monoglot.graph import Graph
from monoglot.paths import Checkpoint, Paths, Run
from monoglot.progress import Estimate, Times
from monoglot.workflow import PlannedJob, stages_of

# Disk, from the shapes of what is made.

BYTES_PER_PARAMETER = 4
BYTES_PER_PIECE = 70
"""Of tokenizer.json, about: XLM-R's has 17 MB for 250,002 pieces."""

STATE_OF_TRAINING = 3
"""Weights and the two moments of AdamW, while a training is unfinished."""


def checkpoint_bytes(graph: Graph, node: Checkpoint) -> int:
    """Return about how many bytes a checkpoint takes: its weights and its tokenizer."""
    pieces = pieces_of(graph, node)
    return BYTES_PER_PARAMETER * parameters(graph, node) + BYTES_PER_PIECE * pieces


def training_bytes(graph: Graph, node: Checkpoint) -> int:
    """Return the bytes of the saved state of a training, which is removed when it has finished."""
    return STATE_OF_TRAINING * BYTES_PER_PARAMETER * parameters(graph, node)


def adapters_bytes(graph: Graph, run: Run) -> int:
    """Return the bytes of a run's adapters, all seeds; with full tuning, of whole encoders."""
    node = graph.checkpoint(run.model, run.language, run.variant)
    if graph.config["tasks"][run.task]["tuning"] == "full":
        count = parameters(graph, node)
    else:
        shape = graph.shape(node)
        hidden = shape["hidden_size"]
        narrow = int(hidden / reduction_factor(graph.config, run.variant, run.task))
        count = shape["layers"] * (2 * hidden * narrow + narrow + hidden)
    return BYTES_PER_PARAMETER * count * len(graph.seeds(run.variant, run.task))


def parameters(graph: Graph, node: Checkpoint) -> int:
    """Return about how many parameters a checkpoint has: masked LM, tied decoder, no pooler."""
    shape, pieces = graph.shape(node), pieces_of(graph, node)
    hidden, ffn = shape["hidden_size"], shape["ffn_size"]
    if FAMILIES[graph.config["models"][node.model]["family"]].gated:
        layer = 4 * hidden**2 + 3 * hidden * ffn + 2 * hidden
        return pieces * (hidden + 1) + shape["layers"] * layer + hidden**2 + 2 * hidden
    positions, width = shape.get("max_positions", 512), graph.own_width(node) or hidden
    embeddings = (pieces + positions + 4) * width
    embeddings += (width + 1) * hidden if width != hidden else 0
    layer = 4 * (hidden**2 + hidden) + 2 * hidden * ffn + ffn + 5 * hidden
    return embeddings + shape["layers"] * layer + hidden * width + 3 * width + pieces


def pieces_of(graph: Graph, node: Checkpoint) -> int:
    """Return the size of a checkpoint's vocabulary: of its file if it is there, else as planned."""
    maker = graph.tokenizer(node)
    planned = graph.entry(maker.variant).vocabulary(graph.settings(maker))
    if planned is not None:
        return planned
    kept = Path(graph.config["results"], "models", str(maker), "config.json")
    usual = FAMILIES[graph.config["models"][node.model]["family"]].usual_pieces
    try:
        return int(json.loads(kept.read_text())["vocab_size"])
    except (OSError, ValueError, KeyError, TypeError):
        return usual


# Downloads, with sizes as far as the Hub tells them; nothing is written.


@dataclass(frozen=True)
class Fetch:
    """A set or model that is to be downloaded: for which key, from where, bytes or None."""

    key: str
    source: str
    bytes: int | None


def fetches(needs: Iterable[Need], ask: bool) -> list[Fetch]:
    """Return which of a configuration's needs have to be downloaded.

    Args:
        ask: whether to ask the Hub for sizes; without its answer they are None.
    """
    absent = [need for need in needs if not isinstance(need, LocalFile) and not at_hand(need)]
    sizes = hub.HubSizes("" if ask else "not asked")
    return [Fetch(need.key, *_download(need, sizes)) for need in absent]


def absent_files(needs: Iterable[Need]) -> list[LocalFile]:
    """Return the files that somebody must put on this machine first."""
    return [need for need in needs if isinstance(need, LocalFile) and not at_hand(need)]


def _download(need: HubFiles | WebFile, sizes: hub.HubSizes) -> tuple[str, int | None]:
    """Where a need comes from, and its bytes if they are known."""
    if isinstance(need, WebFile):
        return need.url, None
    try:
        found = [size for name in need.names for size in sizes.of(need.repository, name)]
    except UserError:
        return need.repository.id, None
    return need.repository.id, sum(found)


# The plan.


@dataclass(frozen=True)
class PlannedStage:
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
        overlaps: what text and training examples were found to hold of evaluation sentences.
    """

    stages: list[PlannedStage]
    estimate: Estimate
    downloads: list[Fetch]
    missing_files: list[str]
    bytes: int
    bytes_meanwhile: int
    unused_models: list[str]
    overlaps: list[str]

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


def plan_of(graph: Graph, jobs: list[PlannedJob], folder: Path, ask_hub: bool) -> Plan:
    """Return the plan of a configuration whose jobs Snakemake has listed; writes nothing.

    Raises `UserError` if the configuration lacks a source.
    """
    times = Times(jobs, folder, graph.config["results"])
    open_jobs = [job for job in jobs if not job.done]
    # Only what is still to be read is still to be fetched.
    reading = any(job.stage == "data" or job.rule == "pretrained" for job in open_jobs)
    needs = [need for need in all_needs(graph) if _open(need.key, open_jobs)] if reading else []
    sizes, unfinished = 0, [0]
    for job in open_jobs:
        about = job.wildcards
        if job.stage == "checkpoints":
            node = Checkpoint(about["model"], about["language"], about["variant"])
            sizes += checkpoint_bytes(graph, node)
            if job.rule == "train":
                unfinished.append(training_bytes(graph, node))
        elif job.stage == "scores" and any("/adapters/" in output for output in job.outputs):
            sizes += adapters_bytes(graph, Run(**about))
    used = {node.model for node in (*graph.runs, *graph.checkpoints)}
    return Plan(
        stages=[_stage(name, group, times) for name, group in stages_of(jobs).items()],
        estimate=times.estimate(open_jobs),
        downloads=fetches(needs, ask_hub),
        missing_files=[os.fspath(need.path) for need in absent_files(needs)],
        bytes=sizes,
        bytes_meanwhile=max(unfinished),
        unused_models=[model for model in graph.config["models"] if model not in used],
        overlaps=_overlaps(graph, folder),
    )


def _overlaps(graph: Graph, folder: Path) -> list[str]:
    """What text and training examples hold of evaluation sentences, where it has been counted."""
    paths = Paths(graph.config["results"])
    files = {language: folder / paths.overlap(language) for language in graph.tested}
    return [
        said
        for language, file in files.items()
        if file.is_file()
        for said in said_of(graph.config["languages"][language]["name"], read_overlaps(file))
    ]


def _stage(name: str, jobs: list[PlannedJob], times: Times) -> PlannedStage:
    to_do = [job for job in jobs if not job.done]
    seconds = times.estimate(to_do)
    return PlannedStage(
        name=name,
        done=len(jobs) - len(to_do),
        to_do=len(to_do),
        reasons=dict(Counter(job.reason for job in to_do).most_common()),
        rules=dict(Counter(job.rule for job in to_do).most_common()),
        seconds=round(seconds.seconds, 1),
        unknown=seconds.unknown,
    )


def _open(key: str, jobs: list[PlannedJob]) -> bool:
    """Whether the job that reads a need (`data.SET.LANGUAGE`, `models.NAME`) is still to run."""
    kind, *about = key.split(".")
    if kind == "models":
        return any(j.rule == "pretrained" and j.wildcards["model"] == about[0] for j in jobs)
    name, language = about[0], about[1]
    return any(
        job.stage == "data"
        and job.wildcards.get("language") == language
        and name in (job.wildcards.get("set"), job.wildcards.get("task"))
        for job in jobs
    )
