"""A model of any kind with a smaller vocabulary, from files into a folder."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from monoglot.api.measures import parameters
from monoglot.api.smaller import trim_vocab
from monoglot.shrink.saving import WEIGHTS, save, save_text
from monoglot.shrink.source import Source
from monoglot.shrink.texts import held_out

REPORT = "trim_report.json"


def trim_folder(
    source: Source,
    out: Path,
    documents: Iterable[str],
    size: int,
    count: str | None,
    keep_characters: bool,
) -> dict[str, Any]:
    """Write a model with the most frequent pieces of some documents; return the report.

    One document in fifty, at most 500, is held out to report on. The report, also written beside
    the model, has besides what `trim_vocab` reports `parameters` and `bytes` of the weights, each
    `before` and `after`.

    Raises:
        UserError: as `trim_vocab`, or there is but one document.
    """
    aside: list[str] = []
    model, tokenizer, report = trim_vocab(
        source.model,
        source.tokenizer,
        held_out(documents, aside),
        size,
        heldout=aside,
        count=count,
        keep_characters=keep_characters,
    )
    before = parameters(source.model)
    save(model, tokenizer, out)
    # Weights are in fp32: four bytes each.
    report["parameters"] = {"before": before, "after": parameters(model)}
    report["bytes"] = {"before": 4 * before, "after": (out / WEIGHTS).stat().st_size}
    save_text(json.dumps(report, indent=2) + "\n", out / REPORT)
    return report
