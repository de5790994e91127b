"""The single files behind a configuration's needs: their names, sizes and hashes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from monoglot.data import hub, hub_files, web
from monoglot.data.hashes import check
from monoglot.downloads.manifest import WEB, Entry, place
from monoglot.downloads.needs import HubFiles, Need, WebFile
from monoglot.errors import UserError
from monoglot.files import sha256


@dataclass(frozen=True)
class Wanted:
    """A file to fetch, named as in the manifest.

    Size in bytes and hash are None where only the download will tell.
    """

    kind: str
    id: str
    revision: str
    path: str
    size: int | None
    hash: str | None

    @property
    def file(self) -> Path:
        """Where the file lies, or will lie, on this machine."""
        return place(self.kind, self.id, self.revision, self.path)


def wanted(needs: Iterable[Need]) -> list[Wanted]:
    """Return every file of the Hub and the web once; asks the Hub for names, sizes and hashes."""
    found = {}
    for need in needs:
        for file in _files(need):
            found[file.kind, file.id, file.revision, file.path] = file
    return [found[name] for name in sorted(found)]


def fetch(file: Wanted, progress: bool = False) -> Entry:
    """Fetch a file unless it is there and sound; return its line of the manifest.

    Raises `UserError` if it cannot be had, or is not what the Hub lists or the source says.
    """
    if file.kind == WEB:
        path = web.fetch_sound(file.id, file.file, file.hash, progress)
    else:
        repository = hub.Repository(file.kind, file.id, file.revision)
        path = hub.fetch_sound(repository, file.path, progress)
        check(path, file.hash, f"{repository}: {file.path}")
    size = path.stat().st_size
    return Entry(file.kind, file.id, file.revision, file.path, size, sha256(path))


def _files(need: Need) -> Iterator[Wanted]:
    if isinstance(need, WebFile):
        yield Wanted(WEB, need.url, "", str(need.path), None, need.sha256)
    elif isinstance(need, HubFiles):
        about = (need.repository.kind, need.repository.id, need.repository.revision)
        files = hub_files.matching(need.repository, need.names, need.optional)
        if need.repository.kind == "models" and not any(
            file.path.endswith(".safetensors") for file in files
        ):
            raise UserError(
                f"{need.repository}: has no weights as safetensors, and pickle files are not read; "
                f"name a revision that has them as {need.key}.revision"
            )
        for file in files:
            yield Wanted(*about, file.path, file.size, file.hash)
