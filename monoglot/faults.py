"""Faults of the machine as one sentence: a full disk, a folder that is read-only, no memory."""

import errno
import re

ADVICE = {
    errno.ENOSPC: "free space there, or give another folder, and start again",
    errno.EDQUOT: "free some of your quota there, or give another folder, and start again",
    errno.EFBIG: "allow larger files there (`ulimit -f`), or give another folder, and start again",
    errno.EROFS: "make it writable, or give another folder",
    errno.EACCES: "give yourself the permission, or give another folder",
    errno.EPERM: "give yourself the permission, or give another folder",
    errno.ENOTDIR: "a part of the path is a file; give another path",
    errno.EEXIST: "it is no folder; give another path",
    errno.EISDIR: "it is a folder; give another path",
    errno.ELOOP: "links lead round in a circle; give another path",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.EIO: "the disk or its connection is faulty; mend it, and start again",
    errno.ESTALE: "the network disk was lost for a moment; start again",
    errno.EMFILE: "allow more open files (`ulimit -n`), and start again",
    errno.ENFILE: "run fewer jobs at a time",
    errno.ENOMEM: "run fewer jobs at a time (`--cores`)",
}
OF_THE_SYSTEM = re.compile(r"(?:os error |[Ee]rrno )(\d+)")
OUT_OF_MEMORY = re.compile(
    r"out of memory|can't allocate memory|cannot allocate memory|bad_alloc|bad allocation|"
    r"could not create a memory|Unable to allocate|MemoryError",
    re.IGNORECASE,
)


def sentence(error: BaseException, to_lower: str = "") -> str | None:
    """Say what is wrong with the machine and what to do; None if it is something else.

    Args:
        error: as raised; what it was raised from counts too.
        to_lower: what takes less memory: keys of the configuration.
    """
    while error is not None:
        if isinstance(error, MemoryError) or OUT_OF_MEMORY.search(_first_line(error)):
            return f"not enough memory ({_first_line(error)}); lower {to_lower}"
        number = _number(error)
        if number in ADVICE:
            # Of a file that is copied or moved, the second name is where it was to go.
            names = (getattr(error, name, None) for name in ("filename2", "filename"))
            where = next(filter(None, names), "the results")
            reason = getattr(error, "strerror", None) or _first_line(error)
            return f"{where}: {reason}; {ADVICE[number]}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def _number(error: BaseException) -> int | None:
    """Return the system's number of an error; libraries in Rust and C++ say it in their text."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    if isinstance(error, OSError) and re.search(r"\d+ requested and \d+ written", str(error)):
        return errno.ENOSPC  # NumPy says no more
    found = OF_THE_SYSTEM.search(str(error))
    return int(found[1]) if found else None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
