"""Snakemake, as the commands use it: the jobs of a configuration, a run of them, what is under way.

Snakemake works in a child process, `python -m monoglot.workflow`, in the workflow's folder. So it
runs the package of that folder, whichever one has started it, and what it does to its process
(environment, signals, logging) stays there. The child tells its parent what happens in lines that
begin with `MARK` and hold JSON; all other lines are what anybody printed.
"""

import base64
import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

from monoglot.errors import UserError
from monoglot.script import handled_by

SLURM_PROFILE = "profiles/slurm"
MARK = "\x1e"
"""ASCII's record separator, which begins a JSON text in a stream of them (RFC 7464)."""

NOTE = "note: "
"""With it begins what the Snakefile prints for a user."""

STAGES = {
    "data": "data",
    "overlap": "data",
    "tokens": "tokens",
    "models": "checkpoints",
    "scores": "scores",
    "tables": "tables",
    "figures": "figures",
    "cards": "cards",
    "onnx": "deployment",
    "onnx_scores": "deployment",
    "deployment": "deployment",
}
"""Stages in the order of the work, by the folder below the results that their jobs write to."""

TARGET_RULES = ("all", "tables", "figures", "deployment", "cards")
"""Rules that only name files; their jobs do nothing and are counted nowhere."""

REASONS = {
    "missing_output": "not made yet",
    "incomplete_output": "a run was killed while it was made",
    "input_changed": "made from other files than before",
    "params_changed": "its settings or its code have changed",
    "code_changed": "its code has changed",
    "software_stack_changed": "its software environment has changed",
    "updated_input": "what it is made from has changed",
    "forced": "asked for",
    "updated_input_run": "what it is made from is made again",
}
"""Attributes of Snakemake's reason for a job, the weightiest first, in our words."""


@dataclass(frozen=True)
class PlannedJob:
    """A job of the plan.

    Attributes:
        rule: its rule in the Snakefile.
        wildcards: what it is about: model, language, variant, task, set, table, figure.
        inputs, outputs: files.
        log, benchmark: where it writes what it says, and its time and memory.
        stage: one of `STAGES`, or the rule for what is written elsewhere.
        reason: why it will run; empty if it is done.
    """

    rule: str
    wildcards: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    log: str
    benchmark: str
    stage: str
    reason: str = ""

    @property
    def name(self) -> str:
        """What it is about, in a word: `xlmr/mt/kd`, `xlmr/mt/kd/ner`, `table1`."""
        return _name(self.wildcards, self.rule)

    @property
    def done(self) -> bool:
        return not self.reason

    def missing(self, folder: Path) -> list[str]:
        """Return the outputs that do not exist; their paths are relative to `folder`."""
        return [output for output in self.outputs if not (folder / output).exists()]


def stages_of(jobs: Iterable[PlannedJob]) -> dict[str, list[PlannedJob]]:
    """Return the jobs by stage, in the order of the work."""
    found: dict[str, list[PlannedJob]] = {stage: [] for stage in STAGES.values()}
    for job in jobs:
        found.setdefault(job.stage, []).append(job)
    return {stage: jobs for stage, jobs in found.items() if jobs}


def stage_of(rule: str, output: str, results: str) -> str:
    """Return the stage of a rule's job by the folder that its first output is in."""
    if rule == "invent":  # raw files, wherever data.root is
        return "data"
    if output.endswith("/README.md"):
        return "cards"
    folder = os.path.relpath(output, results).split(os.sep)[0]
    return STAGES.get(folder, rule)


def _name(wildcards: dict[str, str], rule: str) -> str:
    return "/".join(wildcards.values()) or rule


# The command, and the plan.


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
    """Return the command that runs a configuration, for the workflow's folder.

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
    """Return a command as one would type it `here`: with a `cd` first if its folder is another."""
    line = shlex.join(words)
    return line if folder == here else f"cd {shlex.quote(str(folder))} && {line}"


def planned(
    config: str,
    targets: Sequence[str],
    results: str,
    folder: Path,
    note: Callable[[str], None] = lambda _: None,
) -> list[PlannedJob]:
    """Ask Snakemake for all jobs behind the targets, done or not; nothing is made.

    Args:
        note: takes what the Snakefile says of finished results, a sentence at a time.

    Raises `UserError` with what Snakemake says if it cannot plan.
    """
    _, _, _, *arguments = command(config, targets, cores=None)
    done = subprocess.run(
        _child("plan", arguments),
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    last = " ".join(done.stdout.strip().splitlines()[-3:])
    told: dict[str, Any] = {"error": last or "it says nothing"}
    for line in map(read, done.stdout.split("\n")):
        if isinstance(line, dict):
            told = line
        elif line.startswith(NOTE):
            note(line)
    if "error" in told:
        raise UserError(f"Snakemake cannot plan this: {told['error']}")
    return [
        PlannedJob(
            **one
            | {"inputs": tuple(one["inputs"]), "outputs": tuple(one["outputs"])}
            | {"stage": stage_of(one["rule"], one["outputs"][0], results)}
        )
        for one in told["jobs"]
    ]


def _child(task: str, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "monoglot.workflow", task, *arguments]


def _environment(folder: Path) -> dict[str, str]:
    # What the child prints comes at once, and in order, though it prints into a pipe; and in the
    # encoding that it is read in, whatever the terminal's is.
    printing = {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"}
    return os.environ | printing | _cache(folder)


def _cache(folder: Path) -> dict[str, str]:
    """Return where Snakemake keeps its cache if it cannot write to the home folder.

    The Hub's cache, which may be full of what is needed, stays where it is.
    """
    usual = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    there = next(filter(os.path.lexists, (usual / "snakemake", usual, usual.parent)), None)
    if there and there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return {}
    hub = os.environ.get("HF_HOME", str(usual / "huggingface"))
    return {"XDG_CACHE_HOME": str(folder.absolute() / ".snakemake" / "cache"), "HF_HOME": hub}


# A run: the child seen from its parent.


class SnakemakeRun:
    """A Snakemake that runs in a folder, in a process group of its own.

    Ctrl-C goes on to the whole group, as a terminal would send it, and so does the end of the
    terminal: at a SIGHUP Snakemake would leave its lock behind. SIGTERM goes to Snakemake alone,
    which then ends its jobs or waits for them as it sees fit.

    Args:
        words: what `command` returns.
        told: whether it is to tell what happens; if not, the lines are as Snakemake prints them.

    Attributes:
        interrupted: the last signal that was passed on.
    """

    def __init__(self, words: Sequence[str], folder: Path, told: bool = True) -> None:
        self.interrupted: signal.Signals | None = None
        self._process = subprocess.Popen(
            _child("run", words[3:]) if told else words,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )

    def lines(self, seconds: float) -> Iterator[str | None]:
        """Yield the lines as they come, and None whenever none has come for so many seconds."""
        pipe, rest = self._process.stdout, b""
        while True:
            ready, _, _ = select.select([pipe], [], [], seconds)
            if not ready:
                yield None
                continue
            found = os.read(pipe.fileno(), 65536)
            if not found:
                break
            *whole, rest = (rest + found).split(b"\n")
            yield from (line.decode("utf-8", errors="replace") for line in whole)
        if rest:
            yield rest.decode("utf-8", errors="replace")

    def wait(self) -> int:
        """Return the exit status of Snakemake when it has ended; -15 if SIGTERM has ended it."""
        return self._process.wait()

    @contextmanager
    def signals_passed_on(self) -> Iterator[None]:
        """Pass SIGINT, SIGTERM and SIGHUP on to Snakemake, and end it if we fail."""
        try:
            with handled_by(self._pass_on):
                yield
        except BaseException:
            self._send(signal.SIGTERM)
            raise

    def _pass_on(self, number: int, _: object) -> None:
        self.interrupted = signal.Signals(number)
        self._send(self.interrupted)

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            if number == signal.SIGTERM:
                os.kill(self._process.pid, number)
            else:
                os.killpg(self._process.pid, signal.SIGINT)


@dataclass
class RunningJob:
    """A job that runs: its rule, what it is about, its log, and when it began, by the clock."""

    rule: str
    name: str
    log: str = ""
    began: float = field(default_factory=time.monotonic)


@dataclass
class RunEvents:
    """Where a run stands, from what its child tells.

    Attributes:
        total: jobs of the run but for target rules, None before it has said so.
        done: jobs that have finished.
        open: jobs of each rule that have not finished.
        running: jobs by Snakemake's number.
        failed: jobs that have failed.
        faulty: whether a fault was told.
        nothing: whether there was nothing to do.
        log: where Snakemake keeps what it says, once it has said so.
    """

    total: int | None = None
    done: int = 0
    open: Counter[str] = field(default_factory=Counter)
    running: dict[int, RunningJob] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    faulty: bool = False
    nothing: bool = False
    log: str = ""

    def take(self, told: dict[str, Any]) -> bool:
        """Take in what was told; return whether a user should see its text: it is of a fault."""
        text = told["text"]
        match told["event"]:
            case "run_info":
                self.open = Counter(told["stats"])
                for rule in ("total", *TARGET_RULES):
                    del self.open[rule]
                self.total = self.open.total()
            case "job_info":
                logs = told["log"] or [""]
                name = _name(told["wildcards"], told["rule_name"])
                self.running[told["jobid"]] = RunningJob(told["rule_name"], name, logs[0])
            case "job_finished":
                job = self.running.pop(told["job_id"], None)
                if job is None or job.rule not in TARGET_RULES:
                    self.done += 1
                if job:
                    self.open[job.rule] = max(self.open[job.rule] - 1, 0)
            case "job_error":
                self._fail(told)
            case "group_error":
                for job in told["job_error_info"]:
                    self._fail(job)
            case _ if text.startswith("Nothing to be done"):
                self.nothing = True
            case _ if text.startswith("Complete log(s):"):
                self.log = text.partition(":")[2].strip()
        self.faulty |= told["error"]
        return told["error"] or text.startswith("Trying to restart")

    def _fail(self, told: dict[str, Any]) -> None:
        job = self.running.pop(told["jobid"], None)
        self.failed.append(f"{job.rule} {job.name}" if job else told["rule_name"])


def read(line: str) -> dict[str, Any] | str:
    """Return what a line of the child tells, or the line itself if somebody printed it."""
    if line.startswith(MARK):
        with suppress(ValueError):  # another process has printed into a long line
            return json.loads(line[len(MARK) :])
    return line.rstrip("\n")


# The child.


def _main(task: str, arguments: list[str]) -> None:
    """Do what the parent asks for: plan, or run, with Snakemake's `arguments`."""
    sys.argv = ["snakemake", *arguments]  # at which the Snakefile and Snakemake look
    tell = partial(_tell, sys.stdout)
    if task == "plan":
        try:
            tell(jobs=_jobs(arguments))
        # Whatever a Snakefile raises is one sentence for the parent.
        except Exception as error:
            tell(error=sentence(error))
            sys.exit(1)
        return
    from snakemake.cli import main
    from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

    plugin = SimpleNamespace(LogHandler=_log_handler(tell))
    LoggerPluginRegistry().register_plugin("snakemake_logger_plugin_monoglot", plugin)
    if "--logger" in arguments:  # of the user, beside which ours is to go on
        at = arguments.index("--logger") + 1
        main([*arguments[:at], "monoglot", *arguments[at:]])
    main([*arguments, "--logger", "monoglot"])


def _tell(stream: TextIO, **told: Any) -> None:
    """Tell the parent something, as a line of its own."""
    stream.write(f"{MARK}{json.dumps(told, default=str)}\n")
    stream.flush()


def _log_handler(tell: Callable[..., None]) -> type:
    """Return the logger plugin's class: Snakemake's records, with their fields, to the parent."""
    from logging import ERROR, LogRecord

    from snakemake_interface_logger_plugins.base import LogHandlerBase

    fields = ("stats", "jobid", "job_id", "rule_name", "wildcards", "log", "job_error_info")

    class Handler(LogHandlerBase):
        writes_to_stream = True  # in place of Snakemake's own handler
        writes_to_file = has_filter = has_formatter = needs_rulegraph = False

        def emit(self, record: LogRecord) -> None:
            event = getattr(record, "event", None)
            about = {key: getattr(record, key) for key in fields if hasattr(record, key)}
            text = self.format(record)
            if text or about:
                tell(event=event, error=record.levelno >= ERROR, text=text, **about)

    return Handler


def _jobs(arguments: list[str]) -> list[dict[str, Any]]:
    """Return all jobs of a configuration, done or not, in the order of the work."""
    from snakemake.api import SnakemakeApi
    from snakemake.cli import parse_args
    from snakemake.settings.enums import Quietness
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        DeploymentSettings,
        OutputSettings,
        ResourceSettings,
    )

    _, given = parse_args(arguments)  # and what the profile says
    # So quiet, a dry run ends when it knows all jobs, before it goes through them one by one.
    quiet = {Quietness.RULES, Quietness.PROGRESS}
    with SnakemakeApi(OutputSettings(dryrun=True, quiet=quiet)) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1, resources=given.resources),
            config_settings=ConfigSettings(configfiles=given.configfile),
            deployment_settings=DeploymentSettings(given.software_deployment_method),
        )
        settings = DAGSettings(
            targets=given.targets,
            force_incomplete=given.rerun_incomplete,
            rerun_triggers=given.rerun_triggers,
            max_checksum_file_size=given.max_checksum_file_size,
        )
        workflow.dag(settings).execute_workflow(executor="dryrun")
        # The API has no word for jobs that are done. Without it a second plan, with --forceall,
        # would have to list them.
        dag = workflow._workflow.dag
        levels = (sorted(level, key=lambda job: str(job.log)) for level in dag.toposorted())
        return [_about(job, dag) for level in levels for job in level if job.log]


def _about(job: Any, dag: Any) -> dict[str, Any]:
    return {
        "rule": job.rule.name,
        "wildcards": job.wildcards_dict,
        "inputs": [str(file) for file in job.input],
        "outputs": [str(file) for file in job.output],
        "log": str(job.log[0]),
        "benchmark": str(job.benchmark or ""),
        "reason": reason(dag.reason(job)) if dag.needrun(job) else "",
    }


def reason(why: Any) -> str:
    """Say why a job will run: in the words of `REASONS`, else in Snakemake's."""
    return next((said for name, said in REASONS.items() if getattr(why, name)), str(why))


def sentence(error: Exception) -> str:
    """Return what an error of Snakemake or of the Snakefile says, in one line."""
    text = " ".join(line.strip() for line in str(error).splitlines() if line.strip())
    # A hint for whoever writes the Snakefile.
    return re.sub(r" \(if you use input functions .*?\)", "", text) or type(error).__name__


# What is under way, whoever has started it.

LOCKS = Path(".snakemake", "locks")
STARTED = Path(".snakemake", "incomplete")
RECORDS = Path(".snakemake", "metadata")
"""Where Snakemake keeps its marks of started jobs and its records of finished ones."""

CLAIM = ".run"
"""In the results folder: a file that a run holds locked, and what it says of itself."""

CANNOT_LOCK = "Directory cannot be locked"
"""What Snakemake says when another one holds the lock of a file that it would make."""
QUEUE_SECONDS = 20


@dataclass(frozen=True)
class StartedJob:
    """A job that Snakemake has started: when (seconds since the epoch), and its SLURM number.

    Once a job of SLURM runs, the Snakemake within it writes this anew, without the number.
    """

    since: float
    slurm: str | None


@dataclass(frozen=True)
class QueuedJob:
    """A job in SLURM's queue: its number, its state, and what the plugin says of it."""

    number: str
    state: str
    comment: str


def started(folder: Path) -> dict[str, StartedJob]:
    """Return, by output file, the jobs that were started in a folder and have not ended.

    Jobs of a Snakemake that was killed are among them.
    """
    # Read as Snakemake writes it: its own reader tells of started jobs only once their files are
    # there, and takes seconds to import.
    root = folder / STARTED
    found = {}
    for path in root.rglob("*"):
        try:
            # A long name is cut into folders, whose names begin with an @.
            parts = path.relative_to(root).parts
            name = base64.urlsafe_b64decode("".join(part.removeprefix("@") for part in parts))
            number = json.loads(path.read_text())["external_jobid"]
            found[name.decode()] = StartedJob(path.stat().st_mtime, number)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a folder, or a file that is being written or has just gone
    return found


def mark(root: Path, output: str) -> Path:
    """Return where Snakemake notes something of an output, below `STARTED` or `RECORDS`."""
    name = base64.urlsafe_b64encode(output.encode()).decode()
    length = (os.pathconf(root, "PC_NAME_MAX") if root.is_dir() else 255) - 1
    *folders, last = [name[start : start + length] for start in range(0, len(name), length)]
    return root.joinpath(*(f"@{part}" for part in folders), last)


def locked_since(folder: Path, outputs: Iterable[str]) -> float | None:
    """Return when a Snakemake began that runs, or was killed, and holds any of the outputs.

    In seconds since the epoch; None if there is none.
    """
    wanted, found = set(outputs), []
    for lock in (folder / LOCKS).glob("*.output.lock"):
        with suppress(OSError):
            if not wanted.isdisjoint(lock.read_text().splitlines()):
                found.append(lock.stat().st_mtime)
    return max(found, default=None)


def who_locks(folder: Path, results: str, unlock: str) -> str:
    """Say in a sentence who holds the locks of results, and what to do about it.

    Args:
        unlock: the command that removes them.
    """
    import psutil

    try:
        noted = json.loads((folder / results / CLAIM).read_text())
        host, number = str(noted["host"]), int(noted["process"])
    except (OSError, ValueError, KeyError, TypeError):
        host, number = "", 0
    alive = [one.pid for one in psutil.process_iter() if _is_snakemake(one, folder)]
    if alive and not host:
        host, number = socket.gethostname(), alive[0]
    if host == socket.gethostname():
        if number in alive:
            return (
                f"a run on this machine, process {number} in {folder}, has locked these results; "
                f"wait until it ends, or end it with `kill -INT {number}`"
            )
        return (
            f"a run on this machine, process {number}, was killed and has left its locks, which "
            f"nobody holds any more; remove them with `{unlock}`, and run again"
        )
    where = f"on {host}, process {number}," if host else "that is not on this machine"
    return (
        f"a run {where} has locked these results; wait until it ends or, if it was killed, remove "
        f"its locks with `{unlock}`, and run again"
    )


def running_here(folder: Path) -> bool:
    """Whether a Snakemake of this user runs in a folder on this machine."""
    import psutil

    return any(_is_snakemake(process, folder) for process in psutil.process_iter())


def _is_snakemake(process: Any, folder: Path) -> bool:
    import psutil

    try:
        words = process.cmdline()
        # `snakemake ...`, `python -m snakemake ...`, or the child of `monoglot run`
        is_it = any(Path(word).name == "snakemake" for word in words[:4])
        is_it |= words[1:4] == ["-m", "monoglot.workflow", "run"]
        plans = {"-n", "--dry-run", "--dryrun", "--summary"} & set(words)
        return is_it and not plans and os.path.samefile(process.cwd(), folder)
    except (psutil.Error, OSError):
        return False


def slurm_queue(notes: Path) -> list[QueuedJob]:
    """Return the jobs in SLURM's queue of the runs whose names `notes` holds; none without SLURM.

    See `monoglot.cluster`, which writes the notes.
    """
    names = notes.read_text().split() if notes.is_file() else []
    if not names or not shutil.which("squeue"):
        return []
    words = ["squeue", "--noheader", f"--name={','.join(names)}", "--format=%A %T %k"]
    try:
        said = subprocess.run(words, capture_output=True, text=True, timeout=QUEUE_SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    parts = (line.split(maxsplit=2) for line in said.splitlines())
    return [QueuedJob(*part) for part in parts if len(part) == 3]


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2:])
