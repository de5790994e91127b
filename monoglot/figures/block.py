"""What a figure shows, and what it is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from monoglot.config import figure_block
from monoglot.errors import UserError


@dataclass(frozen=True)
class Sources:
    """What a figure's block cannot say by itself.

    Attributes:
        names: names in print of models, languages and tasks; a name that is not there is its own.
        histories: path of `history.csv` by curve, `{model}/{language}/{variant}`.
        texts: what a teacher was trained on, by the same name: the share of each language's text.
        corpora: parquet files of text by language, as `prepare_text` writes them.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    histories: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    corpora: Mapping[str, str] = field(default_factory=dict)

    def name(self, key: str) -> str:
        return self.names.get(key, key)


def read_block(text: str) -> dict:
    """Read a figure's block from YAML or JSON text, or from the file that `text` names.

    Defaults are filled in. Raises `UserError` if it does not fit the schema of its kind, or leaves
    out models, languages or tasks, which only a block in a configuration can do.
    """
    block = figure_block(_parse(text, "the figure's spec"), "the figure")
    for key in ("models", "languages", *(["tasks"] if block["kind"] == "drop" else [])):
        if key not in block:
            raise UserError(f"the figure: the key '{key}' is missing")
    return block


def read_sources(text: str) -> Sources:
    """Read sources in the same way; raise `UserError` for an unknown key."""
    sources = _parse(text, "the figure's sources")
    known = Sources.__dataclass_fields__
    for key in sources:
        if key not in known:
            raise UserError(
                f"the figure's sources: unknown key '{key}'; keys are {', '.join(known)}"
            )
    return Sources(**sources)


def _parse(text: str, what: str) -> dict[str, Any]:
    try:
        block = yaml.safe_load(text)
        if isinstance(block, str):
            block = yaml.safe_load(Path(block).read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{what} is neither YAML nor a file of it: {reason}") from None
    if not isinstance(block, dict):
        raise UserError(f"{what}: {block!r} must be a mapping")
    return block
