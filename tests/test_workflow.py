"""What Snakemake's child plans and tells, and how signals reach it."""

import json
import logging
import os
import re
import signal
import sys
import threading
from functools import partial
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from monoglot import workflow
from monoglot.errors import UserError
from monoglot.fingerprint import ROOT
from monoglot.standing import claim
from monoglot.workflow import RunEvents, SnakemakeRun, read, stages_of
from tests import plans
from tests.plans import FAILED, FAULT, FINISHED, LOG, STARTED, told


def taken(lines: str) -> tuple[RunEvents, list[str]]:
    """What a run's events add up to, and which of them a user sees."""
    events = RunEvents()
    found = [read(line) for line in lines.rstrip("\n").split("\n")]
    return events, [one["text"] for one in found if events.take(one)]


def test_progress():
    events, shown = taken(STARTED)
    assert shown == []
    assert (events.total, events.done, events.open) == (3, 0, {"train": 1, "evaluate": 2})
    job = events.running[7]
    assert (job.rule, job.name, job.log) == ("train", "xlmr/mt/kd", LOG)
    events, shown = taken(STARTED + FINISHED)
    assert (events.done, events.running, events.open["train"], shown) == (1, {}, 0, [])


def test_target_rules_are_not_counted():
    target = told("job_info", "rule all:", jobid=0, rule_name="all", wildcards={}, log=[])
    events, _ = taken(STARTED + FINISHED + target + told("job_finished", "", job_id=0))
    assert (events.done, events.total, events.open["all"]) == (1, 3, 0)


def test_target_rules_are_those_of_the_workflow_that_make_nothing():
    files = [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]
    rules = re.split(r"^ *rule (?=\w+:)", "\n".join(map(Path.read_text, files)), flags=re.MULTILINE)
    idle = [rule.partition(":")[0] for rule in rules[1:] if "    output:\n" not in rule]
    assert sorted(idle) == sorted(workflow.TARGET_RULES)


def test_faults_are_to_be_seen_and_nothing_else():
    more = told(None, "Trying to restart job 7.") + told(None, "Select jobs to execute...")
    events, shown = taken(STARTED + FAILED + more)
    assert shown == [FAULT, "Trying to restart job 7."]
    assert (events.failed, events.running) == (["train xlmr/mt/kd"], {})
    events, shown = taken(told(None, "Complete log(s): /x/.snakemake/log/1.log"))
    assert (events.log, shown) == ("/x/.snakemake/log/1.log", [])


def test_the_jobs_of_a_failed_group_have_failed():
    jobs = [{"jobid": 7, "rule_name": "train"}, {"jobid": 8, "rule_name": "evaluate"}]
    events, _ = taken(STARTED + told("group_error", "x", error=True, job_error_info=jobs))
    assert events.failed == ["train xlmr/mt/kd", "evaluate"]


def test_errors_before_the_first_job_are_shown():
    text = 'WorkflowError in file "Snakefile", line 3:\ndata.tc: there is no source'
    events, shown = taken(told("error", text, error=True))
    assert (events.total, shown) == (None, [text])


def test_a_line_that_another_process_has_printed_into_is_text():
    assert read(STARTED[:20] + "step 3") == STARTED[:20] + "step 3"
    assert read("plain\n") == "plain"


def test_the_logger_plugin_tells_what_snakemake_logs():
    stream = StringIO()
    handler = workflow._log_handler(partial(workflow._tell, stream))(None, None)
    record = logging.makeLogRecord(
        {
            "event": "job_info",
            "msg": "rule train",
            "jobid": 7,
            "rule_name": "train",
            "wildcards": {"model": "xlmr", "variant": "kd"},
            "log": ["a.log"],
            "levelno": logging.INFO,
        }
    )
    handler.emit(record)
    handler.emit(logging.makeLogRecord({"msg": "bad", "levelno": logging.ERROR}))
    handler.emit(logging.makeLogRecord({"msg": ""}))
    events, shown = taken(stream.getvalue())
    assert (events.running[7].name, shown) == ("xlmr/kd", ["bad"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signals_go_on_to_the_child(tmp_path: Path, number: signal.Signals):
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: (print('asked to end'), sys.exit(3)))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    child = SnakemakeRun([sys.executable, "-c", code], tmp_path, told=False)
    said = []
    with child.signals_passed_on():
        for line in child.lines(0.05):
            said += [line] if line else []
            if line == "ready":
                threading.Timer(0.1, signal.raise_signal, [number]).start()
    assert (said, child.wait(), child.interrupted) == (["ready", "asked to end"], 3, number)


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ("python -m snakemake --cores 2", True),
        ("/x/bin/python /x/bin/snakemake --cores 2", True),
        ("python -m monoglot.workflow run --cores 2", True),
        ("python -m monoglot.workflow plan --cores 2", False),
        ("python -m snakemake -n", False),
        ("vim snakemake.py", False),
    ],
)
def test_a_snakemake_that_runs_in_a_folder(tmp_path, line, runs):
    process = SimpleNamespace(cmdline=line.split, cwd=lambda: str(tmp_path))
    assert workflow._is_snakemake(process, tmp_path) == runs
    assert not workflow._is_snakemake(process, tmp_path.parent)


def test_the_command_says_where_to_type_it(tmp_path):
    assert workflow.shown(["snakemake", "a b"], tmp_path, tmp_path) == "snakemake 'a b'"
    assert workflow.shown(["snakemake"], tmp_path, Path("/")) == f"cd {tmp_path} && snakemake"


def test_jobs_of_a_plan_with_stages_and_names():
    jobs = plans.plan()
    assert [(job.name, job.done) for job in jobs] == [
        ("mt/tc", True),
        ("xlmr/mt/kd", False),
        ("xlmr/mt/kd/tc", False),
    ]
    assert {stage: len(group) for stage, group in stages_of(jobs).items()} == {
        **{"data": 1, "checkpoints": 1, "scores": 1}
    }


@pytest.mark.parametrize(
    ("rule", "output", "stage"),
    [
        ("invent", "elsewhere/raw.tsv", "data"),
        ("an_operation_of_tomorrow", "a, b/models/x/mt/kd/config.json", "checkpoints"),
        ("table_of_tomorrow", "a, b/tables/table9.csv", "tables"),
        ("card", "a, b/models/x/mt/kd/README.md", "cards"),
        ("score_onnx", "a, b/onnx_scores/x/mt/kd.json", "deployment"),
        ("report", "a, b/report.html", "report"),
    ],
)
def test_stages_are_where_files_are_written(rule, output, stage):
    assert workflow.stage_of(rule, output, "a, b") == stage


@pytest.mark.parametrize(
    ("name", "value", "ours"),
    [
        ("updated_input_run", {"x"}, "what it is made from is made again"),
        ("params_changed", True, "its settings or its code have changed"),
        ("nooutput", True, "Rules with a run or shell declaration but no output are always"),
    ],
)
def test_reasons(name, value, ours):
    from snakemake.jobs import Reason

    why = Reason()
    if isinstance(value, set):
        getattr(why, name).update(value)
    else:
        setattr(why, name, value)
    assert workflow.reason(why).startswith(ours)


def test_the_weightiest_reason_is_given():
    from snakemake.jobs import Reason

    why = Reason()
    why.updated_input_run.add("x")
    why.missing_output.add("y")
    assert workflow.reason(why) == "not made yet"


def test_the_sentence_of_snakemakes_error():
    from snakemake.exceptions import MissingRuleException, WorkflowError

    assert workflow.sentence(WorkflowError("data.tc:\n  no")) == "data.tc: no"
    assert "input functions" not in workflow.sentence(MissingRuleException("x"))
    assert workflow.sentence(KeyError()) == "KeyError"


def test_a_real_plan_and_what_cannot_be_planned(tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text(f"extends: configs/smoke.yaml\nresults: {tmp_path}/out, 2\n")
    results = f"{tmp_path}/out, 2"
    made = f"{results}/data/qaa/tc.parquet"
    jobs = workflow.planned(str(config), [made], results, ROOT)
    assert [(job.rule, job.stage) for job in jobs] == [("invent", "data"), ("read_task", "data")]
    assert (jobs[1].outputs[0], jobs[1].reason) == (made, "not made yet")
    assert jobs[1].log.endswith("/logs/read_task/qaa/tc.log")
    assert not os.path.exists(results)
    with pytest.raises(UserError, match="Snakemake cannot plan this: No rule to produce"):
        workflow.planned(str(config), [f"{results}/nothing"], results, ROOT)


LOCKED = "monoglot run mine.yaml -- --unlock"


def noted(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: object) -> str:
    """Let this process claim results; change what it says of itself; return who locks them."""
    monkeypatch.chdir(folder)
    claim(Path("out")).close()
    note = folder / "out" / workflow.CLAIM
    note.write_text(json.dumps(json.loads(note.read_text()) | changes))
    return workflow.who_locks(folder, "out", LOCKED)


def test_a_run_that_holds_its_locks_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(workflow, "_is_snakemake", lambda one, _: one.pid == os.getpid())
    said = noted(tmp_path, monkeypatch)
    assert f"process {os.getpid()} in {tmp_path}, has locked" in said
    assert said.endswith(f"end it with `kill -INT {os.getpid()}`")
    (tmp_path / "out" / workflow.CLAIM).unlink()
    assert workflow.who_locks(tmp_path, "out", LOCKED) == said


def test_locks_that_nobody_holds_any_more_are_removed_by_a_command(tmp_path, monkeypatch):
    monkeypatch.setattr(workflow, "_is_snakemake", lambda *_: False)
    said = noted(tmp_path, monkeypatch)
    assert said.startswith(f"a run on this machine, process {os.getpid()}, was killed")
    assert f"remove them with `{LOCKED}`, and run again" in said
    # Another run in the same folder makes other results.
    monkeypatch.setattr(workflow, "_is_snakemake", lambda one, _: one.pid == os.getppid())
    assert workflow.who_locks(tmp_path, "out", LOCKED) == said


def test_locks_of_another_machine_may_be_held(tmp_path, monkeypatch):
    monkeypatch.setattr(workflow, "_is_snakemake", lambda *_: False)
    said = noted(tmp_path, monkeypatch, host="node7", process=12)
    assert said.startswith("a run on node7, process 12, has locked these results; wait until")
    assert LOCKED in said
    said = workflow.who_locks(tmp_path, "other", LOCKED)
    assert said.startswith("a run that is not on this machine has locked")
    assert LOCKED in said


@pytest.mark.parametrize("home", ["{tmp}/file", "/proc/none", "{tmp}/none/deep"])
def test_snakemake_needs_no_home_folder(tmp_path, monkeypatch, home):
    (tmp_path / "file").touch()
    home = home.format(tmp=tmp_path)
    monkeypatch.setenv("HOME", home)
    for name in ("XDG_CACHE_HOME", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    found = workflow._environment(tmp_path)
    assert found["XDG_CACHE_HOME"] == f"{tmp_path}/.snakemake/cache"
    assert found["HF_HOME"] == f"{home}/.cache/huggingface"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "XDG_CACHE_HOME" not in workflow._environment(tmp_path)


def test_snakemake_prints_what_the_terminal_could_not(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    words = [sys.executable, "-m", "snakemake"]
    monkeypatch.setattr(workflow, "_child", lambda *_: [sys.executable, "-c", "print('Ž → ×')"])
    assert list(SnakemakeRun(words, tmp_path).lines(60)) == ["Ž → ×"]
