"""Models of the Hugging Face Hub, pinned to a revision; no code, no pickle."""

from pathlib import Path

from monoglot.data import hub
from monoglot.data.hashes import check_blob

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


def download(name: str, revision: str) -> Path:
    """Return the local folder of a model's files, fetched at most once and checked.

    Raises `UserError` if the revision is not a commit, or the files are neither in the cache nor to
    be had from the Hub, or are not those that were published.
    """
    repository = hub.Repository("models", name, revision)
    snapshot = hub.client().snapshot_download
    about = {"revision": revision, "allow_patterns": list(FILES)}
    with hub.sentences(repository):
        folder = Path(hub.persistently(lambda: snapshot(name, **about)))
    for file in sorted(folder.iterdir()):
        check_blob(file, str(repository))
    return folder
