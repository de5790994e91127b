"""Whether a tokenizer takes words between white space one by one.

If it does, the ids of a text are those of its words, one after the other, and a word needs to be
encoded only once. That holds when every step of the tokenizer looks at nothing beyond a word:

- the normaliser works character by character, or by grapheme (XLM-R's precompiled map), or folds
  and strips white space;
- the pre-tokeniser splits at white space, and marks the start of every word alike;
- the model segments each pre-token by itself, as WordPiece and Unigram do.

Which characters are white space is asked of the tokenizer itself, in `splits_at_white_space`.
"""

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

from monoglot.tokens.alphabet import LETTER

if TYPE_CHECKING:
    from tokenizers import AddedToken, Tokenizer

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
