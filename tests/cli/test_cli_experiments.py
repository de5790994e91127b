"""`monoglot run`, `plan` and `status`."""

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from monoglot import workflow
from monoglot.cli.main import main
from monoglot.cli.options import workflow_folder
from monoglot.errors import UserError
from monoglot.fingerprint import ROOT
from tests import plans
from tests.cli.conftest import output
from tests.plans import FAILED, FINISHED, STARTED, told
from tests.rules.project_copy import Project

NOTHING = told(None, "Nothing to be done (all requested files are present and up to date).")


@pytest.fixture
def planned(snakemake, config: str) -> str:
    """Let Snakemake plan one training and its score, the data of which is read."""
    results = str(Path(config).parent / "out")
    snakemake.jobs = plans.plan(results)
    return results


def test_plan_by_stage(monoglot, planned, config):
    said = output(monoglot("plan", config, "--no-hub", "-q"))
    lines = [line.split() for line in said.splitlines()]
    assert ["data", "1", "0"] in lines
    assert ["checkpoints", "0", "1", "?", "not", "made", "yet"] in lines
    assert "2 jobs to do, 1 done." in said
    # 278 million less six layers, four bytes each, and the tokenizer.
    assert "Disk: about 961 MB of checkpoints and adapters, and up to 2.83 GB" in said


def test_plan_names_results_that_took_long_and_would_be_made_again(
    monoglot, snakemake, planned, config
):
    made = plans.write(Path(planned, "scores/xlmr/mt/kd/tc/provenance.json"), '{"seconds": 7200}')
    *others, score = snakemake.jobs
    snakemake.jobs = [*others, replace(score, outputs=(*score.outputs, str(made)))]
    said = output(monoglot("plan", config, "--no-hub"))
    assert f"Again: results that took 2 h are made again: {made.parent}; each old one" in said


def test_plan_as_json_with_times_of_earlier_runs(monoglot, planned, config):
    job = plans.plan()[1]
    plans.write(Path(planned, job.benchmark.removeprefix("out/")), "s\n30\n")
    said = json.loads(output(monoglot("plan", config, "--json", "--cores", "2")))
    assert (said["done"], said["to_do"]) == (1, 2)
    assert said["time"] == {
        **{"seconds_of_jobs": 30.0, "seconds_at_least": 30.0, "jobs_of_unknown_time": 1}
    }


def test_plan_names_a_model_that_nothing_needs(monoglot, planned, config):
    shape = "{layers: 12, hidden_size: 768, heads: 12, ffn_size: 3072}"
    with open(config, "a") as file:
        file.write(f"models: {{more: {{family: bert, folder: more, shape: {shape}}}}}\n")
    said = output(monoglot("plan", config, "--no-hub"))
    assert "Not used: model more, which no table or figure needs.\n" in said
    assert "model xlmr" not in said


def test_plan_says_what_snakemake_refuses(monoglot, config, monkeypatch):
    line = plans.MARK + json.dumps({"error": "there is no text"})
    child = f"import sys; print({line!r}); sys.exit(1)"
    monkeypatch.setattr(workflow, "_child", lambda *_: [sys.executable, "-c", child])
    said = monoglot("plan", config)
    output(said, status=1)
    assert "error: Snakemake cannot plan this: there is no text" in said.stderr


def test_status_by_stage_and_variant(monoglot, planned, config):
    said = output(monoglot("status", config))
    lines = [line.split() for line in said.splitlines()]
    assert ["data", "1", ".", ".", ".", ".", "1"] in lines
    assert ["checkpoint", "made", "tc"] in lines
    assert ["xlmr/mt/kd", "-", "-"] in lines
    assert "No run is under way. 1 of 3 jobs are done" in said


def test_status_names_done_jobs_whose_files_are_gone(monoglot, planned, config):
    first, *_ = plans.plan(planned)
    said = output(monoglot("status", config))
    assert f"Files of 1 done job are gone ({first.outputs[0]})" in said
    for name in first.outputs:
        plans.write(Path(name))
    assert "gone" not in output(monoglot("status", config))
    assert json.loads(output(monoglot("status", config, "--json")))["gone"] == []


def test_status_names_the_fault_of_a_failed_job(monoglot, planned, config):
    log = Path(planned, "logs/train/xlmr/mt/kd.log")
    plans.write(log, "error: there is no text\n")
    assert f"FAILED  train xlmr/mt/kd: there is no text ({log})" in output(
        monoglot("status", config)
    )
    said = json.loads(output(monoglot("status", config, "--json")))
    assert said["counts"] == {"done": 1, "running": 0, "queued": 0, "failed": 1, "missing": 1}


def test_status_watches_until_all_is_done(monoglot, planned, snakemake, config):
    snakemake.jobs = plans.plan(planned, reasons={})[:1]
    assert "All 1 jobs are done." in output(monoglot("status", config, "--watch"))


def test_run_prints_the_command_and_passes_on_what_follows_the_dashes(monoglot, snakemake, config):
    snakemake.prints(NOTHING)
    more = ("--cores", "2", "-k", "--", "--rerun-triggers", "mtime")
    said = monoglot("run", config, "table1", "xlmr/mt/kd", *more)
    output(said)
    results = Path(config).parent / "out"
    files = [f"{results}/tables/table1.csv", f"{results}/models/xlmr/mt/kd/config.json"]
    words = [*files, "--configfile", config, "--cores", "2", "--keep-going", *more[4:]]
    assert snakemake.asked == [" ".join(words)]
    assert shlex.join([sys.executable, "-m", "snakemake", *words]) in said.stderr
    assert "Nothing to do" in said.stderr


@pytest.mark.parametrize("cores", ["x", "0", "-1", "1.5", "ALL", ""])
def test_cores_are_a_number_or_all(monoglot, config, cores):
    said = monoglot("run", config, f"--cores={cores}")
    output(said, status=2)
    assert f"'{cores}' is neither a positive whole number nor `all`" in said.stderr


@pytest.mark.parametrize("command", ["run", "plan", "status"])
@pytest.mark.parametrize(
    "name", ["nope", "xlmr/mt/nope", "xlmr/de/kd", "xlmr/any/kd", "config.yaml", ""]
)
def test_what_is_no_target_is_refused_with_those_there_are(
    monoglot, snakemake, config, command, name
):
    said = monoglot(command, config, name)
    output(said, status=1)
    assert f"'{name}' is not a target of this configuration; name one of all, tables" in said.stderr
    assert "table6" in said.stderr
    assert not snakemake.started


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("table2", "{results}/tables/table2.csv"),
        ("xlmr/mt/kd", "{results}/models/xlmr/mt/kd/config.json"),
        ("xlmr/mt/base", "{results}/models/xlmr/any/base/config.json"),
        ("xlmr/any/base", "{results}/models/xlmr/any/base/config.json"),
        ("{results}/data/mt/tc.parquet", "{results}/data/mt/tc.parquet"),
        ("figures", "figures"),
        ("cards", "cards"),
        ("report", "report"),
    ],
)
def test_targets(monoglot, snakemake, config, name, made):
    results = Path(config).parent / "out"
    snakemake.prints(NOTHING)
    output(monoglot("run", config, name.format(results=results)))
    assert snakemake.asked[0].split()[0] == made.format(results=results)


def test_run_with_slurm_takes_its_profile(monoglot, snakemake, config):
    output(monoglot("run", config, "--slurm", "-n"))
    assert snakemake.asked == [f"--configfile {config} --workflow-profile profiles/slurm --dry-run"]


def test_run_says_what_failed(monoglot, snakemake, config):
    snakemake.prints(STARTED + FAILED, status=1)
    said = monoglot("run", config)
    output(said, status=1)
    assert "error: there is no text" in said.stderr
    assert "Select jobs" not in said.stderr
    assert "error: 1 job failed (train xlmr/mt/kd) after" in said.stderr


def test_a_dry_run_is_an_answer(monoglot, snakemake, config):
    snakemake.prints("Job stats:\n")
    assert output(monoglot("run", config, "-n")) == "Job stats:\n"


def test_what_else_snakemake_is_asked_for_is_shown(monoglot, snakemake, config):
    snakemake.prints("Unlocked working directory.\n")
    said = monoglot("run", config, "--", "--unlock")
    assert output(said) == "Unlocked working directory.\n"
    assert "Done" not in said.stderr


@pytest.mark.parametrize("verbosity", ["-q", "-v"])
def test_a_lock_is_told_in_our_words(monoglot, snakemake, config, monkeypatch, verbosity):
    asked = []
    monkeypatch.setattr(workflow, "who_locks", lambda *about: asked.append(about) or "a run did")
    text = "Error: Directory cannot be locked. Please make sure that no other Snakemake ..."
    snakemake.prints(told(None, "Building DAG of jobs...") + told(None, text, error=True), status=1)
    said = monoglot("run", config, verbosity)
    output(said, status=1)
    assert said.stderr.splitlines()[-1] == "error: a run did"
    assert "Directory cannot" not in said.stderr
    ((folder, results, unlock),) = asked
    assert (folder, results) == (ROOT, f"{Path(config).parent}/out")
    assert unlock == f"monoglot run {config} -- --unlock"


def test_status_says_how_to_remove_a_lock(monoglot, planned, config, monkeypatch):
    state = "monoglot.workflow.locked_since"
    monkeypatch.setattr(state, lambda *_: 1.0)
    monkeypatch.setattr(workflow, "running_here", lambda _: False)
    said = output(monoglot("status", config))
    assert f"`monoglot run {config} -- --unlock`, and run again. 1 of 3 jobs are done" in said


def test_run_says_nothing_when_quiet_and_everything_when_verbose(monoglot, snakemake, config):
    snakemake.prints(STARTED + FINISHED)
    quiet, verbose = monoglot("run", config, "-q"), monoglot("run", config, "-v")
    assert (output(quiet), quiet.stderr) == ("", "")
    assert output(verbose) == ""
    assert "Select jobs to execute..." in verbose.stderr


def test_configurations_are_found_from_any_folder(monoglot, snakemake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = monoglot("run", "configs/demo.yaml", "-n")
    output(said)
    assert said.stderr.startswith(f"+ cd {ROOT} && ")
    wrong = monoglot("run", "configs/none.yaml")
    output(wrong, status=1)
    assert "error: configs/none.yaml: there is no such configuration file" in wrong.stderr


def test_without_a_checkout_the_workflow_is_missed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("monoglot.cli.options.ROOT", tmp_path)
    with pytest.raises(UserError, match="go to a checkout"):
        workflow_folder()


@pytest.mark.slow
def test_a_real_run_of_the_smallest_experiment(tmp_path, monkeypatch):
    project = Project(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("COLUMNS", "200")

    def monoglot(*arguments: str, status: int = 0) -> str:
        return output(CliRunner().invoke(main, arguments), status)

    config = "configs/smoke.yaml"
    plan = json.loads(monoglot("plan", config, "--json"))
    assert (plan["done"], plan["to_do"] > 40) == (0, True)
    assert monoglot("run", config, "xlmr/qaa/kd", "-q") == ""
    state = json.loads(monoglot("status", config, "--json"))
    done = {job["name"] for job in state["jobs"] if job["state"] == "done"}
    assert "xlmr/qaa/kd" in done
    assert "xlmr/qaa/hidden48" not in done
    monoglot("run", config, "-q")
    assert f"All {plan['to_do']} jobs are done." in monoglot("status", config)
    assert f"Nothing to do: all {plan['to_do']} jobs are done." in monoglot("plan", config)
    # A fault: a table of a file that is no record.
    (project.folder / "results/smoke/scores/xlmr/qaa/kd/tc/seed1.json").write_text("{}")
    said = CliRunner().invoke(main, ["run", config])
    assert said.exit_code == 1
    assert "1 job failed (table table1)" in said.stderr
    assert "seed1.json" in said.stderr
