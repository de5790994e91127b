"""How the checkpoints of two results folders were made: what differs in their provenance."""

from pathlib import Path
from typing import Any

from monoglot.errors import UserError
from monoglot.provenance import NAME, Provenance, read

LINKS = ("parent", "teacher")
"""Arguments that are folders of checkpoints, whose names say which variant."""


def origins(first: Path, second: Path) -> dict[str, dict[str, tuple[str, str]]]:
    """Return, by checkpoint that both have, arguments and code that differ, as pairs of texts.

    Inputs are not compared: a checkpoint below one that differs is listed only if it was made in
    another way itself. One without provenance is left out.
    """
    found = {}
    for path in sorted((first / "models").glob(f"*/*/*/{NAME}")):
        name = path.parent.relative_to(first / "models").as_posix()
        sides = [_made(path), _made(second / "models" / name / NAME)]
        if all(sides) and (pairs := _pairs(*sides)):
            found[name] = pairs
    return found


def _made(path: Path) -> dict[str, Any] | None:
    try:
        return _settings(read(path))
    except UserError:
        return None


def _settings(made: Provenance) -> dict[str, Any]:
    """Arguments without paths, which say where and not how; and the code's fingerprint."""
    about = {
        key: Path(made["arguments"][key] or "").name for key in LINKS if key in made["arguments"]
    }
    plain = {k: v for k, v in made["arguments"].items() if k not in LINKS and not _is_path(v)}
    return {"script": made["script"], **plain, **about, "code": made["code"]}


def _is_path(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(isinstance(one, str) and "/" in one for one in values)


def _pairs(first: dict[str, Any], second: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {
        key: (str(first.get(key)), str(second.get(key)))
        for key in first | second
        if first.get(key) != second.get(key)
    }
