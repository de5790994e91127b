"""Repositories of the Hugging Face Hub, pinned to a commit: fetched once, checked, never run."""

import hashlib
import json
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import TYPE_CHECKING, Any

from monoglot.checkpoints import SENTENCE_SETTINGS
from monoglot.errors import AdvisedError, UserError, first_line
from monoglot.files import sha256, whole_file

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

# Whether a downloaded file is the published one: Git's and Git LFS's names for its bytes.

SHA256 = re.compile(r"[0-9a-f]{64}")
GIT_SHA1 = re.compile(r"[0-9a-f]{40}")
BLOCK = 1 << 20


class DamagedFileError(UserError):
    """A file whose bytes are not those that were published."""


def git_sha1(path: Path) -> str:
    """Return the name that Git gives to a file's bytes: SHA-1 after a header with their number."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def check(path: Path, expected: str, where: str) -> None:
    """Raise `DamagedFileError` unless the file's hash is `expected`.

    `expected` has 64 hexadecimal digits (SHA-256, as of Git LFS) or 40 (Git's own).
    """
    found = sha256(path) if SHA256.fullmatch(expected) else git_sha1(path)
    if found != expected:
        raise DamagedFileError(
            f"{where}: {path} has the hash {found}; the published file has {expected}, so delete "
            "it and start again, or run `python scripts/download.py`, which replaces it"
        )


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
    _check_published(path, repository, name)
    return path


def _check_published(path: Path, repository: "Repository", name: str) -> None:
    """Compare a file of the Hub's cache with what was published.

    It links to a blob that the Hub has named, by the published hash as a rule. Where it has not (a
    mirror), or the file system has no links, the hash comes from the repository's list of files;
    the log says so if that cannot be had.
    """
    expected = path.resolve().name if path.is_symlink() else ""
    if not (SHA256.fullmatch(expected) or GIT_SHA1.fullmatch(expected)):
        try:
            expected = matching(repository, [name])[0].hash
        except UserError as error:
            log.warning(
                "%s: %s was not compared with the published hash (%s)", repository, name, error
            )
            return
    check(path, expected, f"{repository}: {name}")


def renewed(fetch: Callable[[], Path], place: Path) -> Path:
    """Fetch what lies at a place; a file that is damaged is thrown away and fetched again."""
    try:
        return fetch()
    except DamagedFileError:
        place.resolve().unlink(missing_ok=True)
        place.unlink(missing_ok=True)
        return fetch()


def persistently(call: Callable[[], str]) -> str:
    """Call again if the connection breaks off within a file; the download then goes on there."""
    from requests.exceptions import ChunkedEncodingError

    for _ in range(ATTEMPTS - 1):
        try:
            return call()
        except ChunkedEncodingError:
            continue
    return call()


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: its size in bytes and its hash, SHA-256 (64 digits) or Git's (40)."""

    path: str
    size: int
    hash: str


def listing(repository: Repository, folder: str) -> list[HubFile]:
    """Ask the Hub for the files of a folder; none if there is no such folder.

    Of a model, those of the folders below too. Raises `UserError` if the Hub does not answer or
    refuses.
    """
    from huggingface_hub.errors import EntryNotFoundError

    about = {"repo_type": repository.type, "revision": repository.revision}
    about["recursive"] = repository.kind == "models"
    with sentences(repository, folder):
        try:
            tree = client().HfApi().list_repo_tree(repository.id, folder or None, **about)
            files = [entry for entry in tree if hasattr(entry, "blob_id")]
        except EntryNotFoundError:
            return []
    return [HubFile(f.path, f.size, f.lfs.sha256 if f.lfs else f.blob_id) for f in files]


class HubSizes:
    """Sizes of files on the Hub; each folder is asked for once, and none once it does not answer.

    Nothing is written.
    """

    def __init__(self, why_not: str = "") -> None:
        self.why_not = why_not
        self._listed: dict[tuple[Repository, str], list[HubFile]] = {}

    def of(self, repository: Repository, name: str) -> list[int]:
        """Return the bytes of each file that a name or pattern stands for.

        Raises `UserError` if that cannot be known.
        """
        folder = _listed_folder(repository, name)
        if (repository, folder) not in self._listed:
            if self.why_not:
                raise UserError(f"{repository.id} was not asked, {self.why_not}")
            try:
                self._listed[repository, folder] = listing(repository, folder)
            except UserError:
                self.why_not = "as the Hub does not answer"
                raise UserError(f"{repository.id} cannot be reached") from None
        return [file.size for file in self._listed[repository, folder] if fits(file.path, name)]


OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def offline() -> str | None:
    """Return the variable that forbids to use the network, if one does."""
    yes = ("1", "true", "yes", "on")
    return next((name for name in OFFLINE if os.environ.get(name, "").lower() in yes), None)


def answer(address: str, seconds: float = 10) -> int | str:
    """Return the status that an address answers, or why it does not answer."""
    if name := offline():
        return f"{name} is set"
    try:
        request = urllib.request.Request(address, method="HEAD")
        with urllib.request.urlopen(request, timeout=seconds) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError) as error:
        return f"cannot be reached ({getattr(error, 'reason', error)})"


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
    utils.configure_http_backend(_session)
    utils.logging.set_verbosity_error()
    (utils.enable_progress_bars if progress else utils.disable_progress_bars)()
    return huggingface_hub


SECONDS_TO_CONNECT, SECONDS_TO_ANSWER = 20, 60
ETAG = re.compile(r'(W/)?"?[0-9A-Za-z_+=:-]+(\.[0-9A-Za-z_+=:-]+)*"?')
FILE_NAMES = {"ETag": ETAG, "X-Linked-Etag": ETAG, "X-Repo-Commit": re.compile("[0-9A-Za-z]+")}
"""Headers that the library makes names of files and folders from, and what these may look like."""


def _session() -> "requests.Session":
    """Return what `huggingface_hub` sends all its requests by.

    Every request has a time limit: a proxy may accept a connection and stay silent for ever. And no
    answer gives a name that leads out of the cache.
    """
    import requests
    from huggingface_hub import constants, errors

    class Session(requests.Session):
        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            if constants.HF_HUB_OFFLINE:
                raise errors.OfflineModeIsEnabled(f"HF_HUB_OFFLINE is set: {request.url}")
            options["timeout"] = options.get("timeout") or (SECONDS_TO_CONNECT, SECONDS_TO_ANSWER)
            response = super().send(request, **options)
            for name, allowed in FILE_NAMES.items():
                value = response.headers.get(name)
                if value is not None and not allowed.fullmatch(value):
                    response.close()
                    raise requests.exceptions.InvalidHeader(
                        f"its answer has {name}: {value!r}, which is no name of a file"
                    )
            return response

    return Session()


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
        raise UserError(f"{where}: cannot be had from the Hub ({first_line(error)})") from None


def _unreachable(repository: Repository, name: str) -> UnreachableError:
    where = f"{repository}: {name}".removesuffix(": ")
    return UnreachableError(
        f"{where} is not in the cache and the Hub cannot be reached",
        f"either connect to the Hub once ({DOWNLOAD}), after which the cache serves it, or "
        f"{ELSEWHERE[repository.kind]}",
    )


def _refused(where: str, error: Exception) -> UserError:
    return UserError(f"{where}: cannot be had from the Hub ({first_line(error)})")


# Which files of a repository on the Hub a configuration means: names, or patterns for names.
#
# A commit never changes, so the list of a folder is asked for once and kept beside the repository
# in the cache. Without a connection, a pattern therefore stands for the same files, or for an
# error, but never for those alone that happen to be there.

WILDCARDS = re.compile(r"[*?\[]")
DIGITS = re.compile(r"(\d+)")


def is_pattern(name: str) -> bool:
    """Whether a file's name has wildcards: `*`, `?`, `[...]`."""
    return WILDCARDS.search(name) is not None


def names(repository: Repository, pattern: str) -> list[str]:
    """Return the paths that a name or pattern stands for, number 2 before number 10."""
    if not is_pattern(pattern):
        return [pattern]
    return [file.path for file in matching(repository, [pattern])]


def at_hand(repository: Repository, patterns: Iterable[str]) -> bool:
    """Whether the cache has all files that names and patterns stand for."""
    if not all(_kept(repository, name).is_file() for name in patterns if is_pattern(name)):
        return False
    paths = [path for pattern in patterns for path in names(repository, pattern)]
    return all((snapshot(repository) / path).is_file() for path in paths)


def matching(
    repository: Repository, patterns: Iterable[str], optional: bool = False
) -> list[HubFile]:
    """Return the files that names and patterns stand for, in their order, each once.

    Raises `UserError` if one stands for no file, unless they are `optional`.
    """

    def number_by_number(file: HubFile) -> list[str | int]:
        return [int(part) if part.isdigit() else part for part in DIGITS.split(file.path)]

    found: dict[str, HubFile] = {}
    for pattern in patterns:
        files = [file for file in _listing(repository, pattern) if fits(file.path, pattern)]
        if not files and not optional:
            raise UserError(f"{repository}: has no file {pattern}; `files` must name files of it")
        found |= {file.path: file for file in sorted(files, key=number_by_number)}
    return list(found.values())


def fits(path: str, pattern: str) -> bool:
    """Whether a file's path is the name, or one that the pattern stands for."""
    return fnmatchcase(path, pattern) if is_pattern(pattern) else path == pattern


def _listing(repository: Repository, pattern: str) -> list[HubFile]:
    """Return the files among which those are that a name or pattern stands for."""
    kept = _kept(repository, pattern)
    if not kept.is_file():
        files = listing(repository, _listed_folder(repository, pattern))
        with whole_file(kept) as aside:
            aside.write_text(json.dumps([asdict(file) for file in files], indent=1))
    return [HubFile(**entry) for entry in json.loads(kept.read_text())]


def _listed_folder(repository: Repository, pattern: str) -> str:
    """Return the folder whose list is asked for; of a model, which has few files, there is one."""
    return "" if repository.kind == "models" else pattern.rpartition("/")[0]


def _kept(repository: Repository, pattern: str) -> Path:
    place = folder(repository) / "monoglot" / repository.revision
    if repository.kind == "models":
        return place / "tree.json"
    inner = pattern.rpartition("/")[0]
    if is_pattern(inner):
        raise UserError(
            f"{repository}: {pattern} has a wildcard in a folder's name; only a file's may have one"
        )
    return place / inner / "files.json"


# Files of the web, pinned by a commit in their address or by their hash; kept below data.root.

PINNED = re.compile(r"/[0-9a-f]{40}(/|$)")
RANGE_NOT_SATISFIABLE = 416


def address(url: str, name: str, sha256: str | None) -> str:
    """Return the address of a file: the folder `url` and the last part of the file's name.

    Raises `UserError` unless either the address holds a commit or the hash is given, and the name
    stays below the folder that the file is written to.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise UserError(
            f"files: '{name}' leads out of data.root, where files of the web are kept; "
            "give a relative path without '..'"
        )
    if not PINNED.search(url) and not sha256:
        raise UserError(
            f"{url}: neither has the address a commit (40 hexadecimal digits), nor is there a "
            f"sha256 for {name}; give one, so that the file can never change"
        )
    return f"{url.rstrip('/')}/{name.rpartition('/')[2]}"


def fetch_url(url: str, path: Path, sha256: str | None, progress: bool = False) -> Path:
    """Return `path`, fetched from `url` unless it is there, and checked if its hash is known.

    A download that was interrupted goes on where it stopped. Raises `UserError` if the file cannot
    be had (`UnreachableError` without a network), and `DamagedFileError` if its bytes are not the
    published ones.
    """
    from huggingface_hub.utils import WeakFileLock

    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f".{path.name}.lock")
        with WeakFileLock(lock):
            if not path.is_file():
                _download(url, path, sha256, progress)
        lock.unlink(missing_ok=True)
    elif sha256:
        check(path, sha256, url)
    return path


def _download(url: str, path: Path, sha256: str | None, progress: bool) -> None:
    import requests
    from huggingface_hub import errors

    unfinished = path.with_name(f".{path.name}.incomplete")
    client(progress)
    try:
        persistently(lambda: _go_on(url, unfinished))
    except (errors.OfflineModeIsEnabled, requests.ConnectionError, requests.Timeout):
        raise UnreachableError(
            f"{url} cannot be reached and {path} is not there",
            f"either connect to the network once ({DOWNLOAD}), or put the file there",
        ) from None
    except requests.exceptions.ChunkedEncodingError:
        raise UserError(f"{url}: {BROKEN_OFF}") from None
    except (requests.RequestException, OSError) as error:
        raise UserError(
            f"{url}: cannot be had ({first_line(error)}); start again, or put the file to {path}"
        ) from None
    if sha256:
        try:
            check(unfinished, sha256, url)
        except DamagedFileError:
            unfinished.unlink()
            raise
    os.replace(unfinished, path)


def _go_on(url: str, unfinished: Path) -> None:
    """Fetch what is missing of a file; start afresh where the server cannot go on."""
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.file_download import http_get

    headers = {"Accept-Encoding": "identity"}
    with unfinished.open("ab") as file:
        try:
            http_get(url, file, resume_size=file.tell(), headers=headers)
        except HfHubHTTPError as error:
            if error.response.status_code != RANGE_NOT_SATISFIABLE:
                raise
            file.truncate(0)
            http_get(url, file, headers=headers)


# Models of the Hugging Face Hub, pinned to a revision; no code, no pickle.

SENTENCE_FILES = (*SENTENCE_SETTINGS, "[1-9]_*/config.json", "[1-9]_*/model.safetensors")
"""What makes a model a sentence encoder, if it is one; modules lie in folders like `1_Pooling`."""
FILES = (
    "config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    *SENTENCE_FILES,
)


def download(name: str, revision: str, files: Sequence[str] = FILES) -> Path:
    """Return the local folder of a model's files, fetched at most once and checked.

    `files` are names and patterns, each of which may stand for none. Without a connection, they are
    what the cache has of them. Raises `UserError` if the revision is not a commit, or the files are
    neither in the cache nor to be had from the Hub, or are not those that were published.
    """
    repository = Repository("models", name, revision)
    snapshot = client().snapshot_download
    about = {"revision": revision, "allow_patterns": list(files)}
    with sentences(repository):
        folder = Path(persistently(lambda: snapshot(name, **about)))
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if file.is_file() and any(fits(path, pattern) for pattern in files):
            _check_published(file, repository, path)
    return folder
