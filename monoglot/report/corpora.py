"""Table 2 of the paper: how much text of each language variants are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from monoglot.data.store import read_texts
from monoglot.report.block import check_keys, entries, labelled, labels, text
from monoglot.report.table import Column, Table, fixed
from monoglot.tokens.store import TokenStore

KEYS = ("language",)
REQUIRED = ("languages", "texts", "columns")
OPTIONAL = ("caption", "published")
BYTES_PER_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Corpus:
    """The documents of one language: their sizes in bytes of UTF-8."""

    sizes: list[int]

    def taken(self, share: float) -> list[int]:
        """Return the sizes of the first documents, a share (0 to 1) but at least one of them."""
        return self.sizes[: max(1, round(len(self.sizes) * share))]


def render(block: Mapping) -> Table:
    """Make the table of a block: a row for each language, and two or three columns a variant.

    `languages` are labels by name and `texts` parquet files by language, as `prepare_text` writes
    them. An entry of `columns` has a variant, its label, `shares` (by language, how much of its
    text the variant is made from; a language that is not there is missing), and, to count tokens,
    `tokens` (by language, the folder of a token store). Raises `UserError` for a bad block or file.
    """
    check_keys(block, REQUIRED, OPTIONAL, "a table of corpora")
    variants = [
        (*labelled(entry, "columns", "shares", "tokens"), entry)
        for entry in entries(block["columns"], "columns")
    ]
    rows = []
    for language, label in labels(block["languages"], "languages").items():
        row, corpus = {"language": language, "label": label}, _corpus(block["texts"].get(language))
        for variant, _, entry in variants:
            row |= _measured(variant, entry, language, corpus)
        rows.append(row)
    caption = text(block.get("caption") or "Text of the corpora", "caption")
    note = (
        "Text in megabytes (a million bytes of UTF-8), after all limits; of a share, the first "
        "documents."
    )
    columns = tuple(
        column for variant, label, entry in variants for column in _columns(variant, label, entry)
    )
    return Table(caption, note, {"label": "Language"}, columns, rows)


def _corpus(path: str | None) -> Corpus | None:
    return Corpus([len(one.encode("utf-8")) for one in read_texts(path)]) if path else None


def _columns(variant: str, label: str, entry: Mapping) -> list[Column]:
    columns = [
        Column(f"{variant}_megabytes", "MB", label, decimals=0),
        Column(f"{variant}_documents", "documents", label),
    ]
    return columns + ([Column(f"{variant}_tokens", "tokens", label)] if "tokens" in entry else [])


def _measured(variant: str, entry: Mapping, language: str, corpus: Corpus | None) -> dict[str, str]:
    share = entry.get("shares", {}).get(language)
    taken = corpus.taken(share) if corpus and share else []
    row = {
        f"{variant}_megabytes": _megabytes(sum(taken)) if taken else "",
        f"{variant}_documents": str(len(taken)) if taken else "",
    }
    if "tokens" in entry:
        store = entry["tokens"].get(language)
        row[f"{variant}_tokens"] = str(_tokens(store, share)) if store and taken else ""
    return row


def _tokens(folder: str, share: float) -> int:
    store = TokenStore(folder)
    return int(store.offsets[max(1, round(len(store) * share))])


def _megabytes(size: int) -> str:
    """Whole megabytes as in the paper; three significant digits below ten."""
    megabytes = Fraction(size, BYTES_PER_MEGABYTE)
    return fixed(megabytes, 0) if megabytes >= 10 else f"{float(megabytes):#.3g}"
