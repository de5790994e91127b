"""Repositories of the Hugging Face Hub, pinned to a commit: fetched once, checked, never run."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from monoglot.advice import AdvisedError
from monoglot.data.hashes import DamagedFileError, check_blob
from monoglot.errors import UserError

COMMIT = re.compile(r"[0-9a-f]{40}")
ATTEMPTS = 5
DOWNLOAD = "`python scripts/download.py --config FILE`"
BROKEN_OFF = "the connection broke off; start again, and it goes on where it stopped"
ELSEWHERE = {
    "datasets": "point `data` to a local folder with the published files",
    "models": "put the checkpoint into a local folder and name it as `models.NAME.folder`",
}
NOUNS = {"datasets": "data set", "models": "model"}


class UnreachableError(AdvisedError):
    """A file is not on this machine, and what it would come from cannot be reached."""


@dataclass(frozen=True, order=True)
class Repository:
    """A commit of a repository; `kind` is `models` or `datasets`.

    Raises `UserError` unless the revision is a full commit hash.
    """

    kind: str
    id: str
    revision: str

    def __post_init__(self) -> None:
        if not isinstance(self.revision, str) or not COMMIT.fullmatch(self.revision):
            raise UserError(
                f"{self.id}: the revision is '{self.revision}'; it must be the 40 hexadecimal "
                "digits of a commit, so that what is downloaded can never change"
            )

    def __str__(self) -> str:
        return f"{self.id} at revision {self.revision}"

    @property
    def type(self) -> str:
        """The word that `huggingface_hub` has for the kind."""
        return self.kind.removesuffix("s")


def fetch(repository: Repository, name: str, progress: bool = False) -> Path:
    """Return the local path of one file, fetched at most once and checked against its hash.

    A download that was interrupted goes on where it stopped. Raises `UserError` if the file is
    neither in the cache nor to be had from the Hub (`UnreachableError` if that is not reached), and
    `DamagedFileError` if its bytes are not the published ones.
    """
    about = {"repo_type": repository.type, "revision": repository.revision}
    download = client(progress).hf_hub_download
    with sentences(repository, name):
        path = Path(persistently(lambda: download(repository.id, name, **about)))
    check_blob(path, f"{repository}: {name}")
    return path


def fetch_sound(repository: Repository, name: str, progress: bool = False) -> Path:
    """Return the file as `fetch` does; one that is damaged is thrown away and fetched again."""
    try:
        return fetch(repository, name, progress)
    except DamagedFileError:
        path = snapshot(repository) / name
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        return fetch(repository, name, progress)


def persistently(call: Callable[[], str]) -> str:
    """Call again if the connection breaks off within a file; the download then goes on there."""
    from requests.exceptions import ChunkedEncodingError

    for _ in range(ATTEMPTS - 1):
        try:
            return call()
        except ChunkedEncodingError:
            continue
    return call()


def listing(repository: Repository, folder: str) -> list[tuple[str, int]]:
    """Ask the Hub for the files of a folder: paths and bytes; none if there is no such folder.

    Raises `UserError` if the Hub does not answer or refuses.
    """
    from huggingface_hub.errors import EntryNotFoundError

    about = {"repo_type": repository.type, "revision": repository.revision}
    with sentences(repository, folder):
        try:
            tree = client().HfApi().list_repo_tree(repository.id, folder or None, **about)
            return [(entry.path, entry.size) for entry in tree if hasattr(entry, "blob_id")]
        except EntryNotFoundError:
            return []


def folder(repository: Repository) -> Path:
    """Return where the cache keeps a repository."""
    from huggingface_hub import constants

    name = "--".join([repository.kind, *repository.id.split("/")])
    return Path(constants.HF_HUB_CACHE) / name


def snapshot(repository: Repository) -> Path:
    """Return where the cache keeps the files of a revision."""
    return folder(repository) / "snapshots" / repository.revision


def client(progress: bool = False) -> ModuleType:
    """Return `huggingface_hub`, silent but for progress bars if those are wanted.

    Files come over plain HTTP unless HF_HUB_DISABLE_XET says otherwise: a download by Xet starts
    anew where one over HTTP goes on.
    """
    import huggingface_hub
    from huggingface_hub import constants, utils

    constants.HF_HUB_DISABLE_XET |= "HF_HUB_DISABLE_XET" not in os.environ
    utils.logging.set_verbosity_error()
    (utils.enable_progress_bars if progress else utils.disable_progress_bars)()
    return huggingface_hub


@contextmanager
def sentences(repository: Repository, name: str = "") -> Iterator[None]:
    """Turn what the library raises into one sentence that says what to do."""
    import requests
    from huggingface_hub import errors

    where = f"{repository}: {name}".removesuffix(": ")
    noun = NOUNS[repository.kind]
    try:
        yield
    except errors.LocalEntryNotFoundError as error:
        if isinstance(error.__cause__, errors.HfHubHTTPError):
            raise _refused(where, error.__cause__) from None
        raise _unreachable(repository, name) from None
    except errors.OfflineModeIsEnabled:
        raise _unreachable(repository, name) from None
    except errors.EntryNotFoundError:
        raise UserError(f"{repository}: has no file {name}; name files that it has") from None
    except errors.RevisionNotFoundError:
        raise UserError(f"{repository}: there is no such revision of this {noun}") from None
    except errors.GatedRepoError:
        raise UserError(
            f"{repository}: is given only to those who accept its terms on the Hub; accept them "
            "there, then set HF_TOKEN"
        ) from None
    except errors.RepositoryNotFoundError:
        raise UserError(
            f"{repository}: there is no such {noun} on the Hub, or it asks you to log in first "
            "(HF_TOKEN)"
        ) from None
    except errors.HfHubHTTPError as error:
        raise _refused(where, error) from None
    except requests.exceptions.ChunkedEncodingError:
        raise UserError(f"{where}: {BROKEN_OFF}") from None
    except (requests.ConnectionError, requests.Timeout):
        raise _unreachable(repository, name) from None
    except (ValueError, OSError) as error:
        raise UserError(f"{where}: cannot be had from the Hub ({_first_line(error)})") from None


def _unreachable(repository: Repository, name: str) -> UnreachableError:
    where = f"{repository}: {name}".removesuffix(": ")
    return UnreachableError(
        f"{where} is not in the cache and the Hub cannot be reached",
        f"either connect to the Hub once ({DOWNLOAD}), after which the cache serves it, or "
        f"{ELSEWHERE[repository.kind]}",
    )


def _refused(where: str, error: Exception) -> UserError:
    return UserError(f"{where}: cannot be had from the Hub ({_first_line(error)})")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
