"""What a result came from, as a JSON file beside it that every job writes.

It names the script and its arguments, the fingerprint of the script's code, the commit, library
versions and hardware, what the job used of processors and GPUs (`cpu_seconds`, `gpu_joules`), and
the SHA-256 of every file read and written. Paths are relative to the
JSON file, so that a results folder may be moved or copied. Beside the files of a folder it is
`provenance.json`, beside the files of one name (`table1.csv`, `table1.md`) it is
`table1.provenance.json`.
"""

import json
import os
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monoglot.consumption import counters, used
from monoglot.errors import UserError
from monoglot.files import sha256, whole_file
from monoglot.fingerprint import ROOT, WORKFLOW, code_of, libraries_of
from monoglot.surroundings import LIBRARIES, git_commit, hardware, versions

NAME = "provenance.json"
ABOUT = ("README.md", NAME)
"""Ends of names of files that tell about results and are none themselves: cards, provenance."""

IMPORTED_AS = {"scikit-learn": "sklearn"}
"""Names of packages where they are imported by another one than they are installed by."""

Provenance = dict[str, Any]

KEYS = {
    "script": str,
    "arguments": dict,
    "code": str,
    "git_commit": (str, type(None)),
    "versions": dict,
    "hardware": dict,
    "started": str,
    "seconds": (int, float),
    "inputs": dict,
    "outputs": dict,
}
"""The keys of a provenance file and the types of their values."""

OF_TEXTS = ("versions", "inputs", "outputs")
HARDWARE = {"cpu": str, "cores": int, "gpu": (str, type(None))}


@contextmanager
def recorded(
    script: str,
    arguments: Namespace,
    inputs: Iterable[Path],
    outputs: Iterable[Path],
    to: Path,
) -> Iterator[None]:
    """Run a job within this; if it succeeds, write where its results came from to `to`.

    Inputs are hashed before the job, which has to say itself that one is missing; outputs after
    it. A folder stands for the visible files in it, without its card. Of several processes that
    train together, the first writes.

    Args:
        script: the script's `__file__`.
    """
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    began, started = time.monotonic(), datetime.now(UTC)
    stood = counters()
    file = Path(script).resolve()
    name = file.relative_to(ROOT if file.is_relative_to(ROOT) else WORKFLOW).as_posix()
    read = _hashes(inputs, to.parent)
    found = {
        "script": name,
        "arguments": {key: _plain(value) for key, value in vars(arguments).items()},
        "code": code_of(name),
        "git_commit": git_commit(),
        "started": started.isoformat(timespec="seconds"),
        "inputs": read,
    }
    yield
    found |= {
        "outputs": _hashes(outputs, to.parent),
        "versions": versions(),
        "hardware": hardware(),
        "seconds": round(time.monotonic() - began, 3),
        **used(stood),
    }
    with whole_file(to) as aside:
        text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)
        aside.write_text(text + "\n", encoding="utf-8")


def of_folder(script: str, arguments: Namespace, inputs: Iterable[Path]):
    """Run a job that fills the folder `arguments.out` within this, see `recorded`."""
    out = arguments.out
    return recorded(script, arguments, inputs, [out], out / NAME)


def of_file(script: str, arguments: Namespace, inputs: Iterable[Path]):
    """Run a job that writes the file `arguments.out` within this, see `recorded`."""
    out = arguments.out
    return recorded(script, arguments, inputs, [out], beside(out))


def beside(file: Path) -> Path:
    """Return the path of the provenance of one file, and of those with its name before the dot."""
    return file.with_name(f"{file.name.partition('.')[0]}.{NAME}")


def provenance_of(file: Path) -> tuple[Path, Provenance] | None:
    """Return where the provenance of `file` lies, and what it says; None if there is none.

    Raises `UserError` if the file of provenance cannot be read.
    """
    candidates = (beside(file), *(folder / NAME for folder in file.parents))
    for path in candidates:
        if path.is_file():
            found = read(path)
            if any(same(path, name, file) for name in found["outputs"]):
                return path, found
    return None


def same(provenance: Path, name: str, file: Path) -> bool:
    """Tell whether `name`, a path in a file of provenance, is `file`."""
    return os.path.realpath(provenance.parent / name) == os.path.realpath(file)


def read(path: Path) -> Provenance:
    """Read a file of provenance; raise `UserError` if it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: cannot be read as provenance ({error}); make it again") from None
    for key, kind in KEYS.items():
        if not isinstance(found, dict) or not isinstance(found.get(key, ...), kind):
            raise UserError(f"{path}: is not a file of provenance, for want of '{key}'")
        if key in OF_TEXTS and not all(isinstance(value, str) for value in found[key].values()):
            raise UserError(f"{path}: is not a file of provenance; '{key}' must map names to texts")
    for key, kind in HARDWARE.items():
        if not isinstance(found["hardware"].get(key, ...), kind):
            raise UserError(f"{path}: is not a file of provenance, for want of hardware.{key}")
    return found


def other_versions(results: Path) -> str | None:
    """Say which results were made with other versions of libraries than the installed ones.

    A new version may change a result, but runs nothing again: an upgrade would redo days of
    training unasked, mostly for the same numbers. So a run says it before its first job, with what
    to add to its command. A library counts for those jobs whose code uses it.

    Args:
        results: the results folder; files in it that cannot be read as provenance say nothing.

    Returns:
        One sentence, or None if all are the same.
    """
    now = versions()
    found: Counter[tuple[str, str]] = Counter()
    scripts: set[str] = set()
    for path in _provenances(results):
        try:
            said = json.loads(path.read_bytes())
            script, then = said["script"], said["versions"]
            uses = libraries_of(script)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        for name in LIBRARIES:
            if IMPORTED_AS.get(name, name) in uses and then.get(name, now[name]) != now[name]:
                found[name, then[name]] += 1
                scripts.add(Path(script).stem)
    if not found:
        return None
    differing = ", ".join(
        f"{count} with {name} {then} (now {now[name]})"
        for (name, then), count in sorted(found.items())
    )
    return (
        f"{results}: jobs ran with other versions of libraries: {differing}; their results are "
        f"kept, and `--forcerun {' '.join(sorted(scripts))}` makes them again"
    )


def _provenances(results: Path) -> Iterator[Path]:
    for folder, inner, files in os.walk(results):
        inner[:] = [name for name in inner if not name.startswith(".")]
        yield from (Path(folder, name) for name in files if name.endswith(NAME))


def _hashes(paths: Iterable[Path], start: Path) -> dict[str, str]:
    """Return the SHA-256 of files, and of those in folders, by path relative to `start`."""
    start = start.resolve()
    files = [file for path in paths for file in _files(Path(path))]
    return {Path(os.path.relpath(file.resolve(), start)).as_posix(): sha256(file) for file in files}


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path] if path.is_file() else []
    inside = sorted(path.rglob("*"))
    hidden = {file for file in inside if any(p[0] == "." for p in file.relative_to(path).parts)}
    return [f for f in inside if f.is_file() and f not in hidden and not f.name.endswith(ABOUT)]


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value
