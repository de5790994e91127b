"""What a model card's script is told: the experiment's part that no result holds.

Everything else on a card is read from files: the checkpoint, records, provenance, a trim report.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monoglot.errors import UserError

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Step:
    """One operation behind a checkpoint: what it made, from what, and with which settings.

    `origin` of a pretrained checkpoint has `hub` and `revision`, or `folder`. `text` maps the
    languages it was trained on to the share of each. `scored_as` names it in records: its own name
    first, then those of aliases.
    """

    variant: str
    operation: str
    folder: str
    parent: str | None
    teacher: str | None
    origin: Mapping[str, str]
    text: Mapping[str, float]
    settings: Mapping[str, Any]
    scored_as: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """Where data came from; `used` says what for, `hub` is its id there, if it has one."""

    used: str
    name: str
    license: str
    hub: str | None
    revision: str | None


@dataclass(frozen=True)
class CardSpec:
    """A card's block, see `rules/functions/cards.smk`.

    Args:
        model: the model's name in print.
        languages: names by code, of those it is evaluated on.
        shape: layers, hidden_size, heads, ffn_size, max_positions.
        head: `fresh` if its masked-LM head was never trained.
        license: that of the model it was made from.
        steps: all operations behind it, its own last.
        sources: all data behind it and its scores.
        tasks: by name, the task's block of the configuration.
        test_sources: by language, and within by task, where the test set came from.
        seeds: those that adapters are trained with.
        country: where its jobs ran, ISO 3166 alpha-3.
        invented: whether its languages are.
    """

    model: str
    languages: Mapping[str, str]
    shape: Mapping[str, int]
    head: str
    license: str
    steps: tuple[Step, ...]
    sources: tuple[Source, ...]
    tasks: Mapping[str, Mapping[str, Any]]
    test_sources: Mapping[str, Mapping[str, Source]]
    seeds: tuple[int, ...]
    country: str | None
    invented: bool

    @property
    def own(self) -> Step:
        """The last step, which made the checkpoint."""
        return self.steps[-1]

    @property
    def variant(self) -> str:
        """What records of the checkpoint call it."""
        return (*self.own.scored_as, self.own.variant)[0]


def parse_spec(text: str) -> CardSpec:
    """Return the spec that `text` holds as JSON; raise `UserError` if it does not."""
    try:
        block = json.loads(text)
        tests = block["test_sources"].items()
        return CardSpec(
            **block
            | {
                "steps": tuple(Step(**step) for step in block["steps"]),
                "sources": tuple(Source(**source) for source in block["sources"]),
                "test_sources": {
                    language: {task: Source(**source) for task, source in found.items()}
                    for language, found in tests
                },
            }
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"--spec: is no block of a card ({error!r}); rules/functions/cards.smk makes one"
        ) from None


def folders(spec: CardSpec) -> list[Path]:
    """Return the folders of all checkpoints behind a card, its own last."""
    return [Path(step.folder) for step in spec.steps]
