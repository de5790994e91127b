"""Jobs on a machine with two GPUs, by the real Snakemake; the GPUs are only said to be there."""

import json
import shutil
from pathlib import Path

import pytest
from project_copy import DEMO

STAND_IN = Path(__file__).parent / "stand_in.py"
TRAINED = ["hidden48", "hidden40", "hidden24"]
TASKS = ["tc", "sa", "ner", "pos"]


@pytest.fixture
def jobs(project, tmp_path):
    """Return `jobs(targets, ...)`: runs the demo's jobs for targets and returns what they said."""
    for script in ("train", "evaluate"):
        shutil.copy(STAND_IN, project.folder / "scripts" / f"{script}.py")

    def run(targets, *arguments, visible="0,1", seconds="1"):
        log = tmp_path / "log"
        log.unlink(missing_ok=True)
        for target in targets:
            (project.folder / target).unlink()
        (tmp_path / "tmp").mkdir(exist_ok=True)
        done = project.snakemake(
            *("--configfile", DEMO, "--cores", "8", "--rerun-triggers", "input"),
            *(*arguments, "--", *targets),
            CUDA_VISIBLE_DEVICES=visible,
            TMPDIR=str(tmp_path / "tmp"),
            SECONDS=seconds,
            LOG=str(log),
        )
        assert done.returncode == 0, done.stdout
        return [json.loads(line) for line in log.read_text().splitlines()]

    return run


def trainings(*variants):
    folders = [f"{model}/qaa/{variant}" for model in ("mbert", "xlmr") for variant in variants]
    return [f"results/demo/models/{folder}/history.csv" for folder in folders]


def evaluations(*variants):
    folders = [f"mbert/qaa/{variant}/{task}" for variant in variants for task in TASKS]
    return [f"results/demo/scores/{folder}/seed1.json" for folder in folders]


def at_once(jobs):
    """The most jobs that ran at the same time."""
    return max(sum(o["from"] <= job["from"] < o["to"] for o in jobs) for job in jobs)


def by_gpu(jobs):
    return {name: [j for j in jobs if name in j["gpus"].split(",")] for name in ("0", "1")}


def test_each_gpu_trains_one_model_at_a_time_and_both_are_busy(jobs):
    ran = jobs(trainings(*TRAINED))
    assert len(ran) == 6
    assert [at_once(jobs) for jobs in by_gpu(ran).values()] == [1, 1]
    assert at_once(ran) == 2


def test_adapter_jobs_share_a_gpu_beside_a_training(jobs):
    """Two share one where nothing is known of its memory."""
    ran = jobs([*trainings("hidden48")[:1], *evaluations("adapted", "kd")], seconds="2")
    assert len(ran) == 9
    training = next(job for job in ran if job["script"] == "train")
    beside = [o for o in ran if o is not training and o["from"] < training["to"]]
    assert beside
    assert {job["gpus"] for job in beside} == {"0", "1"} - {training["gpus"]}
    assert at_once(beside) == 2
    assert max(map(at_once, by_gpu(ran).values())) == 2
    assert at_once([job for job in ran if job is not training]) == 4


def test_the_share_of_an_adapter_job_can_be_set(jobs):
    ran = jobs(evaluations("adapted", "kd"), "--set-resources", "evaluate:gpu_share=25")
    assert max(map(at_once, by_gpu(ran).values())) > 2
    ran = jobs(evaluations("adapted"), "--set-resources", "evaluate:gpu_share=100")
    assert [at_once(jobs) for jobs in by_gpu(ran).values()] == [1, 1]


def test_a_limit_of_the_users_own_is_kept(jobs):
    ran = jobs(trainings("hidden48"), "--resources", "gpu_share=100")
    assert at_once(ran) == 1


def test_a_training_takes_as_many_gpus_as_it_has_processes(jobs, project):
    project.edit(DEMO, "  hidden48: {", "  hidden48: {processes: 4, ")
    ran = jobs(trainings("hidden48", "hidden40"))
    assert {(job["gpus"], job["processes"]) for job in ran if "hidden48" in job["out"]} == {
        ("0,1", "2")
    }
    assert [at_once(jobs) for jobs in by_gpu(ran).values()] == [1, 1]


def test_more_processes_run_nothing_again(project):
    project.edit(DEMO, "  hidden48: {", "  hidden48: {processes: 4, ")
    assert project.planned() == set()


def test_without_a_gpu_there_are_as_many_jobs_as_cores(jobs):
    ran = jobs(trainings(*TRAINED), visible="", seconds="3")
    assert at_once(ran) == 6
    assert {job["gpus"] for job in ran} == {""}
