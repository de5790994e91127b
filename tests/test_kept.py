"""Old results stay until the new ones are whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from monoglot import standing
from monoglot.errors import UserError
from monoglot.files import kept_as, let_go, whole_folder
from monoglot.workflow import RECORDS, STARTED, mark

JOB = [f"results/models/kd/{name}" for name in ("config.json", "model", "provenance.json")]
RESULTS = Path("results")


@pytest.fixture(autouse=True)
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which one job has finished, as Snakemake leaves it."""
    monkeypatch.chdir(tmp_path)
    for root in (RECORDS, STARTED):
        root.mkdir(parents=True)
    for name in JOB:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("old")
        os.utime(name, (1e9, 1e9))
        mark(RECORDS, name).write_text("made with 30 steps")


def start() -> None:
    """What Snakemake does before a job starts."""
    for name in JOB:
        Path(name).unlink(missing_ok=True)
        mark(STARTED, name).write_text("{}")


def fail() -> None:
    """What Snakemake notes of a job that has failed."""
    for name in JOB:
        mark(RECORDS, name).write_text("made with 30,000 steps")
        mark(STARTED, name).unlink()


def as_before() -> bool:
    return (
        all(Path(name).read_text() == "old" for name in JOB)
        and all(Path(name).stat().st_mtime == 1e9 for name in JOB)
        and all(mark(RECORDS, name).read_text() == "made with 30 steps" for name in JOB)
        and not any(file for file in STARTED.rglob("*") if file.is_file())
        and nothing_is_kept()
    )


def nothing_is_kept() -> bool:
    return not list(RESULTS.rglob(".kept*"))


def test_a_failed_job_leaves_what_there_was_with_its_time_and_its_record():
    standing.keep([JOB], RESULTS)
    start()
    fail()
    assert standing.put_back(RESULTS) == (
        "the old results are back where no new ones were made: results/models/kd"
    )
    assert as_before()


def test_after_a_kill_the_next_run_puts_back_even_from_another_folder(tmp_path, monkeypatch):
    standing.keep([JOB], RESULTS)
    start()
    Path(JOB[0]).write_text("new, and alone")
    monkeypatch.chdir("/")
    assert standing.put_back(tmp_path / RESULTS)
    monkeypatch.chdir(tmp_path)
    assert as_before()


def test_a_job_that_never_started_is_left_as_it_is():
    standing.keep([JOB], RESULTS)
    assert standing.put_back(RESULTS) is None
    assert as_before()


def test_a_new_result_stays():
    standing.keep([JOB], RESULTS)
    start()
    for name in JOB:
        Path(name).write_text("new")
    assert standing.put_back(RESULTS) is None
    assert all(Path(name).read_text() == "new" for name in JOB)
    assert nothing_is_kept()


def test_what_is_new_and_whole_lets_the_old_go_at_once():
    standing.keep([JOB], RESULTS)
    start()
    with whole_folder(Path(JOB[0]).parent) as aside:
        for name in JOB:
            (aside / Path(name).name).write_text("new")
    let_go(map(Path, JOB))
    assert not list(RESULTS.rglob(".kept"))
    assert standing.put_back(RESULTS) is None
    assert all(Path(name).read_text() == "new" for name in JOB)


def test_a_result_that_was_not_whole_is_put_back_as_far_as_it_was_there():
    Path(JOB[0]).unlink()
    standing.keep([JOB], RESULTS)
    start()
    assert standing.put_back(RESULTS)
    assert not Path(JOB[0]).exists()
    assert Path(JOB[1]).read_text() == "old"


def test_without_snakemakes_record_nothing_is_kept():
    mark(RECORDS, JOB[1]).unlink()
    standing.keep([JOB], RESULTS)
    assert nothing_is_kept()


def test_a_disk_without_links_keeps_copies(monkeypatch):
    def no_links(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", no_links)
    standing.keep([JOB], RESULTS)
    assert not kept_as(Path(JOB[0])).samefile(JOB[0])
    start()
    fail()
    assert standing.put_back(RESULTS)
    assert as_before()


def test_nothing_to_keep_and_nothing_kept_leave_no_trace(tmp_path):
    standing.keep([], RESULTS)
    assert nothing_is_kept()
    assert standing.put_back(RESULTS) is None
    (RESULTS / standing.LIST).write_text("[1, ")
    assert standing.put_back(RESULTS) is None


@pytest.mark.parametrize("name", ["results/a", f"results/{'long/' * 100}file"])
def test_marks_are_where_snakemake_looks_for_them(name, tmp_path):
    from snakemake.persistence.file import FilePersistence

    persistence = object.__new__(FilePersistence)
    persistence._max_len = None
    assert str(mark(tmp_path, name)) == persistence._record_path(str(tmp_path), name)


def test_results_that_took_long_are_told_before_they_are_made_again():
    jobs = []
    for number, seconds in enumerate([599, 601, 3600, 7200, 7201]):
        file = Path(f"results/models/kd{number}/provenance.json")
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"seconds": seconds}))
        jobs.append([str(file)])
    assert standing.making_again(jobs) == (
        "results that took 5 h 10 min are made again: results/models/kd4, results/models/kd3, "
        "results/models/kd2 and 1 more; each old one stays until the new one is whole"
    )
    assert standing.making_again(jobs[:1]) is None
    assert standing.making_again([["results/models/new/provenance.json"], JOB]) is None


def test_a_second_run_is_refused_whichever_folder_it_comes_from(tmp_path):
    with standing.unclaimed(RESULTS) as free:
        assert free
    held = standing.claim(RESULTS)
    with standing.unclaimed(RESULTS) as free:
        assert not free
    code = "import sys; from pathlib import Path; from monoglot.standing import claim\n"
    code += "claim(Path(sys.argv[1]))"
    second = subprocess.run(
        [sys.executable, "-c", code, str(RESULTS.absolute())],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert f"another run works on these results (process {os.getpid()} on " in second.stderr
    assert f"from {tmp_path}" in second.stderr
    held.close()
    standing.claim(RESULTS).close()


def test_a_claim_ends_with_its_holder():
    first = standing.claim(RESULTS)
    with pytest.raises(UserError):
        standing.claim(RESULTS)
    first.close()
    standing.claim(RESULTS).close()
