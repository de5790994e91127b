"""Data sets of the Hugging Face Hub, pinned to a revision; data files only, never remote code."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from monoglot.errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset

REVISION = re.compile(r"[0-9a-f]{40}")
UNREACHABLE = (
    "is not in the cache and the Hub cannot be reached; connect to the Hub once, after which the "
    "cache serves it, or point `data` to a local folder with the published files"
)


def download(hub: str, revision: str | None, name: str) -> Path:
    """Return the local path of one file of a data set's repository, fetched at most once.

    Raises `UserError` if the file is neither in the cache nor to be had from the Hub.
    """
    from huggingface_hub import errors, hf_hub_download

    where = f"{hub} at revision {check_revision(hub, revision)}"
    _quieten()
    try:
        return Path(hf_hub_download(hub, name, repo_type="dataset", revision=revision))
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        raise UserError(f"{where}: {name} {UNREACHABLE}") from None
    except errors.EntryNotFoundError:
        raise UserError(f"{where}: has no file {name}; `files` must name files of it") from None
    except errors.RevisionNotFoundError:
        raise UserError(f"{where}: there is no such revision of this data set") from None
    except errors.RepositoryNotFoundError:
        raise UserError(
            f"{where}: there is no such data set on the Hub, or it asks you to log in first"
        ) from None
    except (errors.HfHubHTTPError, ValueError) as error:
        raise UserError(f"{where}: cannot be had from the Hub ({_first_line(error)})") from None


def load_split(hub: str, revision: str | None, name: str | None, split: str) -> "Dataset":
    """Return one split of a data set that the Hub serves as parquet, CSV or JSON files.

    The prepared data is cached in a folder of its own for each revision: without a connection
    `datasets` takes whatever revision it finds in its cache, so it may find only the pinned one.
    """
    import datasets
    import requests

    where = f"{hub} at revision {check_revision(hub, revision)}"
    cache = Path(datasets.config.HF_DATASETS_CACHE) / "pinned" / revision
    _quieten()
    try:
        return datasets.load_dataset(
            hub, name, split=split, revision=revision, cache_dir=str(cache)
        )
    except (ConnectionError, requests.ConnectionError, requests.Timeout):
        raise UserError(f"{where}: {UNREACHABLE}") from None
    except (ValueError, RuntimeError, OSError, datasets.exceptions.DatasetsError) as error:
        what = f"name {name} and split {split}" if name else f"split {split}"
        raise UserError(f"{where}: cannot be loaded with {what} ({_first_line(error)})") from None


def check_revision(hub: str, revision: str | None) -> str:
    """Return `revision`; raise `UserError` unless it is a full commit hash."""
    if not isinstance(revision, str) or not REVISION.fullmatch(revision):
        raise UserError(
            f"{hub}: the revision is '{revision}'; it must be the 40 hexadecimal digits of a "
            "commit, so that the data can never change"
        )
    return revision


def _quieten() -> None:
    """Keep progress bars and notes on retries and caches out of the output."""
    import datasets
    import huggingface_hub

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    huggingface_hub.utils.disable_progress_bars()
    huggingface_hub.utils.logging.set_verbosity_error()


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
