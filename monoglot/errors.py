"""The one exception that a user is meant to read."""

import errno
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

LONGEST = 2000
"""Characters of a message; what it quotes from a file may be a line of any length."""


MOST_FAULTS = 50
"""Faults that are told one by one."""


class UserError(Exception):
    """Something the user can mend.

    The message is one sentence: what is wrong, where (file, line, key), what would be right. Where
    several faults were found at once there is a line for each, below one that counts them.
    Commands print it without a traceback and exit with status 1. Whatever it quotes, each sentence
    is one line of printable characters.

    Attributes:
        faults: the sentences.
    """

    def __init__(self, *faults: str) -> None:
        self.faults = tuple(dict.fromkeys(map(_one_line, faults)))
        said, *others = self.faults
        if others:
            more = len(others) + 1 - MOST_FAULTS
            told = [*self.faults[:MOST_FAULTS], *([f"and {more:,} more"] if more > 0 else [])]
            said = "\n".join([f"{len(self.faults):,} faults:", *(f"  {one}" for one in told)])
        super().__init__(said)


def _one_line(fault: str) -> str:
    if len(fault) > LONGEST:
        fault = f"{fault[: LONGEST // 2]} … {fault[-LONGEST // 2 :]}"
    return "".join(one if one.isprintable() else " " for one in fault)


class Faults:
    """The faults that checks find which do not depend on each other, to be told together."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._gone: set[str] = set()

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, *faults: str) -> None:
        """Keep faults, but those that `leave_out` is about."""
        told = [form.format(name) for name in self._gone for form in ("'{}'", ".{}.", ".{}:")]
        keys = tuple(f"{name}: " for name in self._gone)
        self._found += [
            one for one in faults if not one.startswith(keys) and not any(n in one for n in told)
        ]

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Within this, a `UserError` ends the block, and is kept.

        So does any other error if something is at fault already: what was left out for that may be
        missed in a way that no check foresees.
        """
        try:
            yield
        except UserError as error:
            self.add(*error.faults)
        except Exception:
            if not self._found:
                raise

    def leave_out(self, name: str) -> None:
        """Keep no more faults of a key, or that name a block, whose own fault is told already."""
        self._gone.add(name)

    def tell(self) -> None:
        """Raise a `UserError` with all that were found, if any were."""
        if self._found:
            raise UserError(*self._found)


# What libraries say.

ITS_ADVICE = re.compile(
    r"install|trust_remote_code|weights_only|allow_|unsafe|upgrade|=\s*True|https?://",
    re.IGNORECASE,
)
"""Words of advice that is for programmers, or not safe to follow."""
OF_PYTHON = (AttributeError, TypeError, LookupError, NameError, AssertionError, ImportError)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, for use inside a sentence.

    Of what a library did not expect, and what it advises, nothing is passed on.
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if isinstance(error, OF_PYTHON) or ITS_ADVICE.search(lines[0]):
        return "it is not what its library expects"
    return lines[0].rstrip(".")


def panic(error: BaseException) -> str | None:
    """Say what broke a library's Rust code, whose error is no `Exception`; None for all others."""
    if type(error).__name__ != "PanicException":
        return None
    return (
        f"a tokenizer or a text broke the library that reads it ({first_line(error)}); "
        "make or fetch the checkpoint again"
    )


# Amounts as people read them.

UNITS = ("B", "kB", "MB", "GB", "TB")


def size(count: float | None) -> str:
    """Return a number of bytes: `1.06 GB`; a question mark for None."""
    if count is None:
        return "?"
    unit = 0
    while count >= 1000 and unit < len(UNITS) - 1:
        count, unit = count / 1000, unit + 1
    return f"{count:.3g} {UNITS[unit]}"


def duration(seconds: float) -> str:
    """Return a duration in the two largest units: `45 s`, `12 min 5 s`, `3 h 10 min`, `2 d 4 h`."""
    whole = round(seconds)
    for length, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= length:
            rest = whole % length // smaller
            return f"{whole // length} {unit}" + (f" {rest} {name}" if rest else "")
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min" + (f" {whole % 60} s" if whole < 600 and whole % 60 else "")


def first_few(names: Sequence[str], most: int = 3) -> str:
    """Return names with commas, the first ones and how many more: `a, b, c and 2 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


# Faults whose remedy is an option for one who asks, a key of a configuration for another.


class AdvisedError(UserError):
    """A fault and what to do about it; who knows that better says it within `advising`.

    Attributes:
        fault: what is wrong and where, without the advice.
    """

    def __init__(self, fault: str, advice: str) -> None:
        super().__init__(f"{fault}; {advice}")
        self.fault = fault


@contextmanager
def advising(kind: type[AdvisedError], advice: str) -> Iterator[None]:
    """Within this, a fault of a kind ends with this advice."""
    try:
        yield
    except kind as error:
        raise UserError(f"{error.fault}; {advice}") from None


# Optional parts: libraries that only some jobs need, and how to get them.

LIBRARIES = {"adapters": ("adapters",), "onnx": ("onnx", "onnxruntime"), "energy": ("codecarbon",)}
"""By extra of this package, what it brings."""


def need(extra: str) -> None:
    """Raise `UserError`, which says what to install, unless an extra's libraries are there."""
    for library in LIBRARIES[extra]:
        try:
            missing = find_spec(library) is None
        except ValueError:  # It is imported and has put an object without a spec in its own place.
            missing = False
        if missing:
            raise UserError(f"{library} is not installed; pip install 'monoglot[{extra}]'")


# Faults of the machine as one sentence: a full disk, a folder that is read-only, no memory.

ADVICE = {
    errno.ENOSPC: "free space there, or give another folder, and start again",
    errno.EDQUOT: "free some of your quota there, or give another folder, and start again",
    errno.EFBIG: "allow larger files there (`ulimit -f`), or give another folder, and start again",
    errno.EROFS: "make it writable, or give another folder",
    errno.EACCES: "give yourself the permission, or give another folder",
    errno.EPERM: "give yourself the permission, or give another folder",
    errno.ENOTDIR: "a part of the path is a file; give another path",
    errno.EEXIST: "it is not a folder; give another path",
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
        if isinstance(error, MemoryError) or OUT_OF_MEMORY.search(first_line(error)):
            return f"not enough memory ({first_line(error)}); lower {to_lower}"
        number = _number(error)
        if number in ADVICE:
            # Of a file that is copied or moved, the second name is where it was to go.
            names = (getattr(error, name, None) for name in ("filename2", "filename"))
            where = next(filter(None, names), "the results")
            reason = getattr(error, "strerror", None) or first_line(error)
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
