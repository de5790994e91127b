"""Files of the web, pinned by a commit in their address or by their hash; kept below data.root."""

import os
import re
from pathlib import Path, PurePosixPath

from monoglot.data.hashes import DamagedFileError, check
from monoglot.data.hub import BROKEN_OFF, DOWNLOAD, UnreachableError, client, persistently
from monoglot.errors import UserError

PINNED = re.compile(r"/[0-9a-f]{40}(/|$)")
RANGE_NOT_SATISFIABLE = 416


def address(url: str, name: str, sha256: str | None) -> str:
    """Return the address of a file: the folder `url` and the last part of the file's name.

    Raises `UserError` unless either the address holds a commit or the hash is given, and the name
    stays below the folder that the file is written to.
    """
    _check_name(name)
    if not PINNED.search(url) and not sha256:
        raise UserError(
            f"{url}: neither has the address a commit (40 hexadecimal digits), nor is there a "
            f"sha256 for {name}; give one, so that the file can never change"
        )
    return f"{url.rstrip('/')}/{name.rpartition('/')[2]}"


def fetch(url: str, path: Path, sha256: str | None, progress: bool = False) -> Path:
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


def fetch_sound(url: str, path: Path, sha256: str | None, progress: bool = False) -> Path:
    """Return `path` as `fetch` does; a file that is damaged is thrown away and fetched again."""
    try:
        return fetch(url, path, sha256, progress)
    except DamagedFileError:
        path.unlink(missing_ok=True)
        return fetch(url, path, sha256, progress)


def _check_name(name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise UserError(
            f"files: '{name}' leads out of data.root, where files of the web are kept; "
            "give a relative path without '..'"
        )


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
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{url}: cannot be had ({reason}); start again, or put the file to {path}"
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
