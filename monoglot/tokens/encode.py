"""Token ids of texts, without special tokens, in constant memory."""

import json
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count, islice, product, starmap
from typing import TYPE_CHECKING, NamedTuple, Protocol

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


# Characters that a tokenizer takes for what they are, and words made up of these.
#
# Of such a word it is known how many pre-tokens it has, whatever stands beside it.

# Scripts whose characters join no neighbour (marks are left out): Latin, Greek and Cyrillic;
# punctuation and currencies.
BLOCKS = ((0x21, 0x530), (0x2010, 0x2028), (0x2030, 0x205F), (0x20A0, 0x20C1))
CATEGORIES = "LNPS"
LETTER = "a"
OTHER, SPACE, PART, CUT = range(4)


class Alphabet:
    """The ordinary characters of a tokenizer that `splits_at_white_space`.

    Each is either a part of the pre-token around it, or cut out of it as one of its own.

    Args:
        count: gives the number of pre-tokens of each of some texts.
    """

    def __init__(self, count: Callable[[Sequence[str]], Sequence[int]]) -> None:
        characters = list(map(chr, chain.from_iterable(starmap(range, BLOCKS))))
        characters = [c for c in characters if unicodedata.category(c)[0] in CATEGORIES]
        alone, within = count(characters), count([LETTER + c + LETTER for c in characters])
        kinds = {(1, 1): PART, (1, 3): CUT}
        # By code point; the last entry stands for all from there on.
        self._kinds = np.full(BLOCKS[-1][1] + 1, OTHER, dtype=np.uint8)
        self._kinds[ord(" ")] = SPACE
        for character, *counts in zip(characters, alone, within, strict=True):
            self._kinds[ord(character)] = kinds.get(tuple(counts), OTHER)

    def describe(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Return whether all characters of a word are ordinary, and its number of pre-tokens.

        Both by word; a word has no white space in it, and the number counts if it is ordinary.
        """
        codes = np.frombuffer(" ".join(words).encode("utf-32-le"), np.uint32)
        kinds = self._kinds[np.minimum(codes, len(self._kinds) - 1)]
        words_of = np.cumsum(kinds == SPACE)
        parts = kinds == PART
        starts = (kinds == CUT) | (parts & ~np.append(False, parts[:-1]))
        counts = np.bincount(words_of[starts], minlength=len(words))
        strange = np.bincount(words_of[kinds == OTHER], minlength=len(words))
        return (strange == 0) & (counts > 0), counts


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
UNKNOWN = ("[UNK]", "<unk>")
MODELS = {"WordPiece", "Unigram"}
NORMALIZERS = {"BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"}
NORMALIZERS |= {"Strip", "Nmt", "Precompiled"}
FOLDINGS = ({"Regex": r"\s+"}, {"Regex": " {2,}"})
PRE_TOKENIZERS = {"BertPreTokenizer", "WhitespaceSplit"}


def splits_at_white_space(tokenizer: "Tokenizer") -> bool:
    """Whether `tokenizer` encodes words between `WHITE_SPACE` independently of each other.

    A word may still reach beyond its end: one that begins with a combining mark, or holds an added
    token. `AloneEncoder` looks for these.
    """
    return (
        tokenizer.truncation is None
        and tokenizer.padding is None
        and type(tokenizer.model).__name__ in MODELS
        and tokenizer.pre_tokenizer is not None
        and all(map(_is_local_normalizer, _steps(tokenizer.normalizer)))
        and all(map(_is_local_pre_tokenizer, _steps(tokenizer.pre_tokenizer)))
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
    if component is not None:
        yield from _unrolled(json.loads(component.__getstate__()))


def _unrolled(step: dict) -> Iterator[dict]:
    if step["type"] != "Sequence":
        yield step
        return
    for part in step.get("normalizers") or step.get("pretokenizers") or []:
        yield from _unrolled(part)


def _is_local_normalizer(step: dict) -> bool:
    if step["type"] == "Replace":
        return step["pattern"] in FOLDINGS and step["content"] in (" ", "▁")
    return step["type"] in NORMALIZERS


def _is_local_pre_tokenizer(step: dict) -> bool:
    if step["type"] == "Metaspace":
        return step["prepend_scheme"] == "always" and step["split"]
    return step["type"] in PRE_TOKENIZERS


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


# Encoding many words as if each were a text of its own, at the cost of running text.
#
# A text by itself costs the tokenizer more than a word within one. So words go in groups:
#
# - ordinary ones with spaces in between. The pieces that start a pre-token tell where each word
# begins, as it is known how many it has;
# - all others with an added token in between, which ends a text for every step of the tokenizer.

GROUP = 256
WORD_START = "▁"
UNSEEN = -1


class AloneEncoder:
    """Encodes words with a tokenizer that `splits_at_white_space`.

    Args:
        tokenizer: see above.
        separator: an added token, as `boundaries.separator` finds it; no word may hold one.
    """

    def __init__(self, tokenizer: "Tokenizer", separator: str) -> None:
        self._tokenizer = tokenizer
        self._separator = separator
        self._separator_id = tokenizer.token_to_id(separator)
        self._continues = getattr(tokenizer.model, "continuing_subword_prefix", None)
        self._starting = np.zeros(0, dtype=np.int8)  # by piece, as far as seen
        self._alphabet = Alphabet(self._count_pre_tokens)

    def encode(self, words: Sequence[str]) -> tuple[TokenBatch, np.ndarray]:
        """Return the ids of each word, and whether it is encoded otherwise between two others.

        There must be no white space in a word.
        """
        is_ordinary, counts = self._alphabet.describe(words)
        ordinary, others = np.flatnonzero(is_ordinary), np.flatnonzero(~is_ordinary)
        found = TokenBatch.join(
            [
                self._encode_ordinary([words[i] for i in ordinary], counts[ordinary]),
                self._encode_texts([words[i] for i in others]),
            ]
        ).take(np.argsort(np.concatenate([ordinary, others])))
        differs = np.zeros(len(words), dtype=bool)
        differs[others] = self._differ([words[i] for i in others], found.take(others))
        return found, differs

    def _differ(self, words: Sequence[str], alone: TokenBatch) -> list[bool]:
        (letter,) = self._encode_texts([LETTER]).split()
        between = self._encode_texts([f"{LETTER} {word} {LETTER}" for word in words])
        pairs = zip(alone.split(), between.split(), strict=True)
        return [letter + ids + letter != found for ids, found in pairs]

    def _encode_ordinary(self, words: Sequence[str], counts: np.ndarray) -> TokenBatch:
        found, first = [TokenBatch.of([])], 0
        for group, ids in self._groups(words, " "):
            found.append(self._split_at_starts(group, ids, counts[first : first + len(group)]))
            first += len(group)
        return TokenBatch.join(found)

    def _encode_texts(self, texts: Sequence[str]) -> TokenBatch:
        """Encode texts, which may hold white space."""
        groups = self._groups(texts, self._separator)
        return TokenBatch.join([TokenBatch.of([]), *starmap(self._split_at_separators, groups)])

    def _groups(self, texts: Sequence[str], between: str) -> Iterator[tuple[Sequence[str], list]]:
        groups = [texts[start : start + GROUP] for start in range(0, len(texts), GROUP)]
        return zip(groups, self._ids([between.join([*g, ""]) for g in groups]), strict=True)

    def _ids(self, texts: Sequence[str]) -> list[np.ndarray]:
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.uint32) for encoding in encodings]

    def _split_at_starts(
        self, words: Sequence[str], ids: np.ndarray, counts: np.ndarray
    ) -> TokenBatch:
        starts = np.flatnonzero(self._start_pre_tokens(ids))
        if len(starts) != counts.sum():
            return self._encode_texts(words)
        # A pre-token has at most one starting piece, so each has exactly one.
        firsts = starts[counts.cumsum() - counts]
        return TokenBatch(ids, np.diff(firsts, append=len(ids)))

    def _split_at_separators(self, words: Sequence[str], ids: np.ndarray) -> TokenBatch:
        ends = np.flatnonzero(ids == self._separator_id)
        if len(ends) != len(words):  # normalised, a word looks like the separator
            return TokenBatch.of(self._ids(words))
        return TokenBatch(ids[ids != self._separator_id], np.diff(ends, prepend=-1) - 1)

    def _count_pre_tokens(self, texts: Sequence[str]) -> list[int]:
        return [int(self._start_pre_tokens(ids).sum()) for ids in self._ids(texts)]

    def _start_pre_tokens(self, ids: np.ndarray) -> np.ndarray:
        """Whether a piece is one that only starts pre-tokens, bool, by position."""
        missing = max(0, int(ids.max(initial=0)) + 1 - len(self._starting))
        if missing:
            self._starting = np.append(self._starting, np.full(missing, UNSEEN, dtype=np.int8))
        found = self._starting[ids]
        if (found == UNSEEN).any():
            for i in np.unique(ids[found == UNSEEN]).tolist():
                self._starting[i] = self._starts(self._tokenizer.id_to_token(i))
            found = self._starting[ids]
        return found == 1

    def _starts(self, piece: str) -> bool:
        """Metaspace puts a mark before every word, WordPiece before all but the first piece."""
        if self._continues is None:
            return piece.startswith(WORD_START)
        return not piece.startswith(self._continues)


# Encoding text by its words, each different one once.
#
# The ids are exactly those of the tokenizer, at a fraction of its time: running text repeats its
# words. What counts as a word here is anything between plain white space.

MEMORY = 400_000_000  # bytes for remembered words, roughly
BYTES_PER_WORD = 150  # beyond its characters: entries of a table and of three arrays
BEYOND = -1  # the length of a word that reaches beyond its ends


class WordEncoder:
    """Encodes documents with a tokenizer that `splits_at_white_space`, without special tokens.

    A document with a word that reaches beyond its ends (a combining mark at its start, an added
    token in it) is encoded as a whole. New words are remembered until they take `MEMORY`.

    Args:
        tokenizer: see above.
        separator: an added token, as `boundaries.separator` finds it.

    Attributes:
        encoded: number of characters that the tokenizer had to encode so far.
    """

    def __init__(self, tokenizer: "Tokenizer", separator: str) -> None:
        self.encoded = 0
        self._tokenizer = tokenizer
        self._alone = AloneEncoder(tokenizer, separator)
        self._added = re.compile("|".join(map(re.escape, written_forms(tokenizer))))
        self._normalizer = None
        if any(token.normalized for token in added_tokens(tokenizer)):
            self._normalizer = tokenizer.normalizer
        self._numbers: defaultdict[bytes, int] = defaultdict(count().__next__)
        self._bytes = 0
        # By number: where the ids of a word begin in `_ids`, and how many it has.
        self._starts, self._lengths, self._ids = array("q"), array("q"), array("I")

    def encode(self, texts: Sequence[str]) -> TokenBatch:
        """Return the ids of documents."""
        known, end = len(self._numbers), len(self._ids)
        documents = [self._look_up(text) for text in texts]
        new = list(islice(reversed(self._numbers), len(self._numbers) - known))[::-1]
        if new:
            self._learn(b" ".join(new).decode().split(" "))
        learnt, learnt_end = len(self._numbers), len(self._ids)
        self._encode_whole(texts, documents)
        batch = self._gather(documents)
        if self._has_room(new):
            self._cut(learnt, learnt_end)
        else:
            for word in new:
                del self._numbers[word]
            self._cut(known, end)
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
        found, differs = self._alone.encode(words)
        self._append(found)
        beyond = len(self._lengths) - len(words) + np.flatnonzero(holds | differs)
        np.frombuffer(self._lengths, np.int64)[beyond] = BEYOND

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

    def _encode_whole(self, texts: Sequence[str], documents: list[np.ndarray | None]) -> None:
        """Encode the documents that words do not make up, each as if it were a word."""
        beyond = np.frombuffer(self._lengths, np.int64) == BEYOND
        if beyond.any():
            whole = [i for i, d in enumerate(documents) if d is None or beyond[d].any()]
        else:
            whole = [i for i, d in enumerate(documents) if d is None]
        if not whole:
            return
        for number, index in enumerate(whole, len(self._lengths)):
            documents[index] = np.array([number])
        self.encoded += sum(len(texts[i]) for i in whole)
        self._append(encode_plainly(self._tokenizer, [texts[i] for i in whole]))

    def _append(self, batch: TokenBatch) -> None:
        starts = len(self._ids) + batch.lengths.cumsum() - batch.lengths
        self._starts.frombytes(starts.tobytes())
        self._lengths.frombytes(batch.lengths.tobytes())
        self._ids.frombytes(batch.ids.tobytes())

    def _gather(self, documents: Sequence[np.ndarray]) -> TokenBatch:
        """Put the ids of all words of all documents one after the other."""
        numbers = np.concatenate(documents)
        lengths = np.frombuffer(self._lengths, np.int64)[numbers]
        starts = np.frombuffer(self._starts, np.int64)[numbers]
        ids = take(np.frombuffer(self._ids, np.uint32), starts, lengths)
        ends = np.append(0, lengths.cumsum())[np.cumsum([len(d) for d in documents])]
        return TokenBatch(ids, np.diff(ends, prepend=0))

    def _has_room(self, words: Sequence[bytes]) -> bool:
        """Whether new words can be remembered; if so, count them in."""
        needed = sum(map(len, words)) + BYTES_PER_WORD * len(words)
        if self._bytes + needed > MEMORY:
            return False
        self._bytes += needed
        return True

    def _cut(self, words: int, end: int) -> None:
        """Forget all but the first `words`, whose ids end at `end`."""
        del self._starts[words:], self._lengths[words:], self._ids[end:]
        self._numbers.default_factory = count(words).__next__


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


# Documents as token ids in memory, with the interface of a token store.


class Documents(Protocol):
    """What operations read of a `TokenStore`, or of a `TokenMemory`.

    Attributes:
        meta: the special ids, the `vocab` size, and numbers of `documents` and `tokens`.
        tokens: all ids one after the other, uint32, without special tokens.
        offsets: where documents begin, and the end, int64, shape [documents + 1].
    """

    meta: dict
    tokens: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray: ...

    def batches(self) -> Iterator[TokenBatch]: ...


class TokenMemory:
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

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.tokens[self.offsets[index] : self.offsets[index + 1]].astype(np.int64)

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
