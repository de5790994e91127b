"""What a run would download first, with sizes as far as the Hub tells them; writes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monoglot.data import hub, hub_files
from monoglot.downloads.needs import HubFiles, LocalFile, Need, WebFile
from monoglot.downloads.preflight import at_hand
from monoglot.errors import UserError


@dataclass(frozen=True)
class Fetch:
    """A set or model that is to be downloaded: for which key, from where, bytes or None."""

    key: str
    source: str
    bytes: int | None


def fetches(needs: Iterable[Need], ask: bool) -> list[Fetch]:
    """Return what of a configuration's needs is to be downloaded.

    Args:
        ask: whether to ask the Hub for sizes; without its answer they are None.
    """
    absent = [need for need in needs if not isinstance(need, LocalFile) and not at_hand(need)]
    sizes = _Sizes(ask)
    return [Fetch(need.key, _source(need), sizes.of(need)) for need in absent]


def absent_files(needs: Iterable[Need]) -> list[LocalFile]:
    """Return the files that somebody must put on this machine first."""
    return [need for need in needs if isinstance(need, LocalFile) and not at_hand(need)]


def _source(need: HubFiles | WebFile) -> str:
    return need.url if isinstance(need, WebFile) else need.repository.id


class _Sizes:
    """Asks the Hub for one folder after another, and no more once it does not answer."""

    def __init__(self, ask: bool) -> None:
        self.ask = ask
        self.listed: dict[tuple[hub.Repository, str], list[tuple[str, int]]] = {}

    def of(self, need: Need) -> int | None:
        if not self.ask or not isinstance(need, HubFiles):
            return None
        try:
            found = [size for name in need.names for size in self._sizes(need.repository, name)]
        except UserError:
            self.ask = False
            return None
        return sum(found)

    def _sizes(self, repository: hub.Repository, name: str) -> Sequence[int]:
        folder = name.rpartition("/")[0]
        if (repository, folder) not in self.listed:
            self.listed[repository, folder] = listing(repository, folder)
        files = self.listed[repository, folder]
        return [size for path, size in files if hub_files.fits(path, name)]


def listing(repository: hub.Repository, folder: str) -> list[tuple[str, int]]:
    """Ask the Hub for the files of a folder: paths and bytes; none if there is no such folder.

    Raises `UserError` if the Hub does not answer or refuses.
    """
    from huggingface_hub.errors import EntryNotFoundError

    about = {"repo_type": repository.type, "revision": repository.revision}
    with hub.sentences(repository, folder):
        try:
            tree = hub.client().HfApi().list_repo_tree(repository.id, folder or None, **about)
            return [(entry.path, entry.size) for entry in tree if hasattr(entry, "blob_id")]
        except EntryNotFoundError:
            return []
