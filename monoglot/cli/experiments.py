"""`monoglot run`, `plan`, `status` and `new-language`: an experiment, and its jobs."""

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monoglot.cli import terminal
from monoglot.cli.main import Exit
from monoglot.cli.options import (
    ChosenExperiment,
    FiniteRange,
    WithMore,
    as_json,
    complete_configurations,
    config_argument,
    experiment,
    pairs,
    targets_argument,
)
from monoglot.cli.terminal import ProgressLine, bar, count, duration, note, quiet, size, verbose
from monoglot.errors import UserError
from monoglot.files import try_out, whole_file

if TYPE_CHECKING:
    from monoglot.data.languages import Block, Found
    from monoglot.forecast import Fetch, Plan
    from monoglot.graph import Graph
    from monoglot.progress import JobState, Remaining, WorkflowState
    from monoglot.workflow import RunEvents

REDRAW_SECONDS = 1.0
PLAN_AGAIN_SECONDS = 300
MARKS = {"done": "done", "running": "runs", "queued": "waits", "failed": "FAILED", "missing": "-"}
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


# monoglot run


def _cores(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value in (None, "all") or re.fullmatch("0*[1-9][0-9]*", value):
        return value
    raise click.BadParameter(f"'{value}' is neither a positive whole number nor `all`")


@click.command(cls=WithMore)
@config_argument
@targets_argument
@click.option(
    "-c", "--cores", callback=_cores, help="Jobs at a time: a number or `all`.  [default: all]"
)
@click.option("--slurm", is_flag=True, help="Submit jobs to SLURM, see docs/running.md.")
@click.option("-k", "--keep-going", is_flag=True, help="Continue with other jobs if one fails.")
@click.option("-n", "--dry-run", is_flag=True, help="Only list the jobs, as Snakemake does.")
@click.pass_context
def run(
    context: click.Context,
    config: str,
    targets: tuple[str, ...],
    cores: str | None,
    slurm: bool,
    keep_going: bool,
    dry_run: bool,
) -> None:
    """Run an experiment, or continue it: make what is missing or out of date.

    CONFIG is a configuration file, TARGETS what to make (by default what the configuration says):
    `tables`, `figures`, the name of a table or figure, MODEL/LANGUAGE/VARIANT, or a file. Snakemake
    does the work: its command is printed first, and you can type it yourself. Arguments after `--`
    go to Snakemake. Results go where the configuration says, relative to the folder of the
    Snakefile. With --verbose everything that Snakemake prints is shown.

    The same command continues a run that was stopped.

    \b
    Examples:
      monoglot run configs/smoke.yaml
      monoglot run configs/demo.yaml table1 --cores 4
      monoglot run config.yaml --slurm
      monoglot run config.yaml -- --rerun-triggers mtime --resources gpu_share=100
    """
    from monoglot import workflow

    with experiment(config) as it:
        words = workflow.command(
            it.config,
            [it.target(name) for name in targets],
            cores=cores or (None if slurm else "all"),
            slurm=slurm,
            dry_run=dry_run,
            keep_going=keep_going,
            more=context.obj,
        )
        note(f"+ {workflow.shown(words, it.folder, it.started_in)}")
        context.exit(watch(words, it, dry_run))


def watch(words: list[str], it: ChosenExperiment, dry_run: bool = False) -> int:
    """Run Snakemake, show how far it is, and return the exit status of this command.

    Args:
        words: what `monoglot.workflow.command` returns.
    """
    from monoglot import workflow
    from monoglot.progress import Remaining

    events, began = workflow.RunEvents(), time.monotonic()
    remaining = Remaining(it.folder / it.results)
    line = ProgressLine(shown=not (quiet() or verbose() or dry_run))
    child, early, locked = workflow.SnakemakeRun(words, it.folder, told=not dry_run), [], False
    with child.signals_passed_on():
        for said in child.lines(REDRAW_SECONDS):
            if said is not None:
                found = workflow.read(said)
                told = isinstance(found, dict)
                text = found["text"] if told else found
                faulty = (
                    events.take(found) if told else text.startswith((workflow.NOTE, "cancelled a"))
                )
                if workflow.CANNOT_LOCK in text:
                    locked = True
                elif dry_run:
                    click.echo(text)
                elif (faulty and not child.interrupted) or verbose():
                    line.above(text)
                elif events.total is None:
                    early.append(text)
            line.show(lambda: _progress(events, remaining, it.folder, time.monotonic() - began))
        status = child.wait()
    line.clear()
    if child.interrupted:
        note("stopped; the same command continues from here")
        return 128 + child.interrupted
    if locked:
        raise UserError(workflow.who_locks(it.folder, it.results, it.unlock))
    # It was asked for something else (--unlock, --summary), or for what it does not know.
    other = early and events.total is None and not (events.nothing or events.faulty)
    if other:
        click.echo("\n".join(early), err=bool(status))
    if not dry_run and (status or not other):
        _sum_up(events, status, it, time.monotonic() - began)
    return Exit.DONE if status == 0 else Exit.FAULT


def _progress(events: "RunEvents", remaining: "Remaining", folder: Path, seconds: float) -> str:
    from monoglot.progress import training_progress

    if events.total is None:
        return f"Snakemake is planning ({duration(seconds)})"
    parts = [bar(events.done, events.total)]
    parts += [f"{len(events.failed)} failed"] if events.failed else []
    running = [
        (job, training_progress(folder / job.log) if job.log else None)
        for job in events.running.values()
    ]
    now = time.monotonic()
    left = remaining.of(
        events.open,
        [(job.rule, now - job.began, far.seconds_left if far else None) for job, far in running],
    )
    about = f", about {duration(left)} left" if left and left >= 1 else ""
    parts.append(f"{duration(seconds)}{about}")
    parts += [f"{job.rule} {job.name}" + (f" ({far})" if far else "") for job, far in running]
    return " · ".join(parts)


def _sum_up(events: "RunEvents", status: int, it: ChosenExperiment, seconds: float) -> None:
    if status:
        names = ", ".join(events.failed[:3]) + (" and more" if len(events.failed) > 3 else "")
        failed = (
            f"{count(len(events.failed), 'job')} failed ({names})" if names else "the run failed"
        )
        logs = f"the logs of jobs are in {it.folder / it.results / 'logs'}"
        logs += f", Snakemake's is {events.log}" if events.log else ""
        click.echo(f"error: {failed} after {duration(seconds)}; {logs}", err=True)
    elif events.nothing:
        note("Nothing to do: everything is done.")
    else:
        note(
            f"Done: {count(events.done, 'job')} in {duration(seconds)}; the results "
            f"are in {it.folder / it.results}"
        )


# monoglot plan


@click.command()
@config_argument
@targets_argument
@click.option("--cores", type=click.IntRange(1), help="Cores to estimate the time for.")
@click.option("--no-hub", is_flag=True, help="Do not ask the Hub for the sizes of downloads.")
@as_json
def plan(
    config: str, targets: tuple[str, ...], cores: int | None, no_hub: bool, in_json: bool
) -> None:
    """Say what a run would do and why, what it would download, and how long it would take.

    CONFIG is a configuration file, TARGETS what to make (by default what the configuration says):
    `tables`, `figures`, the name of a table or figure, MODEL/LANGUAGE/VARIANT, or a file. The time
    comes from earlier runs into the same results folder, the disk space from the shapes of
    checkpoints and kept adapters. Nothing is run.

    \b
    Examples:
      monoglot plan configs/demo.yaml
      monoglot plan config.yaml table1 --cores 16
      monoglot plan config.yaml --json | jq .time
    """
    with experiment(config) as it:
        from monoglot.forecast import plan_of
        from monoglot.standing import making_again
        from monoglot.workflow import planned

        graph = it.graph
        note("Asking Snakemake for the plan ...")
        names = [it.target(name) for name in targets]
        jobs = planned(it.config, names, it.results, it.folder, note)
        found = plan_of(graph, jobs, it.folder, not no_hub)
        cores = cores or os.cpu_count() or 1
        if in_json:
            click.echo(json.dumps(found.as_json(cores), indent=2))
        else:
            terminal.say("\n".join(_plan_lines(found, cores, verbose())))
            if again := making_again(list(job.outputs) for job in jobs if not job.done):
                terminal.say(f"Again: {again}.")


def _plan_lines(plan: "Plan", cores: int, more: bool) -> list[str]:
    rows = []
    for stage in plan.stages:
        time = "?" if stage.unknown == stage.to_do else duration(stage.seconds)
        time, why = time if stage.to_do else "", ", ".join(stage.reasons)
        rows.append([stage.name, str(stage.done), str(stage.to_do), time, why])
    longest = max([3, *(len(why) for *_, why in rows)])  # a column of text
    rows = [[*row, why.ljust(longest)] for *row, why in rows]
    heads = ["stage", "done", "to do", "time", "why".ljust(longest)]
    lines = [terminal.table(heads, rows), ""]
    for stage in plan.stages if more else ():
        if stage.to_do:
            rules = ", ".join(f"{number} {rule}" for rule, number in stage.rules.items())
            lines.append(f"{stage.name}: {rules}")
    done = f"Nothing to do: all {plan.done} jobs are done."
    lines.append(f"{count(plan.to_do, 'job')} to do, {plan.done} done." if plan.to_do else done)
    lines += [f"Not used: model {n}, which no table or figure needs." for n in plan.unused_models]
    lines += [f"Warning: {one}." for one in plan.overlaps]
    return [*lines, *_takes(plan, cores)] if plan.to_do else lines


def _takes(plan: "Plan", cores: int) -> list[str]:
    """What a plan takes: time, disk, downloads, files."""
    known, unknown = plan.estimate, plan.estimate.unknown
    time = "unknown, as no earlier run into these results has timed such jobs"
    if known.seconds:
        time = f"{duration(known.seconds)} of jobs, at least {duration(known.on(cores))} on "
        time += count(cores, "core")
        time += f", and {count(unknown, 'job')} of rules never timed" if unknown else ""
    lines = [f"Time: {time}."]
    if plan.bytes:
        lines.append(
            f"Disk: about {size(plan.bytes)} of checkpoints and adapters, and up to "
            f"{size(plan.bytes_meanwhile)} more for each training while it runs."
        )
    if plan.downloads:
        lines.append(f"Downloads: {_sum(plan.downloads)}")
        by_source: dict[str, list[Fetch]] = {}
        for one in plan.downloads:
            # Of an address on the web, its first two folders.
            short = "/".join(one.source.split("/")[2:5]) if "://" in one.source else one.source
            by_source.setdefault(short, []).append(one)
        lines += [f"  {source}: {_sum(group)}" for source, group in by_source.items()]
    if plan.missing_files:
        first, others = plan.missing_files[0], len(plan.missing_files) - 1
        more = f" and {count(others, 'more file')}" if others else ""
        lines.append(f"Missing: {first}{more}; put them there, or the run stops before it begins.")
    return lines


def _sum(downloads: "Sequence[Fetch]") -> str:
    known = [one.bytes for one in downloads if one.bytes is not None]
    unknown = len(downloads) - len(known)
    parts = [size(sum(known))] if known else []
    parts += [f"{unknown} of unknown size"] if unknown else []
    return f"{count(len(downloads), 'set or model', 'sets and models')}, {' and '.join(parts)}"


# monoglot status


@click.command()
@config_argument
@targets_argument
@click.option("-w", "--watch", is_flag=True, help="Keep looking, until Ctrl-C or the end.")
@click.option(
    "--every",
    default=10.0,
    show_default=True,
    type=FiniteRange(1),
    help="Seconds between looks, with --watch.",
)
@as_json
def status(config: str, targets: tuple[str, ...], watch: bool, every: float, in_json: bool) -> None:
    """Say which jobs are done, running, queued, failed or missing, and how long the rest takes.

    CONFIG and TARGETS are those of `monoglot run`. Snakemake says what is done and what is out of
    date; what is running is read from its marks of started jobs, SLURM's queue and the logs of the
    jobs. The exit status is 0 whatever the state.

    \b
    Examples:
      monoglot status configs/demo.yaml
      monoglot status config.yaml --watch
      monoglot status config.yaml --json | jq .counts
    """
    with experiment(config) as it:
        names = [it.target(name) for name in targets]
        for state in _states(it, names, every if watch else None):
            if in_json:
                click.echo(json.dumps(_state_as_json(state), indent=None if watch else 2))
                continue
            if watch:
                click.clear()
            terminal.say(_state_text(state, it))


def _states(
    it: ChosenExperiment, targets: list[str], every: float | None
) -> Iterator["WorkflowState"]:
    """Yield the state; with `every`, again after so many seconds, until all is done."""
    from monoglot.progress import state_of
    from monoglot.workflow import planned

    asked = float("-inf")
    while True:
        if time.monotonic() - asked > PLAN_AGAIN_SECONDS:
            note("Asking Snakemake for the plan ...")
            began, asked = time.time(), time.monotonic()
            jobs = planned(it.config, targets, it.results, it.folder, note)
        state = state_of(jobs, it.folder, it.results, began)
        yield state
        if every is None or state.counts()["done"] == len(state.jobs):
            return
        time.sleep(every)


def _state_as_json(state: "WorkflowState") -> dict:
    return {
        "running": state.runs,
        "killed": state.killed,
        "counts": state.counts(),
        "gone": [job.outputs[0] for job in state.gone],
        "seconds_of_jobs_left": round(state.seconds_left, 1),
        "seconds_left_at_least": round(state.seconds_at_least, 1),
        "jobs_of_unknown_time": state.unknown,
        "jobs": [
            {
                "rule": one.job.rule,
                "name": one.job.name,
                "stage": one.job.stage,
                "state": one.state,
                "why": one.job.reason,
                "progress": one.progress,
                "seconds": round(one.seconds, 1),
                "seconds_left": one.seconds_left,
                "error": one.error,
                "slurm": one.slurm,
                "log": one.job.log,
            }
            for one in state.jobs
        ],
    }


def _state_text(state: "WorkflowState", it: ChosenExperiment) -> str:
    from monoglot.workflow import stages_of

    rows = []
    for stage, jobs in stages_of(one.job for one in state.jobs).items():
        counts = state.counts(_of(state, stage)).values()
        rows.append([stage, *(str(number or ".") for number in counts), str(len(jobs))])
    stages = terminal.table(["stage", *state.counts(), "all"], rows)
    failed = "\n".join(
        f"FAILED  {one.job.rule} {one.job.name}: {one.error} ({one.job.log})"
        for one in state.jobs
        if one.state == "failed"
    )
    parts = [stages, _variants(state), _running(state), failed, _verdict(state, it)]
    return "\n\n".join(filter(None, parts))


def _variants(state: "WorkflowState") -> str:
    """A row for each checkpoint, with a column for each of its tasks."""
    tasks = list(dict.fromkeys(j.job.wildcards.get("task", "") for j in _of(state, "scores")))
    cells: dict[str, dict[str, str]] = {}
    for one in [*_of(state, "checkpoints"), *_of(state, "scores")]:
        about = one.job.wildcards
        name = "/".join(about[key] for key in ("model", "language", "variant"))
        cells.setdefault(name, {})[about.get("task", "")] = MARKS[one.state]
    if not cells:
        return ""
    rows = [
        [name, *(found.get(task, "") for task in ("", *tasks))] for name, found in cells.items()
    ]
    return terminal.table(["checkpoint", "made", *tasks], rows)


def _of(state: "WorkflowState", stage: str) -> list["JobState"]:
    return [one for one in state.jobs if one.job.stage == stage]


def _running(state: "WorkflowState") -> str:
    lines = []
    for one in state.jobs:
        if one.state in ("running", "queued"):
            parts = [f"{one.job.rule} {one.job.name}", one.progress]
            if one.state == "running":
                parts.append(f"for {duration(one.seconds)}")
            if one.seconds_left is not None:
                parts.append(f"{duration(one.seconds_left)} left")
            parts += [f"SLURM job {one.slurm}"] if one.slurm else []
            said = ", ".join(part for part in parts if part)
            lines.append(terminal.cut(f"{MARKS[one.state]}  {said}", terminal.width()))
    return "\n".join(lines)


def _verdict(state: "WorkflowState", it: ChosenExperiment) -> str:
    from monoglot.workflow import who_locks

    counts, gone = state.counts(), ""
    if state.gone:
        first = ", ".join(job.outputs[0] for job in state.gone[:3])
        gone = (
            f" Files of {count(len(state.gone), 'done job')} are gone ({first}): nothing needs "
            "them to be made again; name them to `monoglot run` to have them back."
        )
    if counts["done"] == len(state.jobs):
        return f"All {len(state.jobs)} jobs are done.{gone}"
    said = "A run is under way." if state.runs else "No run is under way."
    if state.killed:
        locked = who_locks(it.folder, it.results, it.unlock)
        said = f"{locked[:1].upper()}{locked[1:]}."
    said += f" {counts['done']} of {count(len(state.jobs), 'job')} are done"
    if state.seconds_left:
        said += f"; the rest took {duration(state.seconds_left)} of jobs before"
        said += f", {duration(state.seconds_at_least)} at the very least"
    if state.unknown:
        said += f"; {count(state.unknown, 'job')} never timed"
    return f"{said}.{gone}"


# monoglot new-language


@click.command("new-language")
@click.argument("code")
@click.option(
    "--config",
    default="config.yaml",
    show_default=True,
    shell_complete=complete_configurations,
    help="Configuration that the language is added to.",
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="File to write.  [default: print it]"
)
@click.option("--name", default="", help="Name in print.  [default: in English]")
@click.option("--as", "short", help="Short name in the configuration.  [default: ISO 639-1]")
@click.option(
    "--code",
    "codes",
    multiple=True,
    metavar="SOURCE=CODE",
    help="The language's code in a source, such as flores=cym_Latn. May be repeated.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="SET=BLOCK",
    help="A source of a set as in docs/data.md, such as 'sa={format: sentiment, files: ...}'.",
)
@click.option(
    "--only",
    is_flag=True,
    help="Evaluate no other language; results then have a folder of their own.",
)
@click.option(
    "--root", metavar="FOLDER", help="With --only: where its raw files are.  [default: data.root]"
)
@click.option("--offline", is_flag=True, help="Ask neither the Hub nor the web.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def new_language(code: str, config: str, out: Path | None, **given: Any) -> None:
    """Write the configuration of one more language, after looking which data sets have it.

    CODE is ISO 639-1 or 639-3, with a script where there are several: `cy`, `cym`, `zho_Hans`. The
    command searches the sources that the configuration has for all languages (for the paper's:
    GlotCC, FLORES-200, SIB-200, WikiANN), on this machine, on the Hub at the pinned revisions, or
    on the web; for tasks that they lack, also Universal Dependencies treebanks in `ud/` below
    data.root, MasakhaPOS, MasakhaNER and AfriSenti. Tasks without a source are left out. Without a
    network it writes the likeliest codes, and says which sources it could not search.

    The new file extends the configuration and has passed its checks.

    \b
    Examples:
      monoglot new-language cy --out configs/welsh.yaml
      monoglot new-language ha --config configs/real.yaml --only --root ../hausa
          --source 'text={format: lines, files: [text.txt.gz]}' --out configs/hausa.yaml
      monoglot new-language amh --config configs/comet.yaml --as amh
      monoglot new-language cy --source 'sa={format: sentiment, files: {train: cy/train.csv,
          dev: cy/dev.csv, test: cy/test.csv}}'
      monoglot plan configs/welsh.yaml
    """
    only, root = given["only"], given["root"]
    if root and not only:
        raise click.UsageError("--root needs --only: the other languages' files lie in data.root")
    place = out.absolute() if out else None
    if out:
        if out.is_dir():
            raise UserError(f"{out}: is a folder; give a file name")
        if os.path.lexists(out) and not given["force"]:
            raise UserError(f"{out}: already exists; give another name, or --force")
        try_out(out)
    command = f"monoglot new-language {code}" + (" --only" if only else "")
    command += f" --config {config}" if config != "config.yaml" else ""
    command += f" --root {root}" if root else ""
    with experiment(config) as it:
        from monoglot.data.download import all_needs
        from monoglot.graph import Graph

        if root:
            it.graph.config["data"]["root"] = root
        block = _make_block(it, code, given)
        for found in block.found:
            note(_found_line(found))
        if root:
            block.config["data"] = {"root": root} | block.config.get("data", {})
        graph = Graph({"extends": it.config} | block.config)
        all_needs(graph)  # which refuses sources that are not whole
        (language,) = [one for one in graph.evaluated if one in block.config["languages"]]
        warnings = _known_sentences(graph, language, block.config.get("data", {}).get("text", {}))
        for warning in warnings:
            note(f"warning: {warning}")
        lines = [f"# Made by `{command}`."]
        lines += [f"# {one.set} is left out: {one.presence.said}" for one in block.lacking]
        lines += [f"# {warning}" for warning in warnings]
        if unseen := [one.set for one in block.found if one.presence.state == "unknown"]:
            lines.append(f"# Not looked at, for want of a network: {', '.join(unseen)}")
        body = _few_lines({"extends": it.config} | block.config)
        content = "\n".join([*lines, "", body])
        if place:
            with whole_file(place) as aside:
                aside.write_text(content, encoding="utf-8")
    if place:
        note(f"written to {out}; next: monoglot plan {out}")
    else:
        click.echo(content, nl=False)


def _make_block(it: ChosenExperiment, code: str, given: dict[str, Any]) -> "Block":
    from monoglot.config import complete
    from monoglot.data.languages import Look, find, make_block
    from monoglot.data.sources import parse_source

    config, language = it.graph.config, find(code)
    short = given["short"] or language.short
    if not NAME.fullmatch(short):
        raise UserError(f"--as: '{short}' must be lower-case letters, digits, _ and -")
    sources = pairs(given["sources"], "--source", "SET=BLOCK")
    sources = {key: dict(parse_source(value)) for key, value in sources.items()}
    for key in sources:
        if key not in config["data"] or "files" not in sources[key]:
            raise UserError(f"--source {key}: name a set of the configuration, with its files")
    complete({"extends": it.config, "data": {key: {short: one} for key, one in sources.items()}})
    block = make_block(
        config,
        short,
        language,
        Look(config["data"]["root"], not given["offline"]),
        title=given["name"],
        codes=pairs(given["codes"], "--code", "SOURCE=CODE"),
        sources=sources,
        only=given["only"],
    )
    needed = [one for one in block.lacking if one.set not in config["tasks"]]
    if needed:
        raise UserError(
            f"{needed[0].set}: no source has {block.config['languages'][short]['name']} "
            f"({needed[0].presence.said}); give one: --source '{needed[0].set}="
            "{format: lines, files: [FILE]}'"
        )
    return block


def _found_line(found: "Found") -> str:
    said = found.presence.said
    if found.presence.state == "unknown":
        said = f"could not be looked at ({said})"
    elif found.presence.bytes:
        said += f", {size(found.presence.bytes)}"
    origin = f"{found.origin}: " if found.origin not in ("", "default") else ""
    return f"{found.set:<12}{found.presence.state:<9}{origin}{said}"


def _few_lines(config: dict) -> str:
    """Return a configuration as YAML, with a line or two for each set of the data."""
    import yaml

    how = {"sort_keys": False, "allow_unicode": True, "default_flow_style": True, "width": 150}
    lines = []
    for key, value in config.items():
        if key == "data":
            lines += ["data:", *(f"  {one}" for one in _few_lines(value).splitlines())]
        else:
            lines += yaml.safe_dump({key: value}, **how).strip()[1:-1].splitlines()
    return "\n".join(lines) + "\n"


def _known_sentences(graph: "Graph", language: str, texts_of: dict[str, dict]) -> list[str]:
    """Say which test sentences a language's text or training examples hold, of files here.

    If the text has a source of its own in `texts_of`, that leaves such sentences out from now on.
    """
    from monoglot.config import source_of
    from monoglot.data.overlap import overlaps
    from monoglot.data.readers import SPLITS
    from monoglot.data.sources import local_files, texts
    from monoglot.evaluate import make_task

    root, said = Path(graph.config["data"]["root"]), []

    def here(name: str) -> dict | None:
        source = source_of(graph.config, name, language)
        source.pop("exclude", None)  # what would be left out is not said below
        files = local_files(source, root)
        return source if files and all(file.is_file() for file in files) else None

    tasks: dict[str, dict[str, list[str]]] = {}
    for name in graph.tasks(language):
        if source := here(name):
            task = make_task(name, graph.config["tasks"][name])
            try:
                tasks[name] = {split: [] for split in SPLITS} | {
                    split: [" ".join(task.words(one)) for one in task.read(source, split, root)]
                    for split in task.splits
                }
            except UserError as error:
                said.append(f"{error}; correct data.{name}.{language} or tasks.{name}")
    text, validation = here("text"), here("validation")
    rows = overlaps(
        tasks,
        texts(text, root) if text else [],
        list(texts(validation, root)) if validation else [],
    )
    found = [row for row in rows if row.found]
    excluded = graph.excluded("text", language)
    said += [str(row) for row in found if row.within == "train" or row.task not in excluded]
    if read := sorted({row.task for row in found if row.within == "text"} & tasks.keys()):
        way = "leave them out of the text, or models are tested on what they have read"
        if own := texts_of.get(language):
            own["exclude"] = sorted({*own.get("exclude", []), *read})
            way = "the text's documents that hold one are left out"
        said.append(f"{way}: data.text.{language}.exclude: [{', '.join(read)}]")
    return said
