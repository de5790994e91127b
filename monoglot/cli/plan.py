"""`monoglot plan`: what a run would do."""

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from monoglot.cli import text
from monoglot.cli.options import as_json, config_argument, targets_argument
from monoglot.cli.verbosity import note, verbose
from monoglot.cli.workflow import experiment

if TYPE_CHECKING:
    from monoglot.runs.fetches import Fetch
    from monoglot.runs.plan import Plan, Stage


@click.command()
@config_argument
@targets_argument
@click.option("--cores", type=click.IntRange(1), help="Cores that the time is worked out for.")
@click.option("--no-hub", is_flag=True, help="Do not ask the Hub for the sizes of downloads.")
@as_json
def plan(
    config: str, targets: tuple[str, ...], cores: int | None, no_hub: bool, in_json: bool
) -> None:
    """Say what a run would do and why, and what it would download and take. Nothing is run.

    CONFIG is a configuration file, TARGETS what to make (by default what the configuration says):
    `tables`, `figures`, the name of a table or figure, MODEL/LANGUAGE/VARIANT, or a file. The time
    is that of earlier runs into the same results folder; the disk space that of checkpoints and
    kept adapters, from their shapes.

    \b
    Examples:
      monoglot plan configs/demo.yaml
      monoglot plan config.yaml table1 --cores 16
      monoglot plan config.yaml --json | jq .time
    """
    with experiment(config) as it:
        from monoglot.runs.plan import plan_of
        from monoglot.runs.snakemake import planned

        graph = it.graph
        note("Asking Snakemake for the plan ...")
        jobs = planned(it.config, [it.target(name) for name in targets], it.results, it.folder)
        found = plan_of(graph, jobs, it.folder, not no_hub)
        cores = cores or os.cpu_count() or 1
        if in_json:
            click.echo(json.dumps(found.as_json(cores), indent=2))
        else:
            click.echo("\n".join(_lines(found, cores, verbose())))


def _lines(plan: "Plan", cores: int, more: bool) -> list[str]:
    heads = ["stage", "done", "to do", "time", "why"]
    rows = [
        [s.name, str(s.done), str(s.to_do), _time(s), ", ".join(s.reasons)] for s in plan.stages
    ]
    lines = [_left_aligned(heads, rows, text.width()), ""]
    if more:
        lines += [f"{s.name}: {_rules(s)}" for s in plan.stages if s.to_do]
    if not plan.to_do:
        return [*lines, f"Nothing to do: all {plan.done} jobs are done.", *_unused(plan)]
    lines.append(f"{text.count(plan.to_do, 'job')} to do, {plan.done} done.")
    return lines + _unused(plan) + _takes(plan, cores) + _needs(plan)


def _unused(plan: "Plan") -> list[str]:
    return [
        f"Not used: model {name}, which no table or figure needs." for name in plan.unused_models
    ]


def _takes(plan: "Plan", cores: int) -> list[str]:
    known, unknown = plan.estimate, plan.estimate.unknown
    lines = []
    if known.seconds:
        lines.append(
            f"Time: {text.duration(known.seconds)} of jobs, at least "
            f"{text.duration(known.on(cores))} on {text.count(cores, 'core')}"
            + (
                f", and {text.count(unknown, 'job')} of rules that were never timed."
                if unknown
                else "."
            )
        )
    else:
        lines.append("Time: not known, as no earlier run into these results has timed such jobs.")
    if plan.bytes:
        lines.append(
            f"Disk: about {text.size(plan.bytes)} of checkpoints and adapters, and up to "
            f"{text.size(plan.bytes_meanwhile)} more for each training while it runs."
        )
    return lines


def _needs(plan: "Plan") -> list[str]:
    lines = []
    if plan.downloads:
        lines.append(f"Downloads: {_sum(plan.downloads)}")
        sources = dict.fromkeys(_short(one.source) for one in plan.downloads)
        for source in sources:
            group = [one for one in plan.downloads if _short(one.source) == source]
            lines.append(f"  {source}: {_sum(group)}")
    if plan.missing_files:
        first, others = plan.missing_files[0], len(plan.missing_files) - 1
        more = f" and {text.count(others, 'more file')}" if others else ""
        lines.append(f"Missing: {first}{more}; put them there, or the run stops before it begins.")
    return lines


def _sum(downloads: "Sequence[Fetch]") -> str:
    known = [one.bytes for one in downloads if one.bytes is not None]
    unknown = len(downloads) - len(known)
    parts = [text.size(sum(known))] if known else []
    parts += [f"{unknown} of unknown size"] if unknown else []
    return f"{text.count(len(downloads), 'set or model', 'sets and models')}, {' and '.join(parts)}"


def _short(source: str) -> str:
    """A repository on the Hub, or the first two folders of an address on the web."""
    return "/".join(source.split("/")[2:5]) if "://" in source else source


def _time(stage: "Stage") -> str:
    if not stage.to_do:
        return ""
    return "?" if stage.unknown == stage.to_do else text.duration(stage.seconds)


def _rules(stage: "Stage") -> str:
    return ", ".join(f"{count} {rule}" for rule, count in stage.rules.items())


def _left_aligned(heads: list[str], rows: list[list[str]], limit: int) -> str:
    """A table whose last column is text."""
    longest = max(map(len, [heads[-1], *(row[-1] for row in rows)]))
    padded = [[*row[:-1], row[-1].ljust(longest)] for row in [heads, *rows]]
    return text.table(padded[0], padded[1:], limit)
