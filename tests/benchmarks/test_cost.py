"""What a finished run cost, from the measurements and logs that it left."""

import os

import cost
import pytest


@pytest.fixture
def results(tmp_path):
    """Return a folder of results with two jobs of one rule and one of another."""

    def job(name: str, seconds: float, end: float, log: str) -> None:
        tsv = tmp_path / "benchmarks" / f"{name}.tsv"
        tsv.parent.mkdir(parents=True, exist_ok=True)
        tsv.write_text(f"s\th:m:s\tmax_rss\tcpu_time\n{seconds}\t0:00:09\t-\t{seconds / 2}\n")
        os.utime(tsv, (end, end))
        (tmp_path / "logs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "logs" / f"{name}.log").write_text(log)

    job("evaluate/m/tc", 60, 1060, "10:00:00 ready after 0.10 s\n10:00:01 ready after 15.00 s\n")
    job("evaluate/m/sa", 60, 1150, "10:00:00 ready after 15.00 s\n")
    job("invent", 30, 5000, "")
    return tmp_path


def test_minutes_of_each_rule(results):
    table = cost.cost(cost.measured(results))
    assert list(table.index) == ["evaluate", "invent", "all"]
    evaluate = table.loc["evaluate"]
    assert (evaluate["jobs"], evaluate["wall minutes"], evaluate["CPU minutes"]) == (2, 2, 1)
    assert (evaluate["start-up minutes"], evaluate["work minutes"]) == (0.5, 1.5)
    assert table.loc["all", "wall minutes"] == 2.5


def test_time_without_a_job_is_told_from_a_pause_between_runs(results):
    said = cost.timeline(cost.measured(results))
    # From 1000 to 1060 and from 1090 to 1150, and long after from 4970 to 5000.
    assert "3.0 minutes; 1.00 jobs at a time; no job at all for 0.5 minutes (17%)" in said
    assert said.endswith("Start-up takes 20% of the jobs' time.")


def test_a_run_without_measurements_has_none(tmp_path):
    assert cost.measured(tmp_path).empty
