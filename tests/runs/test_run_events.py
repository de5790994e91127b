"""Lines of a running Snakemake, and a child that is passed signals."""

import re
import signal
import sys
import threading
from pathlib import Path

import pytest

from monoglot.fingerprint import ROOT
from monoglot.runs.child import Child
from monoglot.runs.events import Events
from monoglot.runs.jobs import TARGET_RULES

STARTED = """\
Job stats:
job         count
--------  -------
train           1
evaluate        2
all             1
total           4

Select jobs to execute...
Execute 1 jobs...
[Sat Nov 21 15:42:45 2026]
rule train:
    input: a
    log: out/logs/train/xlmr/mt/kd.log
    jobid: 7
    wildcards: model=xlmr, language=mt, variant=kd
"""
FINISHED = """\
[Sat Nov 21 15:43:45 2026]
Finished jobid: 7 (Rule: train)
1 of 4 steps (25%) done
"""
FAILED = """\
[Sat Nov 21 15:43:45 2026]
Error in rule train:
    jobid: 7
    log: out/logs/train/xlmr/mt/kd.log (check log file(s) for error details)
Logfile out/logs/train/xlmr/mt/kd.log:
error: there is no text
[Sat Nov 21 15:43:46 2026]
rule other:
"""


def test_progress():
    events = Events()
    assert not any(events.read(line) for line in STARTED.splitlines())
    assert (events.total, events.done, events.open) == (3, 0, {"train": 1, "evaluate": 2})
    job = events.running["7"]
    assert (job.rule, job.name, job.log) == (
        *("train", "xlmr/mt/kd", "out/logs/train/xlmr/mt/kd.log"),
    )
    assert not any(events.read(line) for line in FINISHED.splitlines())
    assert (events.done, events.running, events.open["train"]) == (1, {}, 0)


def test_target_rules_are_not_counted():
    events = Events()
    for line in (STARTED + FINISHED + FINISHED.replace("train", "all")).splitlines():
        events.read(line)
    assert (events.done, events.total, events.open["all"]) == (1, 3, 0)


def test_target_rules_are_those_of_the_workflow_that_make_nothing():
    files = [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]
    rules = re.split(r"^ *rule (?=\w+:)", "\n".join(map(Path.read_text, files)), flags=re.MULTILINE)
    idle = [rule.partition(":")[0] for rule in rules[1:] if "    output:\n" not in rule]
    assert sorted(idle) == sorted(TARGET_RULES)


def test_faults_are_to_be_seen_and_nothing_else():
    events = Events()
    for line in STARTED.splitlines():
        events.read(line)
    shown = [line for line in FAILED.splitlines() if events.read(line)]
    assert shown == FAILED.splitlines()[1:-2]
    assert (events.failed, events.running) == (["train xlmr/mt/kd"], {})
    assert not events.read("Complete log(s): /x/.snakemake/log/1.log")
    assert events.log == "/x/.snakemake/log/1.log"


def test_errors_before_the_first_job_are_shown():
    lines = ['WorkflowError in file "Snakefile", line 3:', "data.tc: there is no source"]
    assert [line for line in lines if Events().read(line)] == lines[:1]
    events = Events()
    assert all(events.read(line) for line in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signals_go_on_to_the_child(tmp_path: Path, number: signal.Signals):
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: (print('asked to end'), sys.exit(3)))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    child = Child([sys.executable, "-c", code], tmp_path)
    said = []
    with child.signals_passed_on():
        for line in child.lines(0.05):
            said += [line] if line else []
            if line == "ready":
                threading.Timer(0.1, signal.raise_signal, [number]).start()
    assert (said, child.wait(), child.interrupted) == (["ready", "asked to end"], 3, number)
