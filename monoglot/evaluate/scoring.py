"""Scores of predictions, all from 0 to 1, by scikit-learn and seqeval.

Tagging is scored twice. At the level of words, a word's prediction is that of its first sub-token,
so that scores of different tokenizers can be compared. At the level of sub-tokens (the paper's
way), every sub-token counts as a unit with its word's tag, a `B-` being repeated.
"""

import warnings
from collections.abc import Sequence

from seqeval.metrics import f1_score as chunk_f1
from sklearn.metrics import accuracy_score, f1_score

from monoglot.evaluate.task import OUTSIDE

Tags = Sequence[Sequence[str]]


def classification_scores(gold: Sequence[str], predicted: Sequence[str]) -> dict[str, float]:
    """Score predicted labels, [n], against gold ones.

    `macro_f1` is the plain mean of F1 over the labels that occur in `gold` or `predicted`, as in
    the paper; a declared label that occurs in neither has no F1 and is left out. `weighted_f1` is
    the mean weighted by how often each label occurs in `gold` (AfriSenti's metric).
    """
    return {
        "macro_f1": float(f1_score(gold, predicted, average="macro", zero_division=0)),
        "weighted_f1": float(f1_score(gold, predicted, average="weighted", zero_division=0)),
        "accuracy": float(accuracy_score(gold, predicted)),
    }


def tagging_scores(
    words: tuple[Tags, Tags], subtokens: tuple[Tags, Tags] | None, scheme: str
) -> dict[str, float]:
    """Score tags; `words` and `subtokens` are (gold, predicted), each a list of tags per sentence.

    Without `subtokens` (None, of a model without a tokenizer) there is no `subtoken_f1`.

    `word_f1` and `subtoken_f1` are seqeval's micro F1 in its default (non-strict) mode. On plain
    tags, seqeval takes a tag's first letter for its prefix and the rest for its type, and joins
    neighbours of one type: that is the paper's POS score, and no token accuracy. `word_accuracy`
    is the share of words with the right tag; `word_macro_f1`, for plain tags, the mean of F1 over
    the tags that occur. A word without sub-token counts as predicted `O`: wrong if tags are plain.
    """
    gold, predicted = (_flatten(tags) for tags in words)
    scores = {
        "word_f1": _chunk_f1(*words),
        "word_accuracy": float(accuracy_score(gold, predicted)),
    }
    if subtokens is not None:
        scores["subtoken_f1"] = _chunk_f1(*subtokens)
    if scheme == "plain":
        tags = sorted({*gold, *predicted} - {OUTSIDE})
        scores["word_macro_f1"] = float(
            f1_score(gold, predicted, labels=tags, average="macro", zero_division=0)
        )
    return scores


def _chunk_f1(gold: Tags, predicted: Tags) -> float:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* seems not to be NE tag")
        return float(chunk_f1(list(gold), list(predicted), average="micro", zero_division=0))


def _flatten(tags: Tags) -> list[str]:
    return [tag for sentence in tags for tag in sentence]
