"""Token ids of texts, without special tokens, in constant memory."""

import json
import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monoglot.errors import UserError

if TYPE_CHECKING:
    from tokenizers import AddedToken, Tokenizer


# Token ids of several texts in one array.


class TokenBatch(NamedTuple):
    """The token ids of texts one after the other, uint32, and how many each text has, int64."""

    ids: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[Sequence[int]]) -> "TokenBatch":
        """Return the batch of texts given as their ids."""
        arrays = [np.array(ids, dtype=np.uint32) for ids in texts]
        lengths = np.array([len(ids) for ids in texts], dtype=np.int64)
        return cls(np.concatenate(arrays or [np.zeros(0, np.uint32)]), lengths)

    @classmethod
    def join(cls, batches: Iterable["TokenBatch"]) -> "TokenBatch":
        """Return the texts of all batches, at least one, as one batch."""
        ids, lengths = zip(*batches, strict=True)
        return cls(np.concatenate(ids), np.concatenate(lengths))

    def split(self) -> list[list[int]]:
        """Return the ids of each text."""
        ids, ends = self.ids.tolist(), self.lengths.cumsum().tolist()
        return [ids[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def take(self, order: Sequence[int]) -> "TokenBatch":
        """Return the batch of the texts with these numbers."""
        order = np.array(order, dtype=np.int64)
        lengths = self.lengths[order]
        starts = (self.lengths.cumsum() - self.lengths)[order]
        return TokenBatch(take(self.ids, starts, lengths), lengths)


def take(ids: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the slices of `ids` with these starts and lengths one after the other."""
    ends = lengths.cumsum()
    shifts = starts - (ends - lengths)
    return ids[np.arange(lengths.sum()) + np.repeat(shifts, lengths)]


def encode_plainly(tokenizer: "Tokenizer", texts: Sequence[str]) -> TokenBatch:
    """Return the ids of texts, without special tokens, as the tokenizer gives them."""
    encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return TokenBatch.of([encoding.ids for encoding in encodings])


# Whether a tokenizer takes words between white space one by one.
#
# If it does, the ids of a text are those of its words, one after the other, and a word needs to be
# encoded only once. That holds when every step of the tokenizer looks at nothing beyond a word:
#
# - the normaliser works character by character, or by grapheme (XLM-R's precompiled map), or folds
# and strips white space;
# - the pre-tokeniser splits at white space, and marks the start of every word alike;
# - the model segments each pre-token by itself, as WordPiece and Unigram do.
#
# Which characters are white space is asked of the tokenizer itself, in `splits_at_white_space`.

WHITE_SPACE = " \t\n\r"
LETTER = "a"
UNKNOWN = ("[UNK]", "<unk>")
MODELS = {"WordPiece", "Unigram"}
LOCAL = {"BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Strip"}
LOCAL |= {"Nmt", "Precompiled", "BertPreTokenizer", "WhitespaceSplit"}
"""Normalisers and pre-tokenisers; two more depend on their settings."""
FOLDINGS = ({"Regex": r"\s+"}, {"Regex": " {2,}"})


def splits_at_white_space(tokenizer: "Tokenizer") -> bool:
    """Whether `tokenizer` encodes words between `WHITE_SPACE` independently of each other.

    A word may still reach beyond its end: one that begins with a combining mark, or holds an added
    token. `WordEncoder` looks for these.
    """
    return (
        tokenizer.truncation is None
        and tokenizer.padding is None
        and type(tokenizer.model).__name__ in MODELS
        and tokenizer.pre_tokenizer is not None
        and all(map(_is_local, _steps(tokenizer.normalizer)))
        and all(map(_is_local, _steps(tokenizer.pre_tokenizer)))
        and not any(re.search(r"\s", form) for form in written_forms(tokenizer))
        and _forgets_white_space(tokenizer)
    )


def separator(tokenizer: "Tokenizer") -> str | None:
    """Return an added token that ends a text for normaliser and pre-tokeniser, if there is one.

    Texts with it in between are encoded as if each were alone, in one go.
    """
    tokens = added_tokens(tokenizer)
    for token in tokens:
        others = [other.content for other in tokens if other.content != token.content]
        if not (
            token.content in UNKNOWN
            or token.normalized
            or token.lstrip
            or token.rstrip
            or token.single_word
            or any(token.content[0] in o[1:] or o.startswith(token.content) for o in others)
        ):
            return token.content
    return None


def added_tokens(tokenizer: "Tokenizer") -> list["AddedToken"]:
    """Return the added tokens in the order of their ids."""
    return [token for _, token in sorted(tokenizer.get_added_tokens_decoder().items())]


def written_forms(tokenizer: "Tokenizer") -> list[str]:
    """Return what added tokens look like in a text, and in a normalised one where that counts."""
    tokens = added_tokens(tokenizer)
    forms = [token.content for token in tokens]
    if tokenizer.normalizer is not None:
        normalize = tokenizer.normalizer.normalize_str
        forms += [normalize(token.content) for token in tokens if token.normalized]
    return [form for form in dict.fromkeys(forms) if form]


def _steps(component: object) -> Iterator[dict]:
    """The parts of a normaliser or pre-tokeniser, sequences unrolled."""
    waiting = [json.loads(component.__getstate__())] if component is not None else []
    while waiting:
        step = waiting.pop()
        if step["type"] == "Sequence":
            waiting += step.get("normalizers") or step.get("pretokenizers") or []
        else:
            yield step


def _is_local(step: dict) -> bool:
    if step["type"] == "Replace":
        return step["pattern"] in FOLDINGS and step["content"] in (" ", "▁")
    if step["type"] == "Metaspace":
        return step["prepend_scheme"] == "always" and step["split"]
    return step["type"] in LOCAL


def _forgets_white_space(tokenizer: "Tokenizer") -> bool:
    """Whether any white space before, between and after words leaves no trace."""
    spaces = ["".join(s) for length in (1, 2, 3) for s in product(WHITE_SPACE, repeat=length)]
    letter = tokenizer.encode(LETTER, add_special_tokens=False).ids
    expected = {"": []} | {
        text: letter * text.count(LETTER)
        for space in spaces
        for text in (space, space + LETTER, LETTER + space, LETTER + space + LETTER)
    }
    encoded = tokenizer.encode_batch_fast(list(expected), add_special_tokens=False)
    return all(e.ids == ids for e, ids in zip(encoded, expected.values(), strict=True))


# Encoding text by its words, each different one once.
#
# The ids are exactly those of the tokenizer, at a fraction of its time: running text repeats its
# words. What counts as a word here is anything between plain white space.

MEMORY = 400_000_000  # bytes for remembered words, roughly
BYTES_PER_WORD = 150  # beyond its characters: entries of a table and of three arrays
BEYOND = -1  # the length of a word that reaches beyond its ends
GROUP = 256  # words that are encoded as one text, which costs less than each by itself
ORDINARY = re.compile("[!-~À-ʯΆ-ҁҊ-ԯ–—‘’“”„…]*")
"""Words that reach nowhere: Latin, Greek and Cyrillic letters join no neighbour."""


class WordEncoder:
    """Encodes documents with a tokenizer that `splits_at_white_space`, without special tokens.

    A document with a word that reaches beyond its ends (a combining mark at its start, an added
    token in it) is encoded as a whole. Words are remembered until they take `MEMORY`.

    Args:
        separator: an added token, as `separator` finds it.

    Attributes:
        encoded: number of characters that the tokenizer had to encode so far.
    """

    def __init__(self, tokenizer: "Tokenizer", separator: str) -> None:
        self.encoded = 0
        self._tokenizer = tokenizer
        self._separator, self._separator_id = separator, tokenizer.token_to_id(separator)
        self._added = re.compile("|".join(map(re.escape, written_forms(tokenizer))))
        self._normalizer = None
        if any(token.normalized for token in added_tokens(tokenizer)):
            self._normalizer = tokenizer.normalizer
        self._forget()

    def _forget(self) -> None:
        self._numbers: defaultdict[bytes, int] = defaultdict(count().__next__)
        self._bytes = 0
        # By number: where the ids of a word begin in `_ids`, and how many it has.
        self._starts, self._lengths, self._ids = array("q"), array("q"), array("I")

    def encode(self, texts: Sequence[str]) -> TokenBatch:
        """Return the ids of documents."""
        known = len(self._numbers)
        documents = [self._look_up(text) for text in texts]
        new = list(islice(reversed(self._numbers), len(self._numbers) - known))[::-1]
        if new:
            self._learn(b" ".join(new).decode().split(" "))
        beyond = np.frombuffer(self._lengths, np.int64) == BEYOND
        whole = [i for i, d in enumerate(documents) if d is None or beyond[d].any()]
        apart = set(whole)
        batch = self._gather([d for i, d in enumerate(documents) if i not in apart])
        if whole:
            self.encoded += sum(len(texts[i]) for i in whole)
            plainly = encode_plainly(self._tokenizer, [texts[i] for i in whole])
            order = np.append(np.delete(np.arange(len(texts)), whole), whole)
            batch = TokenBatch.join([batch, plainly]).take(np.argsort(order))
        self._bytes += sum(map(len, new)) + BYTES_PER_WORD * len(new)
        if self._bytes > MEMORY:
            self._forget()
        return batch

    def _look_up(self, text: str) -> np.ndarray | None:
        """The numbers of a document's words; None if it must be encoded as a whole."""
        data = text.encode()
        # `split` splits at these two as well, but mBERT's normaliser deletes them.
        if b"\v" in data or b"\f" in data:
            return None
        words = data.split()
        return np.fromiter(map(self._numbers.__getitem__, words), np.int64, len(words))

    def _learn(self, words: list[str]) -> None:
        """Encode new words, and mark those that reach beyond their ends."""
        self.encoded += sum(map(len, words))
        holds = self._hold_added_tokens(words)
        if holds.any():
            words = ["" if held else word for word, held in zip(words, holds, strict=True)]
        found = self._encode_alone(words)
        others = np.flatnonzero([not ORDINARY.fullmatch(word) for word in words])
        holds[others] |= self._differ([words[i] for i in others], found.take(others))
        beyond = len(self._lengths) + np.flatnonzero(holds)
        starts = len(self._ids) + found.lengths.cumsum() - found.lengths
        self._starts.frombytes(starts.tobytes())
        self._lengths.frombytes(found.lengths.tobytes())
        self._ids.frombytes(found.ids.tobytes())
        np.frombuffer(self._lengths, np.int64)[beyond] = BEYOND

    def _differ(self, words: Sequence[str], alone: TokenBatch) -> np.ndarray:
        """Whether each word has other ids between two others than `alone`."""
        (letter,) = self._encode_alone([LETTER]).split()
        between = self._encode_alone([f"{LETTER} {word} {LETTER}" for word in words])
        pairs = zip(alone.split(), between.split(), strict=True)
        return np.array([letter + ids + letter != found for ids, found in pairs], dtype=bool)

    def _encode_alone(self, texts: Sequence[str]) -> TokenBatch:
        """Encode texts without added tokens, each as if there were no other."""
        groups = [texts[start : start + GROUP] for start in range(0, len(texts), GROUP)]
        joined = [self._separator.join([*group, ""]) for group in groups]
        encodings = self._tokenizer.encode_batch_fast(joined, add_special_tokens=False)
        batches = [TokenBatch.of([])]
        for group, encoding in zip(groups, encodings, strict=True):
            ids = np.array(encoding.ids, dtype=np.uint32)
            ends = np.flatnonzero(ids == self._separator_id)
            if len(ends) == len(group):
                lengths = np.diff(ends, prepend=-1) - 1
                batches.append(TokenBatch(ids[ids != self._separator_id], lengths))
            else:  # normalised, a word looks like the separator
                batches.append(encode_plainly(self._tokenizer, group))
        return TokenBatch.join(batches)

    def _hold_added_tokens(self, words: list[str]) -> np.ndarray:
        """Whether there is an added token in each word, as it is or normalised."""
        text = " ".join(words)
        if self._normalizer:
            text += " " + self._normalizer.normalize_str(text)
        if not self._added.search(text):
            return np.zeros(len(words), dtype=bool)
        normalize = self._normalizer.normalize_str if self._normalizer else str
        found = (self._added.search(w) or self._added.search(normalize(w)) for w in words)
        return np.array([bool(match) for match in found])

    def _gather(self, documents: Sequence[np.ndarray]) -> TokenBatch:
        """Put the ids of all words of all documents one after the other."""
        numbers = np.concatenate([np.zeros(0, np.int64), *documents])
        lengths = np.frombuffer(self._lengths, np.int64)[numbers]
        starts = np.frombuffer(self._starts, np.int64)[numbers]
        ids = take(np.frombuffer(self._ids, np.uint32), starts, lengths)
        words = np.array([len(d) for d in documents], dtype=np.int64)
        ends = np.append(0, lengths.cumsum())[words.cumsum()]
        return TokenBatch(ids, np.diff(ends, prepend=0))


BATCH = 1024
GAIN = 0.8  # encoding words pays if fewer characters than this share need to be encoded
LONGEST_PAUSE = 64  # batches


def encode_batches(tokenizer: "Tokenizer", texts: Iterable[str]) -> Iterator[TokenBatch]:
    """Yield the ids of `BATCH` texts at a time, exactly as the tokenizer gives them.

    With a tokenizer that takes words one by one, each different word is encoded once. Where words
    do not repeat, that is left alone for a while, longer each time.
    """
    texts = iter(texts)
    ending = separator(tokenizer) if splits_at_white_space(tokenizer) else None
    words = WordEncoder(tokenizer, ending) if ending else None
    plain, pause = 0, 1
    while batch := list(islice(texts, BATCH)):
        if words is None or plain:
            plain -= 1
            yield encode_plainly(tokenizer, batch)
            continue
        encoded = words.encoded
        yield words.encode(batch)
        if words.encoded - encoded < GAIN * sum(map(len, batch)):
            pause = 1
        else:
            plain, pause = pause, min(2 * pause, LONGEST_PAUSE)


def encode(tokenizer: "Tokenizer", texts: Iterable[str]) -> Iterator[list[int]]:
    """Yield the token ids of each text."""
    for batch in encode_batches(tokenizer, texts):
        yield from batch.split()


# Documents as token ids: in memory, or in a token store.


class Documents:
    """Documents as arrays of token ids, int64, without special tokens.

    Attributes:
        meta: the special ids, the `vocab` size, and numbers of `documents` and `tokens`.
        tokens: all ids one after the other, uint32.
        offsets: where documents begin, and the end, int64, shape [documents + 1].
    """

    meta: dict
    tokens: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.tokens[self.offsets[index] : self.offsets[index + 1]].astype(np.int64)


class TokenMemory(Documents):
    """Documents in memory, four bytes a token; those without a token are left out.

    Args:
        batches: the documents.
        special: the special ids and the `vocab` size, as in a token store's `meta`.

    Raises `UserError` if no document is left.
    """

    def __init__(self, batches: Iterable[TokenBatch], special: dict) -> None:
        together = TokenBatch.join([TokenBatch.of([]), *batches])
        lengths = together.lengths[together.lengths > 0]
        self.tokens, self.offsets = together.ids, np.append(0, lengths.cumsum())
        if not len(self):
            raise UserError("the texts hold no document with a token; give some text")
        self.meta = {**special, "documents": len(self), "tokens": len(self.tokens)}

    @classmethod
    def of_texts(cls, texts: Iterable[str], tokenizer: "Tokenizer", special: dict) -> "TokenMemory":
        """Encode texts with a tokenizer."""
        return cls(encode_batches(tokenizer, texts), special)

    def batches(self) -> Iterator[TokenBatch]:
        """Yield all documents, as one batch."""
        yield TokenBatch(self.tokens, np.diff(self.offsets))

    def split(self, share: float, most: int) -> tuple["TokenMemory", "TokenMemory"]:
        """Return the documents in two: the rest, and a share of them, evenly spread.

        Args:
            share: of the documents, 0 to 1; at least one is taken.
            most: documents to take at most.

        Raises `UserError` if there is but one document.
        """
        if len(self) < 2:
            raise UserError("there is but one document; give more, or give texts to validate on")
        taken = min(most, max(1, int(len(self) * share)))
        second = [number * len(self) // taken for number in range(taken)]
        first = np.setdiff1d(np.arange(len(self)), second)
        (all_of_it,) = self.batches()
        return tuple(TokenMemory([all_of_it.take(part)], self.meta) for part in (first, second))
