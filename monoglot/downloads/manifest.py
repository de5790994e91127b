"""The list of every downloaded file with its size and hash, for machines without a network."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from monoglot.data import hub
from monoglot.errors import UserError
from monoglot.files import sha256, whole_file

WEB = "web"


@dataclass(frozen=True, order=True)
class Entry:
    """A downloaded file.

    Args:
        kind: `models` or `datasets` of the Hub, or `web`.
        id: Hub id, or address.
        revision: commit on the Hub; empty for the web, whose addresses hold it.
        path: in the repository, or, for the web, on this machine.
        size: in bytes.
        sha256: of its bytes, 64 hexadecimal digits.
    """

    kind: str
    id: str
    revision: str
    path: str
    size: int
    sha256: str

    @property
    def file(self) -> Path:
        """Where the file lies on this machine."""
        return place(self.kind, self.id, self.revision, self.path)


def place(kind: str, id: str, revision: str, path: str) -> Path:
    """Return where a file lies, or will lie: in the Hub's cache, or for the web at its path."""
    if kind == WEB:
        return Path(path)
    return hub.snapshot(hub.Repository(kind, id, revision)) / path


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write the manifest: the same files, the same bytes."""
    listed = [asdict(entry) for entry in sorted(set(entries))]
    with whole_file(path) as aside:
        aside.write_text(json.dumps({"files": listed}, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Entry]:
    """Return what `write` wrote; raise `UserError` if it is missing or something else."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["files"]
        return [Entry(*(about[field.name] for field in fields(Entry))) for about in listed]
    except FileNotFoundError:
        raise UserError(
            f"{path}: there is no such manifest; `python scripts/download.py` writes it"
        ) from None
    except (ValueError, KeyError, TypeError, OSError):
        raise UserError(
            f"{path}: is not a manifest; `python scripts/download.py` writes it anew"
        ) from None


def check(entry: Entry) -> None:
    """Raise `UserError` if the file is missing, or is not the one of the manifest."""
    where = f"{entry.id}: {entry.path}"
    if not entry.file.is_file():
        raise UserError(f"{where}: there is no file {entry.file}; run the download again")
    size = entry.file.stat().st_size
    if size != entry.size:
        raise UserError(
            f"{where}: {entry.file} has {size} bytes; it must have {entry.size}, so run the "
            "download again"
        )
    found = sha256(entry.file)
    if found != entry.sha256:
        raise UserError(
            f"{where}: {entry.file} has the hash {found}; it must have {entry.sha256}, so run the "
            "download again"
        )
