"""The lines of configuration that add a language: which sources it has, under which codes."""

import csv
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import urlsplit

from monoglot.config import with_codes
from monoglot.config_schema import TEXT_SETS
from monoglot.data import hub
from monoglot.data.readers import SPLITS
from monoglot.data.sources import files_of
from monoglot.errors import UserError

# A language by any of its codes, and what other sources call it.

LANGUAGES = Path(__file__).with_name("languages.csv")
CODE = re.compile(r"[a-z]{2,3}([_-][A-Z][a-z]{3})?")


@dataclass(frozen=True)
class KnownLanguage:
    """A language in one script.

    Attributes:
        short: Wikipedia's code: ISO 639-1, or 639-3 where there is none.
        iso3: ISO 639-3; script: ISO 15924, empty if unknown.
        macro: ISO 639-3 of the macrolanguage, as some sets have it; else as `iso3`.
        name: in English, empty if unknown.
    """

    short: str
    iso3: str
    script: str
    macro: str
    name: str

    @property
    def flores(self) -> str:
        return f"{self.iso3}_{self.script}"

    def known_as(self, source: str) -> list[str]:
        """Return what a source may call the language, the likeliest first.

        Sources are named as in configurations (`flores`, `glotcc`, `wikiann`, ...); of others,
        every code is a possibility.
        """
        scripts = [self.flores, f"{self.iso3}-{self.script}"] if self.script else []
        by_source = {
            "flores": scripts[:1],
            "glotcc": scripts[1:],
            "wikiann": [self.short, self.iso3, self.macro],
            "ud": [self.short, self.iso3, self.macro],
            "masakha": [self.macro, self.iso3],
            "afrisenti": [self.macro, self.iso3],
        }
        every = [self.short, self.iso3, self.macro, *scripts]
        return list(dict.fromkeys(by_source.get(source, every)))


def find(code: str) -> KnownLanguage:
    """Return the language that a code means: `cy`, `cym`, `cym_Latn` or `cym-Latn`.

    Raises `UserError` for what is no code, and for a language with several scripts of which the
    code names none. One that FLORES-200 does not have is returned without name and, unless the
    code has it, without script.
    """
    if not CODE.fullmatch(code):
        raise UserError(
            f"'{code}' is not the code of a language; give ISO 639-1 or 639-3 (cy, cym), or that "
            "with a script (cym_Latn)"
        )
    letters, _, script = code.replace("-", "_").partition("_")
    codes = [one for one in known() if letters in (one.short, one.iso3, one.macro)]
    exact = [one for one in codes if letters == one.iso3] or codes
    found = [one for one in exact if script in ("", one.script)]
    if len(found) > 1:
        several = ", ".join(one.flores for one in found)
        raise UserError(f"'{code}' may be {several}; give one of these")
    return found[0] if found else KnownLanguage(letters, letters, script, letters, "")


@cache
def known() -> tuple[KnownLanguage, ...]:
    """Return the languages of FLORES-200."""
    with open(LANGUAGES, encoding="utf-8", newline="") as file:
        return tuple(KnownLanguage(**row) for row in csv.DictReader(file))


# Sets that have many languages, beside those that a configuration has as its defaults.
#
# `{masakha}` and such stand for the language's code there. Where files lie in a folder of this
# machine, below `data.root`, they are taken from there.

GITHUB = "https://raw.githubusercontent.com"
MASAKHA_POS = f"{GITHUB}/masakhane-io/masakhane-pos/d8a73f0ff0d89e2dc045daa9cd84901374dba0ee"
MASAKHA_NER = f"{GITHUB}/masakhane-io/masakhane-ner/ba5843cd08aa491d5f96a5e809e71eb9ec461391"
AFRISENTI = (
    f"{GITHUB}/afrisenti-semeval/afrisent-semeval-2023/5aec3cfcf87b59f885e98641f72e52182776429d"
)


@dataclass(frozen=True)
class Offer:
    """A source for a task.

    Attributes:
        name: of the set.
        code: what it calls its codes of languages.
        source: the block of the configuration, with `{code}` in its texts.
        labels: that its examples have; the task must have all of them.
    """

    name: str
    code: str
    source: dict
    labels: frozenset[str] = frozenset()


def offers(task: str, labels: list[str], root: Path, language: KnownLanguage) -> Iterator[Offer]:
    """Yield the sources that a task may have, those of this machine first.

    Args:
        task: its name: `pos`, `ner`, `sa`.
        labels: those that the configuration has for it.
        root: the folder of raw files, `data.root`.
    """

    def masakha(url: str, folder: str) -> dict:
        return _splits("token_tag", f"{url}/{{masakha}}", f"{folder}/{{masakha}}", "txt")

    if task == "pos":
        yield from _treebanks(root, language)
        yield Offer("MasakhaPOS", "masakha", masakha(f"{MASAKHA_POS}/data", "masakhapos"))
    if task == "ner":
        source = masakha(f"{MASAKHA_NER}/MasakhaNER2.0/data", "masakhaner2")
        yield Offer("MasakhaNER 2", "masakha", source, frozenset({"PER", "ORG", "LOC", "DATE"}))
    if task == "sa":
        url = f"{AFRISENTI}/data/{{afrisenti}}"
        source = _splits("afrisenti", url, "afrisenti/{afrisenti}", "tsv")
        if "neutral" not in labels:
            source["drop_labels"] = ["neutral"]
        yield Offer("AfriSenti", "afrisenti", source)


def _splits(form: str, url: str, folder: str, ending: str) -> dict:
    files = {split: f"{folder}/{split}.{ending}" for split in SPLITS}
    return {"format": form, "url": url, "files": files}


def _treebanks(root: Path, language: KnownLanguage) -> Iterator[Offer]:
    """Treebanks of Universal Dependencies in `ud/`, as they come: the largest first."""
    found = [
        path
        for code in language.known_as("ud")
        for path in sorted(root.glob(f"ud/UD_*/{code}_*-ud-train.conllu"))
    ]
    for path in sorted(found, key=lambda path: -path.stat().st_size):
        names = {
            split: str(path.relative_to(root)).replace("-ud-train", f"-ud-{split}")
            for split in SPLITS
        }
        yield Offer(path.parent.name, "ud", {"format": "conllu", "files": names})


# Whether the files of a source exist: on this machine, on the Hub, on the web.

THERE, ABSENT, UNKNOWN = "there", "absent", "unknown"


@dataclass(frozen=True)
class Presence:
    """Whether a source's files exist; `said` says where, or why that is not known."""

    state: str
    said: str
    bytes: int | None = None


class Look:
    """Looks whether sources exist.

    Args:
        root: the folder of raw files, `data.root`.
        online: whether to ask the Hub and the web.
    """

    def __init__(self, root: str, online: bool = True) -> None:
        self.root = root
        online = online and not hub.offline()
        self.sizes = hub.HubSizes("" if online else "without a network")

    def at(self, source: dict) -> Presence:
        """Return whether a source, its codes filled in, has all its files."""
        files = [name for name, _ in files_of(source)]
        if "hub" in source:
            return self._on_hub(source, files)
        paths = [os.path.join(self.root, name) for name in files]
        missing = [path for path in paths if not os.path.isfile(path)]
        if not missing:
            return Presence(THERE, f"in {self.root}", sum(map(os.path.getsize, paths)))
        if "url" in source:
            return self._on_web([hub.address(source["url"], name, None) for name in files])
        return Presence(ABSENT, f"there is no {missing[0]}")

    def _on_hub(self, source: dict, files: list[str]) -> Presence:
        repository = hub.Repository("datasets", source["hub"], source.get("revision"))
        total = 0
        for name in files:
            try:
                found = self.sizes.of(repository, name)
            except UserError as error:
                return Presence(UNKNOWN, str(error))
            if not found:
                return Presence(ABSENT, f"{repository.id} has no {name}")
            total += sum(found)
        return Presence(THERE, f"{repository.id} on the Hub", total)

    def _on_web(self, addresses: list[str]) -> Presence:
        host = urlsplit(addresses[0]).netloc
        if self.sizes.why_not:
            return Presence(UNKNOWN, f"{host} was not asked, {self.sizes.why_not}")
        for address in addresses:
            status = hub.answer(address)
            if isinstance(status, str):
                return Presence(UNKNOWN, f"{host} cannot be reached")
            if status >= 400:
                state = ABSENT if status in (404, 410) else UNKNOWN
                return Presence(state, f"{address} answers {status}")
        return Presence(THERE, addresses[0].rpartition("/")[0])


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
        labels: of its examples, that the task of the configuration has not.
    """

    set: str
    origin: str
    presence: Presence
    source: dict | None = None
    labels: tuple[str, ...] = ()


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
    language: KnownLanguage,
    look: Look,
    *,
    title: str = "",
    codes: dict[str, str] | None = None,
    sources: dict[str, dict] | None = None,
    only: bool = False,
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
        only: evaluate no other language; then results have a folder of their own, as tables are
            others, and tasks take labels on that only this language's examples have.

    Raises:
        UserError: the configuration has the language already, nobody knows its name, or a source
            that was given is not there.
    """
    if name in config["languages"]:
        raise UserError(f"languages.{name}: the configuration has this language already")
    if not (title or language.name):
        raise UserError(f"'{name}' has no name here; give one (--name)")
    search = _Search(config, name, language, look, dict(codes or {}), sources or {}, only)
    found = [search.find(one) for one in (*TEXT_SETS, *config["tasks"])]
    tasks = [one.set for one in found if one.origin and one.set in config["tasks"]]
    about: dict[str, Any] = {"name": title or language.name, "codes": search.codes}
    if len(tasks) < len(config["tasks"]):
        about["tasks"] = tasks
    block: dict[str, Any] = {"languages": {name: about}}
    if only:
        block = _alone(config, name, about)
        labels = {one.set: one.labels for one in found if one.labels}
        if labels:
            known = config["tasks"]
            block["tasks"] = {n: {"labels": [*known[n]["labels"], *labels[n]]} for n in labels}
    if own := {one.set: {name: one.source} for one in found if one.source}:
        block["data"] = own
    return Block(block, found)


def _alone(config: dict, name: str, about: dict[str, Any]) -> dict[str, Any]:
    """Return a block in which no other language is evaluated; their text serves shared models."""
    others = [other for other, one in config["languages"].items() if one["evaluated"]]
    block: dict[str, Any] = {"results": f"{config['results']}-{name}"}
    block["languages"] = {other: {"evaluated": False} for other in others} | {name: about}
    for family in ("tables", "figures"):
        naming = [key for key, one in config[family].items() if "languages" in one]
        if naming:
            block[family] = {key: {"languages": [name]} for key in naming}
    return block


@dataclass
class _Search:
    """Finds the sets of one language; `codes` fills with those that it needed."""

    config: dict
    name: str
    language: KnownLanguage
    look: Look
    codes: dict[str, str]
    sources: dict[str, dict]
    only: bool

    @property
    def root(self) -> Path:
        return Path(self.config["data"]["root"])

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
            elif (lacking := sorted(offer.labels - set(labels))) and not self.only:
                reasons.append(f"{offer.name} has it, but tasks.{name} has no {lacking[0]}")
            else:
                source = with_codes(offer.source, codes, f"data.{name}.{self.name}", self.name)
                if all((self.root / path).is_file() for path in source["files"].values()):
                    source.pop("url", None)
                return Found(name, offer.name, presence, source, tuple(lacking))
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
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        found = [name for below in inner for name in _placeholders(below)]
    elif isinstance(value, str):
        with suppress(ValueError):  # a single bracket, which `with_codes` refuses
            found = [name for _, name, _, _ in Formatter().parse(value) if name]
    return list(dict.fromkeys(found))
