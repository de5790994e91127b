"""Whether the files of a source exist: on this machine, on the Hub, on the web."""

import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

from monoglot.data import hub, hub_files, web
from monoglot.downloads.preflight import OFFLINE
from monoglot.errors import UserError

THERE, ABSENT, UNKNOWN = "there", "absent", "unknown"
SECONDS = 10


@dataclass(frozen=True)
class Presence:
    """Whether a source's files exist; `said` says where, or why that is not known."""

    state: str
    said: str
    bytes: int | None = None


class Look:
    """Looks whether sources exist, and asks each folder of the Hub only once.

    Args:
        root: the folder of raw files, `data.root`.
        online: whether to ask the Hub and the web.
    """

    def __init__(self, root: str, online: bool = True) -> None:
        self.root = root
        self.online = online and not any(os.environ.get(name) for name in OFFLINE)
        self._why = "not asked" if self.online else "without a network"
        self._listed: dict[tuple[hub.Repository, str], list[tuple[str, int]]] = {}

    def at(self, source: dict) -> Presence:
        """Return whether a source, its codes filled in, has all its files."""
        files = _names(source)
        if "hub" in source:
            return self._on_hub(
                hub.Repository("datasets", source["hub"], source.get("revision")), files
            )
        here = [os.path.isfile(os.path.join(self.root, name)) for name in files]
        if all(here):
            size = sum(os.path.getsize(os.path.join(self.root, name)) for name in files)
            return Presence(THERE, f"in {self.root}", size)
        if "url" in source:
            return self._on_web([web.address(source["url"], name, None) for name in files])
        missing = files[here.index(False)]
        return Presence(ABSENT, f"there is no {os.path.join(self.root, missing)}")

    def _on_hub(self, repository: hub.Repository, files: list[str]) -> Presence:
        total = 0
        for name in files:
            folder = name.rpartition("/")[0]
            try:
                found = [
                    size
                    for path, size in self._list(repository, folder)
                    if hub_files.fits(path, name)
                ]
            except UserError as error:
                return Presence(UNKNOWN, str(error))
            if not found:
                return Presence(ABSENT, f"{repository.id} has no {name}")
            total += sum(found)
        return Presence(THERE, f"{repository.id} on the Hub", total)

    def _list(self, repository: hub.Repository, folder: str) -> list[tuple[str, int]]:
        if (repository, folder) not in self._listed:
            if not self.online:
                raise UserError(f"{repository.id} was not asked, {self._why}")
            try:
                self._listed[repository, folder] = hub.listing(repository, folder)
            except UserError:
                # One that does not answer is not asked again.
                self.online, self._why = False, "as the Hub does not answer"
                raise UserError(f"{repository.id} cannot be reached") from None
        return self._listed[repository, folder]

    def _on_web(self, addresses: list[str]) -> Presence:
        host = urlsplit(addresses[0]).netloc
        if not self.online:
            return Presence(UNKNOWN, f"{host} was not asked, {self._why}")
        for address in addresses:
            try:
                request = urllib.request.Request(address, method="HEAD")
                urllib.request.urlopen(request, timeout=SECONDS).close()
            except urllib.error.HTTPError as error:
                state = ABSENT if error.code in (404, 410) else UNKNOWN
                return Presence(state, f"{address} answers {error.code}")
            except (OSError, ValueError):
                return Presence(UNKNOWN, f"{host} cannot be reached")
        return Presence(THERE, addresses[0].rpartition("/")[0])


def _names(source: dict) -> list[str]:
    files = source["files"]
    entries = list(files.values()) if isinstance(files, dict) else files
    return [entry if isinstance(entry, str) else entry["path"] for entry in entries]
