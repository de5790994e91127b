"""What of a results folder goes to the Hub with a checkpoint; nothing here contacts anybody.

That is the checkpoint, its card, its training's history and trimming report, what a sentence
encoder has beside it, and task adapters.
Files of provenance stay: they name folders of the machine, and the card says what matters of them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monoglot import provenance
from monoglot.checkpoints import FILES, check, check_shapes
from monoglot.errors import UserError, first_line
from monoglot.files import read_json, sha256
from monoglot.paths import ADAPTER_CONFIG
from monoglot.paths import KEPT_FILES as KEPT
from monoglot.sentence_encoders import files_of

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo


CARD = "README.md"
WEIGHTS = "model.safetensors"
ALSO = ("history.csv", "trim_report.json")
ADAPTERS = "adapters"
WEIGHTS_KEY = "checkpoint_sha256"
"""The key by which a kept adapter names the weights that it was trained on."""


@dataclass(frozen=True)
class Item:
    """A file, and its path in the repository."""

    name: str
    file: Path

    @property
    def size(self) -> int:
        """Bytes."""
        return self.file.stat().st_size


def parcel(checkpoint: Path, adapters: bool) -> list[Item]:
    """Return what goes to the Hub: with `adapters`, the checkpoint's kept task adapters too.

    These lie in the results folder that the checkpoint is in, and go to
    `adapters/{language}/{task}/seed{seed}/`.

    Raises `UserError` if the checkpoint is not whole, has no card or one of other weights, or if
    its adapters are missing, not whole, or of other weights.
    """
    if not checkpoint.is_dir():
        raise UserError(f"{checkpoint}: there is no such folder; name that of a checkpoint")
    config, weights = check(checkpoint), checkpoint / WEIGHTS
    try:
        check_shapes(weights, config)
    except Exception as error:  # safetensors raises nothing narrower
        raise UserError(f"{weights}: is not whole ({first_line(error)}); make it again") from None
    _check_card(checkpoint)
    names = [CARD, *FILES, *(name for name in ALSO if (checkpoint / name).is_file())]
    names += files_of(checkpoint, str(checkpoint))
    found = [Item(name, checkpoint / name) for name in names]
    return found + (_adapters(checkpoint) if adapters else [])


def model_name(card: Path) -> str | None:
    """Return what a card calls its model; raise `UserError` if its metadata cannot be read."""
    from huggingface_hub import ModelCard

    try:
        return ModelCard.load(card, ignore_metadata_errors=True).data.model_name
    except Exception as error:  # of YAML, of the library, of reading
        raise UserError(f"{card}: is no model card ({first_line(error)})") from None


def _check_card(checkpoint: Path) -> None:
    """Refuse a checkpoint without a card, and a card that was made before the checkpoint was."""
    card = checkpoint / CARD
    make = f"`snakemake --cores 1 {card}`, with the --configfile of its experiment, makes it"
    if not card.is_file():
        raise UserError(f"{checkpoint}: there is no {CARD}, the model card; {make}")
    model_name(card)
    beside = provenance.beside(card)
    if not beside.is_file():
        return
    made_from = provenance.read(beside)["inputs"]
    for name in FILES:
        if made_from.get(name, "") not in ("", sha256(checkpoint / name)):
            raise UserError(f"{card}: was made before {name} was made again; {make} again")


def _adapters(checkpoint: Path) -> list[Item]:
    *_, models, model, language, variant = checkpoint.resolve().parts
    results = checkpoint.resolve().parents[3]
    languages = "*" if language == "any" else language
    folders = sorted(Path(results, ADAPTERS, model).glob(f"{languages}/{variant}/*/seed*"))
    if models != "models" or not folders:
        raise UserError(
            f"{checkpoint}: there are no adapters for it under {results / ADAPTERS}; scoring the "
            "checkpoint keeps them"
        )
    digest = sha256(checkpoint / WEIGHTS)
    return [item for folder in folders for item in _of_run(folder, digest)]


def _of_run(folder: Path, digest: str) -> list[Item]:
    kind = "adapter" if (folder / ADAPTER_CONFIG).is_file() else "full"
    if missing := [name for name in KEPT[kind] if not (folder / name).is_file()]:
        raise UserError(f"{folder}: there is no {missing[0]}; score the checkpoint again")
    if kind == "adapter":
        config = folder / ADAPTER_CONFIG
        said = read_json(config, "score the checkpoint again")
        trained_on = said.get(WEIGHTS_KEY) if isinstance(said, dict) else None
        if trained_on != digest:
            raise UserError(
                f"{folder}: was trained on other weights than the checkpoint's; score it again, or "
                "delete the folder"
            )
    language, _, task, seed = folder.parts[-4:]
    return [
        Item(f"{ADAPTERS}/{language}/{task}/{seed}/{name}", folder / name) for name in KEPT[kind]
    ]


# Uploads to the Hub, in one commit: all of it arrives, or nothing does.
#
# `huggingface_hub` hashes every file; the Hub takes those that it does not have yet. So what an
# interrupted upload has sent is not sent again.

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

    with suppress(HFValidationError):
        validate_repo_id(repo_id)
        if "/" in repo_id:
            return
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
    from huggingface_hub.errors import RepositoryNotFoundError

    check_name(repo_id)
    if not get_token():
        raise UserError(NO_TOKEN)
    api = HfApi()
    with _sentences(repo_id):
        try:
            there = api.model_info(repo_id, files_metadata=True)
            _check_content(api, there, items, overwrite)
        except RepositoryNotFoundError:
            api.create_repo(repo_id, private=not public, repo_type="model")
            there = api.model_info(repo_id, files_metadata=True)
        removed = _outdated(there, items, overwrite)
        commit = api.create_commit(
            repo_id,
            [CommitOperationAdd(item.name, str(item.file)) for item in items]
            + [CommitOperationDelete(name) for name in removed],
            commit_message="Upload the checkpoint with monoglot",
            parent_commit=there.sha,
        )
        return Pushed(f"{api.endpoint}/{repo_id}", commit.oid, tuple(removed))


def _check_content(
    api: "HfApi", there: "ModelInfo", items: Sequence[Item], overwrite: bool
) -> None:
    names = {file.rfilename for file in there.siblings} - {OF_THE_HUB}
    if not names or overwrite:
        return
    held, (ours, *_) = None, (item.file for item in items if item.name == CARD)
    if CARD in names:
        with suppress(UserError):
            held = model_name(Path(api.hf_hub_download(there.id, CARD, revision=there.sha)))
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
    ours_are = sha256(next(item.file for item in items if item.name == WEIGHTS))
    if weights is None or weights.lfs is None or weights.lfs.sha256 == ours_are:
        return []
    return sorted(name for name in left if name.startswith(f"{ADAPTERS}/"))


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
