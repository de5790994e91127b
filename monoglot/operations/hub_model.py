"""Models of the Hugging Face Hub, pinned to a revision; no code, no pickle."""

from pathlib import Path

from monoglot.data.hub import check_revision
from monoglot.errors import UserError

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
)


def download(hub: str, revision: str) -> Path:
    """Return the local folder of a model's files, fetched at most once.

    Raises `UserError` if the revision is not a commit, or the files are neither in the cache nor to
    be had from the Hub.
    """
    import huggingface_hub
    from huggingface_hub import errors

    where = f"{hub} at revision {check_revision(hub, revision)}"
    huggingface_hub.utils.disable_progress_bars()
    huggingface_hub.utils.logging.set_verbosity_error()
    try:
        return Path(
            huggingface_hub.snapshot_download(hub, revision=revision, allow_patterns=list(FILES))
        )
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        raise UserError(
            f"{where}: is not in the cache and the Hub cannot be reached; connect to the Hub once, "
            "after which the cache serves it, or put the checkpoint into a local folder and name "
            "it as `models.NAME.folder`"
        ) from None
    except errors.RevisionNotFoundError:
        raise UserError(f"{where}: there is no such revision of this model") from None
    except errors.RepositoryNotFoundError:
        raise UserError(
            f"{where}: there is no such model on the Hub, or it asks you to log in first"
        ) from None
    except (errors.HfHubHTTPError, ValueError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{where}: cannot be had from the Hub ({reason})") from None
