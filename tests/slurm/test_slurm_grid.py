"""The whole small grid through SLURM; what jobs ask for and where they run. For CI too."""

import pytest
from experiment import Experiment

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def grid(cluster, tmp_path_factory) -> tuple[Experiment, list[dict[str, str]]]:
    """The grid, and what accounting says of its jobs."""
    experiment = Experiment(tmp_path_factory.mktemp("grid") / "project")
    run = experiment.start()
    run.succeeds()
    return experiment, run.jobs(cluster)


def test_the_grid_equals_that_of_a_run_without_slurm(grid, undisturbed):
    assert grid[0].results() == undisturbed.results()


def test_jobs_ask_for_what_the_configuration_says(grid):
    _, jobs = grid
    assert {job["State"] for job in jobs} == {"COMPLETED"}
    assert {job["Account"] for job in jobs} == {"lab"}
    for job in jobs:
        on_gpu = "train" in job["Comment"] or "evaluate" in job["Comment"]
        assert job["Partition"] == ("gpu" if on_gpu else "main")
        assert ("gres/gpu=1" in job["ReqTRES"]) == on_gpu
        assert "mem=1200M" in job["ReqTRES"]


def test_adapter_jobs_wait_in_the_queue_in_groups_and_share_a_gpu_by_turns(grid):
    _, jobs = grid
    groups = [job for job in jobs if "evaluate" in job["Comment"]]
    assert len(groups) == 2
    assert sorted(job["Timelimit"] for job in groups) == ["00:24:00", "00:48:00"]


def test_light_jobs_run_where_snakemake_does(grid):
    _, jobs = grid
    assert len(jobs) == 9
    assert not [j for j in jobs if "read_" in j["Comment"] or "table" in j["Comment"]]


def test_nothing_is_left_to_do_and_no_log_of_success(grid):
    experiment, _ = grid
    assert "Nothing to be done" in experiment.start().succeeds()
    assert not list((experiment.folder / "results/logs/slurm").rglob("*.log"))
