"""The jobs of a configuration, as Snakemake's dry run lists them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

BLOCK = re.compile(r"^(?:local)?(?:rule|checkpoint) (\w+):$", re.MULTILINE)
FIELD = re.compile(r"^    (\w+): (.*)$", re.MULTILINE)
STAGES = {
    "data": ("invent", "read_text", "read_task"),
    "tokens": ("build_tokens",),
    "checkpoints": (
        *("pretrained", "scratch", "train", "select_layers"),
        *("prune_ffn", "reduce_hidden", "trim_vocab"),
    ),
    "scores": ("evaluate", "evaluate_tuned_whole", "baseline"),
    "tables": ("table",),
    "figures": ("figure",),
    "cards": ("card",),
    "deployment": ("export_onnx", "score_onnx", "deploy"),
}
"""Stages in the order of the work, and the rules of each; other rules are stages of their own."""

TARGET_RULES = ("all", "tables", "figures", "deployment", "cards")
"""Rules that do nothing but name files, and are counted nowhere."""

REASONS = {
    "Missing output files": "not made yet",
    "Incomplete output files": "a run was killed while it was made",
    "Set of input files has changed": "made from other files than before",
    "Params have changed": "its settings or its code have changed",
    "Code has changed": "its code has changed",
    "Updated input files": "what it is made from is newer",
    "Forced execution": "asked for",
    "Input files updated by another job": "what it is made from is made again",
}
"""What Snakemake says of why a job runs, the weightiest first, and what we say."""


@dataclass(frozen=True)
class Job:
    """A job of the plan.

    Attributes:
        rule: Snakemake's name of what it does.
        name: what it is about: `xlmr/mt/kd`, `xlmr/mt/kd/ner`, `table1`.
        wildcards: the parts of the name: model, language, variant, task, set, table, figure.
        inputs, outputs: files.
        log, benchmark: where it writes what it says, and its time and memory.
        reason: why it is to run; empty if it is done.
    """

    rule: str
    name: str
    wildcards: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    log: str
    benchmark: str
    reason: str = ""

    @property
    def stage(self) -> str:
        return stage_of(self.rule)

    @property
    def done(self) -> bool:
        return not self.reason


def stage_of(rule: str) -> str:
    """Return the stage of a rule; a rule that no stage lists is one of its own."""
    for stage, rules in STAGES.items():
        if rule in rules or (stage == "tables" and rule.startswith("table_")):
            return stage
    return rule


def stages_of(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    """Return the jobs by stage, in the order of the work."""
    found: dict[str, list[Job]] = {stage: [] for stage in STAGES}
    for job in jobs:
        found.setdefault(job.stage, []).append(job)
    return {stage: jobs for stage, jobs in found.items() if jobs}


def read_jobs(needed: str, all_of_them: str, results: str) -> list[Job]:
    """Return all jobs of a plan from what two dry runs printed, of what is needed and of all.

    A job is known by its log. Target rules, which do nothing themselves, have none.

    Args:
        results: the folder of the results, with which names of files begin.
    """
    reasons = {job.log: job.reason for job in _blocks(needed, results)}
    return [replace(job, reason=reasons.get(job.log, "")) for job in _blocks(all_of_them, results)]


def name_of(wildcards: dict[str, str], rule: str) -> str:
    """Return what a job is about in a word: its wildcards, or else its rule."""
    return "/".join(wildcards.values()) or rule


def read_wildcards(text: str) -> dict[str, str]:
    """Read `model=xlmr, language=mt`."""
    return dict(part.split("=", 1) for part in text.split(", ") if "=" in part)


def _blocks(text: str, results: str) -> Iterator[Job]:
    starts = list(BLOCK.finditer(text))
    ends = [*(start.start() for start in starts[1:]), len(text)]
    for start, end in zip(starts, ends, strict=False):  # one end too many, if there is no start
        fields = dict(FIELD.findall(text, start.end(), end))
        if "log" in fields:
            yield _job(start[1], fields, results)


def _job(rule: str, fields: dict[str, str], results: str) -> Job:
    wildcards = read_wildcards(fields.get("wildcards", ""))
    return Job(
        rule=rule,
        name=name_of(wildcards, rule),
        wildcards=wildcards,
        inputs=_files(fields.get("input", ""), results),
        outputs=_files(fields.get("output", ""), results),
        log=fields["log"],
        benchmark=fields.get("benchmark", ""),
        reason=_reason(fields.get("reason", "")),
    )


def _files(text: str, results: str) -> tuple[str, ...]:
    """Split names of files at commas; those of the results may hold commas themselves."""
    return tuple(re.split(rf", (?={re.escape(results)}/)", text)) if text else ()


def _reason(text: str) -> str:
    return next((ours for theirs, ours in REASONS.items() if theirs in text), text)


def missing(job: Job, folder: Path) -> list[str]:
    """Return the outputs of a job that are not there."""
    return [output for output in job.outputs if not (folder / output).exists()]
