"""Sets that have many languages, beside those that a configuration has as its defaults.

`{masakha}` and such stand for the language's code there. Where files lie in a folder of this
machine, below `data.root`, they are taken from there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from monoglot.data.examples import SPLITS
from monoglot.languages.codes import Language

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


def offers(task: str, labels: list[str], root: Path, language: Language) -> Iterator[Offer]:
    """Yield the sources that a task may have, those of this machine first.

    Args:
        task: its name: `pos`, `ner`, `sa`.
        labels: those that the configuration has for it.
        root: the folder of raw files, `data.root`.
    """
    if task == "pos":
        yield from _treebanks(root, language)
        yield Offer(
            "MasakhaPOS",
            "masakha",
            _splits("token_tag", f"{MASAKHA_POS}/data/{{masakha}}", "masakhapos/{masakha}", "txt"),
        )
    if task == "ner":
        source = _splits(
            "token_tag",
            f"{MASAKHA_NER}/MasakhaNER2.0/data/{{masakha}}",
            "masakhaner/{masakha}",
            "txt",
        )
        yield Offer("MasakhaNER 2", "masakha", source, frozenset({"PER", "ORG", "LOC", "DATE"}))
    if task == "sa":
        source = _splits(
            "afrisenti", f"{AFRISENTI}/data/{{afrisenti}}", "afrisenti/{afrisenti}", "tsv"
        )
        if "neutral" not in labels:
            source["drop_labels"] = ["neutral"]
        yield Offer("AfriSenti", "afrisenti", source)


def _splits(form: str, url: str, folder: str, ending: str) -> dict:
    files = {split: f"{folder}/{split}.{ending}" for split in SPLITS}
    return {"format": form, "url": url, "files": files}


def _treebanks(root: Path, language: Language) -> Iterator[Offer]:
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
