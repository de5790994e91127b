"""The most memory a process has had, its own alone."""

import resource
import sys
from pathlib import Path


def peak_rss_bytes() -> int:
    """Return the largest resident set that this process has had.

    On Linux that of this program: `ru_maxrss` may be that of the process that started it.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
