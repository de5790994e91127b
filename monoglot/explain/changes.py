"""What is no longer as it was when a result was made."""

from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version

from monoglot.chain import Job
from monoglot.files import sha256
from monoglot.fingerprint import ROOT, code_of


def changes(jobs: Iterable[Job]) -> list[str]:
    """Return a sentence for each file, script or library that has changed since jobs used it."""
    found: dict[str, None] = {}
    for job in jobs:
        script = job.said["script"]
        for kind, verb in (("inputs", "read"), ("outputs", "wrote")):
            for file, digest in job.files(kind).items():
                if not file.is_file():
                    found[f"{file} is gone"] = None
                elif _hash(file) != digest:
                    found[f"{file} is not as {script} {verb} it"] = None
        if not (ROOT / script).is_file():
            found[f"{script} is gone"] = None
        elif code_of(script) != job.said["code"]:
            found[f"the code of {script} is another"] = None
        for name, then in job.said["versions"].items():
            now = _version(name)
            if now != then:
                found[f"{name} was {then}, and is {now or 'not installed'}"] = None
    return list(found)


@cache
def _hash(file: Path) -> str:
    return sha256(file)


@cache
def _version(name: str) -> str | None:
    try:
        return python_version() if name == "python" else version(name)
    except PackageNotFoundError:
        return None
