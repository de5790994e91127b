"""The lines of configuration that add a language: which sources it has, under which codes."""

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Any

from monoglot.config_values import with_codes
from monoglot.downloads.needs import TEXT_SETS
from monoglot.errors import UserError
from monoglot.languages.codes import Language
from monoglot.languages.offers import offers
from monoglot.languages.presence import ABSENT, THERE, UNKNOWN, Look, Presence

TREEBANK_TASK = "pos"
OWN = "language"
"""In texts of sources, the language's short name in the configuration."""


@dataclass(frozen=True)
class Found:
    """What was found for one set: where, or why there is none.

    Attributes:
        set: `text`, `ner`, ...
        origin: `default`, the name of an offer, `given`, or empty if none was found.
        presence: of the source; without one, unknown if some source could not be looked at.
        source: a block for the language, if the default does not serve it.
    """

    set: str
    origin: str
    presence: Presence
    source: dict | None = None


@dataclass
class Block:
    """A language's block, and how it came about.

    Attributes:
        config: what extends the configuration.
        found: of each set.
    """

    config: dict[str, Any]
    found: list[Found] = field(default_factory=list)

    @property
    def lacking(self) -> list[Found]:
        return [one for one in self.found if not one.origin]


def make_block(
    config: dict,
    name: str,
    language: Language,
    look: Look,
    *,
    title: str = "",
    codes: dict[str, str] | None = None,
    sources: dict[str, dict] | None = None,
) -> Block:
    """Return what is to be added to a configuration for one more language.

    A set comes from the source that was given for it, the configuration's default, or a set that
    is known to have many languages, in this order. Where nothing could be looked at, the likeliest
    codes are taken.

    Args:
        config: complete, see `monoglot.config`.
        name: the language's short name in it.
        title: its name in print; by default its English name.
        codes: that it has in sources; others are found out.
        sources: by set, blocks with files.

    Raises:
        UserError: the configuration has the language already, nobody knows its name, or a source
            that was given is not there.
    """
    if name in config["languages"]:
        raise UserError(f"languages.{name}: the configuration has this language already")
    if not (title or language.name):
        raise UserError(f"'{name}' has no name here; give one (--name)")
    search = _Search(config, name, language, look, dict(codes or {}), sources or {})
    found = [search.find(one) for one in (*TEXT_SETS, *config["tasks"])]
    tasks = [one.set for one in found if one.origin and one.set in config["tasks"]]
    about: dict[str, Any] = {"name": title or language.name, "codes": search.codes}
    if len(tasks) < len(config["tasks"]):
        about["tasks"] = tasks
    block: dict[str, Any] = {"languages": {name: about}}
    if own := {one.set: {name: one.source} for one in found if one.source}:
        block["data"] = own
    return Block(block, found)


class _Search:
    """Finds the sets of one language; `codes` fills with those that it needed."""

    def __init__(
        self,
        config: dict,
        name: str,
        language: Language,
        look: Look,
        codes: dict[str, str],
        sources: dict[str, dict],
    ) -> None:
        self.config, self.name, self.language, self.look = config, name, language, look
        self.codes, self.sources = codes, sources
        self.root = Path(config["data"]["root"])

    def find(self, name: str) -> Found:
        if name in self.sources:
            _, presence = self._try(self.sources[name], name)
            if presence.state == ABSENT:
                raise UserError(f"--source {name}: {presence.said}; give one that is there")
            return Found(name, "given", presence, self.sources[name])
        default, reasons = self.config["data"][name].get("default"), []
        if default and "files" in default:
            codes, presence = self._try(default, name)
            if presence.state != ABSENT:
                self.codes |= codes
                return Found(name, "default", presence)
            reasons.append(presence.said)
        return self._offered(name, reasons)

    def _offered(self, name: str, reasons: list[str]) -> Found:
        labels, state = self.config["tasks"].get(name, {}).get("labels", []), ABSENT
        if name == TREEBANK_TASK:
            reasons.append(f"no treebank of Universal Dependencies in {self.root / 'ud'}")
        for offer in offers(name, labels, self.root, self.language):
            codes, presence = self._try(offer.source, name)
            if presence.state != THERE:
                reasons.append(f"{offer.name}: {presence.said}")
                state = UNKNOWN if presence.state == UNKNOWN else state
            elif lacking := sorted(offer.labels - set(labels)):
                reasons.append(f"{offer.name} has it, but tasks.{name} has no {lacking[0]}")
            else:
                source = with_codes(offer.source, codes, f"data.{name}.{self.name}", self.name)
                if all((self.root / path).is_file() for path in source["files"].values()):
                    source.pop("url", None)
                return Found(name, offer.name, presence, source)
        return Found(name, "", Presence(state, "; ".join(reasons) or "no source is known"))

    def _try(self, source: dict, name: str) -> tuple[dict[str, str], Presence]:
        """Try the codes that a source may have for the language: those that are there, or first."""
        wanted = [code for code in _placeholders(source) if code != OWN]
        choices = [
            [self.codes[c]] if c in self.codes else self.language.known_as(c) for c in wanted
        ]
        tried = []
        for values in product(*choices):
            codes = dict(zip(wanted, values, strict=True))
            filled = with_codes(
                source, {OWN: self.name, **codes}, f"data.{name}.default", self.name
            )
            presence = self.look.at(filled)
            tried.append((codes, presence))
            if presence.state != ABSENT:
                return codes, presence
        if not tried:
            code = next(c for c, values in zip(wanted, choices, strict=True) if not values)
            return {}, Presence(ABSENT, f"its code there is not known; give it (--code {code}=...)")
        return tried[0]


def _placeholders(value: object) -> list[str]:
    """Names in curly brackets in the texts of a source, each once."""
    found: list[str] = []
    if isinstance(value, dict):
        found = [name for below in value.values() for name in _placeholders(below)]
    elif isinstance(value, list):
        found = [name for below in value for name in _placeholders(below)]
    elif isinstance(value, str):
        with suppress(ValueError):  # a single bracket, which `with_codes` refuses
            found = [name for _, name, _, _ in Formatter().parse(value) if name]
    return list(dict.fromkeys(found))
