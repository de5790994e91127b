"""What must be at hand before the first job: files of this machine, of the Hub, of the web."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence

from monoglot.data import hub, hub_files
from monoglot.downloads.needs import HubFiles, LocalFile, Need, WebFile
from monoglot.errors import UserError

SECONDS = 10
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def check(needs: Sequence[Need], root: str) -> None:
    """Raise `UserError` if something is neither at hand nor to be had; `root` is data.root."""
    absent = [need for need in needs if not at_hand(need)]
    local = [need for need in absent if isinstance(need, LocalFile)]
    if local:
        more = f" (and {len(local) - 1} more files are missing)" if len(local) > 1 else ""
        raise UserError(
            f"{local[0].key}: there is no file {local[0].path}{more}; put it there, or change the "
            f"path or data.root, which is '{root}'"
        )
    _check_hub([need for need in absent if isinstance(need, HubFiles)])
    _check_web([need for need in absent if isinstance(need, WebFile)])


def warnings(needs: Iterable[Need]) -> list[str]:
    """Return, as lines, what a run would have to download first or would stop for."""
    absent = [need for need in needs if not at_hand(need)]
    missing = [need for need in absent if isinstance(need, LocalFile)]
    lines = []
    if missing:
        lines.append(
            f"{len(missing)} raw files are missing, first {missing[0].path} ({missing[0].key}); "
            "the run would stop before its first job"
        )
    remote = {need.key for need in absent if not isinstance(need, LocalFile)}
    if remote:
        lines.append(
            f"{len(remote)} sets or models would have to be downloaded first; {hub.DOWNLOAD} does "
            "it ahead of the run"
        )
    return lines


def at_hand(need: Need) -> bool:
    """Whether all files of a need lie on this machine; their content is checked when it is read."""
    if not isinstance(need, HubFiles):
        return os.path.isfile(need.path)  # no error where a name is too long
    if need.repository.kind == "datasets":
        return hub_files.at_hand(need.repository, need.names)
    snapshot = hub.snapshot(need.repository)
    return (snapshot / "config.json").is_file() and any(snapshot.glob("model*.safetensors"))


def _check_hub(needs: Sequence[HubFiles]) -> None:
    wanted = sorted({need.repository.id for need in needs})
    if wanted and not _reachable(os.environ.get("HF_ENDPOINT", "https://huggingface.co")):
        raise UserError(
            f"{len(wanted)} repositories of the Hugging Face Hub ({wanted[0]}, ...) are not in the "
            "cache and the Hub cannot be reached; either connect and start once with a network "
            f"({hub.DOWNLOAD} fetches everything), after which the cache serves them, or put the "
            "files into local folders and name those in the configuration (data.root and files, "
            "models.NAME.folder)"
        )


def _check_web(needs: Sequence[WebFile]) -> None:
    if needs and not _reachable(needs[0].url):
        raise UserError(
            f"{needs[0].key}: there is no file {needs[0].path}, and {needs[0].url} cannot be "
            f"reached; either connect and start once with a network ({hub.DOWNLOAD} fetches "
            "everything), or put the file there"
        )


def _reachable(address: str) -> bool:
    if any(os.environ.get(name, "").lower() in ("1", "true", "yes", "on") for name in OFFLINE):
        return False
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=SECONDS)
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True
