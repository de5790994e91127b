"""Spoilt input: success, or one clear sentence; never a traceback, never a silently wrong number.

Each case is a function of its family and its number, so that a defect can be run again:

    MUTANT="task conllu 17" python -m pytest tests/mutants
"""

import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cases
import pytest
import tiny

FAST = 6
SLOW = {"loading": 300, "pretrained": 200, "tokenizer": 200}
SLOW_OTHERWISE = 200
CHUNK = 20


def families() -> dict[str, cases.Check]:
    """All families of cases by name."""
    import checkpoint_cases
    import config_cases
    import explain_cases
    import raw_cases
    import report_cases

    found = {f"text {form}": raw_cases.text_case(form) for form in raw_cases.TEXT_FORMATS}
    found |= {f"task {form}": raw_cases.task_case(form) for form in raw_cases.TASK_FORMATS}
    found["prepared"] = raw_cases.prepared_case
    for module in (config_cases, report_cases, explain_cases, checkpoint_cases):
        names = [name for name in dir(module) if name.endswith("_case")]
        found |= {name.removesuffix("_case"): getattr(module, name) for name in names}
    return found


def run(family: str, first: int, count: int) -> list[cases.Result]:
    check = families()[family]
    return [cases.run(family, check, seed) for seed in range(first, first + count)]


@pytest.fixture
def checkpoints(tiny_checkpoint, tmp_path: Path, monkeypatch) -> None:
    """Put the tiny checkpoints where cases find them."""
    for family in ("bert", "xlm-roberta", "distilbert"):
        (tmp_path / family).symlink_to(tiny_checkpoint(family))
    monkeypatch.setenv(tiny.FOLDER, str(tmp_path))
    tiny.tiny_folder.cache_clear()


@pytest.mark.usefixtures("checkpoints")
def test_a_sample_of_spoilt_input_is_read_right_or_refused(capsys):
    family, _, seed = os.environ.get("MUTANT", "").rpartition(" ")
    if seed:
        found = run(family, int(seed), 1)
    else:
        found = [result for family in families() for result in run(family, 0, FAST)]
    judged(found, capsys)


@pytest.mark.slow
@pytest.mark.usefixtures("checkpoints")
def test_spoilt_input_of_every_kind_is_read_right_or_refused(capsys):
    judged(list(in_processes()), capsys)


def in_processes() -> Iterator[cases.Result]:
    work = [
        (family, first, CHUNK)
        for family in families()
        for first in range(0, SLOW.get(family, SLOW_OTHERWISE), CHUNK)
    ]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        for done in pool.map(run, *zip(*work, strict=True)):
            yield from done


def judged(results: list[cases.Result], capsys) -> None:
    """Print how many cases ended how, and fail with the first defects if there are any."""
    with capsys.disabled():
        print("\n" + table(results))
    defects = [f"{one.name}:\n{one.about}" for one in results if one.outcome == "defect"]
    assert not defects, "\n\n".join(defects[:10])


def table(results: list[cases.Result]) -> str:
    """A line for each family and one for all: mutants, succeeded, refused, defects."""
    counts = Counter((one.family, one.outcome) for one in results)
    lines = [f"{'mutants of':<20}{'cases':>8}{'succeeded':>11}{'refused':>9}{'defects':>9}"]
    for family in dict.fromkeys(one.family for one in results):
        lines.append(line(family, [counts[family, o] for o in ("succeeded", "refused", "defect")]))
    ends = Counter(one.outcome for one in results)
    return "\n".join([*lines, line("all", [ends[o] for o in ("succeeded", "refused", "defect")])])


def line(name: str, counts: list[int]) -> str:
    return f"{name:<20}{sum(counts):>8}{counts[0]:>11}{counts[1]:>9}{counts[2]:>9}"
