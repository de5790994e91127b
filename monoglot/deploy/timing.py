"""How long answers take: one at a time, and many at once."""

from collections.abc import Callable, Sequence
from time import perf_counter_ns

import numpy as np

Answer = Callable[[np.ndarray], object]
"""Takes ids [batch, length]; returns when the answer is there."""

PERCENTILES = (50, 95, 99)


def latency(answer: Answer, windows: np.ndarray, repeats: int, warmup: int) -> dict[str, float]:
    """Answer one window at a time, in turn, and return percentiles and mean in milliseconds.

    Percentiles between two measurements are interpolated linearly.

    Args:
        windows: ids [count, length].
        warmup: answers before those that are timed.
    """
    single = [window[None] for window in windows]
    took = durations(answer, [single[i % len(single)] for i in range(warmup + repeats)])
    return summary(took[warmup:])


def throughput(answer: Answer, windows: np.ndarray, repeats: int) -> dict[str, float]:
    """Answer all windows at once, `repeats` times after one that is not timed.

    Returns sequences and tokens per second.
    """
    seconds = sum(durations(answer, [windows] * (1 + repeats))[1:]) / 1e9
    return {
        "sequences_per_second": round(repeats * len(windows) / seconds, 4),
        "tokens_per_second": round(repeats * windows.size / seconds, 2),
    }


def durations(answer: Answer, inputs: Sequence[np.ndarray]) -> list[int]:
    """Return the nanoseconds that each answer took."""
    took = []
    for ids in inputs:
        started = perf_counter_ns()
        answer(ids)
        took.append(perf_counter_ns() - started)
    return took


def summary(nanoseconds: Sequence[int]) -> dict[str, float]:
    """Return `p50_ms`, `p95_ms`, `p99_ms` and `mean_ms` of durations."""
    values = np.asarray(nanoseconds) / 1e6
    found = dict(zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True))
    return {f"p{share}_ms": round(float(value), 4) for share, value in found.items()} | {
        "mean_ms": round(float(values.mean()), 4)
    }
