"""Percentiles and rates, on a clock of the test's own."""

import numpy as np
import pytest

from monoglot.deploy import child


@pytest.fixture
def clock(monkeypatch):
    """Return `clock(milliseconds)`: answers take these, one after another."""

    def build(took):
        now, left = [0], list(took)

        def answer(ids):
            seen.append(ids)
            now[0] += int(left.pop(0) * 1e6)

        seen = []
        monkeypatch.setattr(child, "perf_counter_ns", lambda: now[0])
        return answer, seen

    return build


def test_percentiles_are_interpolated(clock):
    answer, _ = clock([1000, *range(1, 11)])
    found = child.latency(answer, np.zeros((3, 4), dtype=int), repeats=10, warmup=1)
    # Between the ranks 0 to 9: 4.5, 8.55 and 8.91.
    assert found == {"p50_ms": 5.5, "p95_ms": 9.55, "p99_ms": 9.91, "mean_ms": 5.5}


def test_they_are_those_of_numpy():
    took = np.random.default_rng(0).integers(1, 10**9, 37)
    found = child.summary(took.tolist())
    for share in (50, 95, 99):
        expected = np.quantile(took / 1e6, share / 100, method="linear")
        assert found[f"p{share}_ms"] == pytest.approx(expected, abs=1e-4)


def test_texts_are_answered_one_at_a_time_in_turn(clock):
    answer, seen = clock([1] * 7)
    windows = np.arange(6).reshape(3, 2)
    child.latency(answer, windows, repeats=5, warmup=2)
    assert [ids.tolist() for ids in seen] == [[windows[i % 3].tolist()] for i in range(7)]


def test_throughput_leaves_the_first_batch_out(clock):
    answer, seen = clock([5000, 100, 300])
    found = child.throughput(answer, np.zeros((8, 16), dtype=int), repeats=2)
    assert found == {"sequences_per_second": 40, "tokens_per_second": 640}
    assert [ids.shape for ids in seen] == [(8, 16)] * 3
