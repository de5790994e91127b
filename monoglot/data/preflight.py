"""What must be at hand before the first job: raw files, and the Hub or its cache."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path

from monoglot.errors import UserError

SECONDS = 10


def check_files(files: Mapping[str, Iterable[str]], root: str) -> None:
    """Raise `UserError` if a raw file is missing; `files` are paths by configuration key."""
    missing = [(key, path) for key, paths in files.items() for path in paths if not _exists(path)]
    if missing:
        key, path = missing[0]
        more = f" (and {len(missing) - 1} more files are missing)" if len(missing) > 1 else ""
        raise UserError(
            f"{key}: there is no file {path}{more}; put it there, or change the path or data.root, "
            f"which is '{root}'"
        )


def check_hub(repositories: Iterable[tuple[str, str, str]]) -> None:
    """Raise `UserError` if a repository is not in the cache and the Hub cannot be reached.

    Args:
        repositories: (`models` or `datasets`, Hub id, revision).
    """
    wanted = sorted({about[1] for about in repositories if not _cached(*about)})
    if wanted and not _reachable():
        raise UserError(
            f"{len(wanted)} repositories of the Hugging Face Hub ({wanted[0]}, ...) are not in the "
            "cache and the Hub cannot be reached; either connect and start once with a network, "
            "after which the cache serves them, or put the files into local folders and name those "
            "in the configuration (data.root and files, models.NAME.folder)"
        )


def _exists(path: str) -> bool:
    return Path(path).is_file()


def _cached(kind: str, name: str, revision: str) -> bool:
    home = os.environ.get("HF_HOME", "~/.cache/huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE", f"{home}/hub")).expanduser()
    return (cache / f"{kind}--{name.replace('/', '--')}" / "snapshots" / revision).is_dir()


def _reachable() -> bool:
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return False
    address = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=SECONDS)
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True
