"""What of a results folder goes to the Hub with a checkpoint; nothing here contacts anybody.

That is the checkpoint, its card, its training's history and trimming report, and task adapters.
Files of provenance stay: they name folders of the machine, and the card says what matters of them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from monoglot import provenance
from monoglot.checkpoint_files import FILES, check, check_shapes, first_line
from monoglot.errors import UserError
from monoglot.evaluate.kept_files import ADAPTER_CONFIG
from monoglot.evaluate.kept_files import FILES as KEPT
from monoglot.files import sha256

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
    _check_weights(checkpoint)
    _check_card(checkpoint)
    names = [CARD, *FILES, *(name for name in ALSO if (checkpoint / name).is_file())]
    found = [Item(name, checkpoint / name) for name in names]
    return found + (_adapters(checkpoint) if adapters else [])


def model_name(card: Path) -> str | None:
    """Return what a card calls its model; raise `UserError` if its metadata cannot be read."""
    from huggingface_hub import ModelCard

    try:
        return ModelCard.load(card, ignore_metadata_errors=True).data.model_name
    except Exception as error:  # of YAML, of the library, of reading
        raise UserError(f"{card}: is no model card ({first_line(error)})") from None


def _check_weights(checkpoint: Path) -> None:
    if not checkpoint.is_dir():
        raise UserError(f"{checkpoint}: there is no such folder; name that of a checkpoint")
    config = check(checkpoint)
    try:
        check_shapes(checkpoint / WEIGHTS, config)
    except Exception as error:  # safetensors raises nothing narrower
        raise UserError(
            f"{checkpoint / WEIGHTS}: is not whole ({first_line(error)}); make it again"
        ) from None


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


def _trained_on(config: Path) -> str | None:
    try:
        return json.loads(config.read_text(encoding="utf-8")).get(WEIGHTS_KEY)
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"{config}: cannot be read ({error}); score the checkpoint again") from None


def _of_run(folder: Path, digest: str) -> list[Item]:
    kind = "adapter" if (folder / ADAPTER_CONFIG).is_file() else "full"
    if missing := [name for name in KEPT[kind] if not (folder / name).is_file()]:
        raise UserError(f"{folder}: there is no {missing[0]}; score the checkpoint again")
    if kind == "adapter" and _trained_on(folder / ADAPTER_CONFIG) != digest:
        raise UserError(
            f"{folder}: was trained on other weights than the checkpoint's; score it again, or "
            "delete the folder"
        )
    language, _, task, seed = folder.parts[-4:]
    return [
        Item(f"{ADAPTERS}/{language}/{task}/{seed}/{name}", folder / name) for name in KEPT[kind]
    ]
