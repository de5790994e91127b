"""A short model card for what a chain made."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from monoglot.shrink.work import Row

METHOD = "https://arxiv.org/abs/2505.16956"


def card(about: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Return the text of README.md, with the metadata that the Hub reads.

    The licence is not known here, and not named.

    Args:
        about: `model`, `revision` (None for a folder), `language` and `title`.
        rows: of all steps.
    """
    first, last = rows[0], rows[-1]
    # JSON is YAML, whatever the names hold.
    metadata = {"library_name": "transformers", "pipeline_tag": "fill-mask", "tags": ["monoglot"]}
    if about["revision"]:
        metadata["base_model"] = about["model"]
    lines = "\n".join(f"{key}: {json.dumps(value)}" for key, value in metadata.items())
    origin = f"`{about['model']}`"
    if about["revision"]:
        origin += f" at revision `{about['revision']}`"
    table = "\n".join(
        f"| `{row.name}` | {row.parameters:,} | {row.accuracy:.1%} | {row.loss:.3f} | "
        f"{row.tokens:,} |"
        for row in rows
    )
    return f"""---
{lines}
---

# {about["title"]}

A masked language model for {about["language"]}, made from {origin} with the method of
[Gurgurov et al. 2025]({METHOD}): {first.parameters:,} parameters before, {last.parameters:,} after.

| step | parameters | accuracy | loss | tokens trained on |
| --- | --- | --- | --- | --- |
{table}

Accuracy and loss are those of masked tokens in {last.masked:,} places of held-out text of the same
source; those of `vocab` are of other tokens, under its own tokenizer. No task was scored.
`shrink.json` has the settings of every step, `provenance.json` what it was made with.

Licences of the first model and of the text hold for this one; they are not named here because
nobody was asked for them.
"""
