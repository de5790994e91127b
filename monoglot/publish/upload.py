"""Uploads to the Hub, in one commit: all of it arrives, or nothing does.

`huggingface_hub` hashes every file; the Hub takes those that it does not have yet. So what an
interrupted upload has sent is not sent again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monoglot.errors import UserError
from monoglot.publish.parcel import ADAPTERS, CARD, WEIGHTS, Item, model_name

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo

NO_TOKEN = "there is no token for the Hub; set HF_TOKEN to one that may write, or `hf auth login`"
OF_THE_HUB = ".gitattributes"
"""What a new repository holds."""


@dataclass(frozen=True)
class Pushed:
    """Where an upload went: the repository's page, its commit, and the files removed there."""

    url: str
    commit: str
    removed: tuple[str, ...]


def check_name(repo_id: str) -> None:
    """Raise `UserError` unless `repo_id` may name a repository, with its owner."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo_id)
        valid = "/" in repo_id
    except HFValidationError:
        valid = False
    if not valid:
        raise UserError(f"'{repo_id}' cannot name a repository; it must be OWNER/NAME")


def push(
    items: Sequence[Item], repo_id: str, public: bool = False, overwrite: bool = False
) -> Pushed:
    """Upload files as one commit to a model repository, which is made if there is none.

    A repository that holds the same model (by the name on its card) or nothing is updated; files
    that others added to it stay. Adapters of other weights, which an earlier push left there, are
    removed in the same commit.

    Args:
        public: of a new repository, whether everybody sees it; one that is there stays as it is.
        overwrite: replace what a repository of another model holds.

    Raises:
        UserError: no token or network, no right to write, or a repository of other content.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token

    check_name(repo_id)
    if not get_token():
        raise UserError(NO_TOKEN)
    api = HfApi()
    with _sentences(repo_id):
        there = _look(api, repo_id)
        if there is None:
            api.create_repo(repo_id, private=not public, repo_type="model")
            there = api.model_info(repo_id, files_metadata=True)
        else:
            _check_content(api, there, items, overwrite)
        removed = _outdated(there, items, overwrite)
        commit = api.create_commit(
            repo_id,
            [CommitOperationAdd(item.name, str(item.file)) for item in items]
            + [CommitOperationDelete(name) for name in removed],
            commit_message="Upload the checkpoint with monoglot",
            parent_commit=there.sha,
        )
        return Pushed(f"{api.endpoint}/{repo_id}", commit.oid, tuple(removed))


def _look(api: "HfApi", repo_id: str) -> "ModelInfo | None":
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return api.model_info(repo_id, files_metadata=True)
    except RepositoryNotFoundError:
        return None


def _check_content(
    api: "HfApi", there: "ModelInfo", items: Sequence[Item], overwrite: bool
) -> None:
    names = {file.rfilename for file in there.siblings} - {OF_THE_HUB}
    if not names or overwrite:
        return
    ours = next(item.file for item in items if item.name == CARD)
    held = None
    if CARD in names:
        fetched = Path(api.hf_hub_download(there.id, CARD, revision=there.sha))
        with suppress(UserError):
            held = model_name(fetched)
    if held is None or held != model_name(ours):
        what = f"the model '{held}'" if held else f"other files ({', '.join(sorted(names)[:3])})"
        raise UserError(
            f"{there.id}: holds {what}; name another repository, or give --overwrite to replace it"
        )


def _outdated(there: "ModelInfo", items: Sequence[Item], overwrite: bool) -> list[str]:
    """What has to go: of another model everything, of the same with other weights its adapters."""
    ours = {item.name for item in items}
    left = {file.rfilename: file for file in there.siblings if file.rfilename not in ours}
    left.pop(OF_THE_HUB, None)
    if overwrite:
        return sorted(left)
    weights = next((file for file in there.siblings if file.rfilename == WEIGHTS), None)
    if weights is None or weights.lfs is None or weights.lfs.sha256 == _digest(items):
        return []
    return sorted(name for name in left if name.startswith(f"{ADAPTERS}/"))


def _digest(items: Sequence[Item]) -> str:
    from monoglot.files import sha256

    return sha256(next(item.file for item in items if item.name == WEIGHTS))


@contextmanager
def _sentences(repo_id: str) -> Iterator[None]:
    """Turn what the library raises into one sentence that says what to do."""
    import requests
    from huggingface_hub import errors

    try:
        yield
    except UserError:
        raise
    except errors.OfflineModeIsEnabled:
        raise UserError(f"{repo_id}: HF_HUB_OFFLINE is set; unset it to upload") from None
    except Exception as error:
        # The library wraps what goes wrong within a large file.
        cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
        unreachable = (requests.ConnectionError, requests.Timeout, errors.LocalEntryNotFoundError)
        if isinstance(cause, errors.HfHubHTTPError) and cause.response is not None:
            raise UserError(_refused(repo_id, cause)) from None
        if isinstance(cause, unreachable):
            raise UserError(
                f"{repo_id}: the Hub cannot be reached, or the connection broke off; push again, "
                "and what it has is not sent again"
            ) from None
        if isinstance(cause, ValueError):  # what the library says of the Hub's look at the card
            said = " ".join(str(cause).split())
            raise UserError(f"{repo_id}: the Hub does not take it ({said})") from None
        raise


def _refused(repo_id: str, error: Exception) -> str:
    status = error.response.status_code
    if status == 401:
        return f"{repo_id}: the Hub does not accept the token (HF_TOKEN, or `hf auth login`)"
    if status == 403:
        return f"{repo_id}: the token has no right to write there; take one that has"
    if status in (409, 412):
        return f"{repo_id}: was changed by somebody else meanwhile; push again"
    said = (getattr(error, "server_message", None) or str(error)).strip().splitlines()
    return f"{repo_id}: the Hub answered with status {status} ({said[0]}); push again later"
