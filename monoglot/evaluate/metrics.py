"""The metrics of records: to add one, write its function and its entry here.

Everything else follows from the entries: what records hold, what the configuration accepts, the
paired test, and the names and descriptions on pages and model cards. Scoring itself is
scikit-learn's and seqeval's.

Tagging is scored twice. At the level of words, a word's prediction is that of its first sub-token,
so that scores of different tokenizers can be compared. At the level of sub-tokens (the paper's
way), every sub-token counts as a unit with its word's tag, a `B-` being repeated.

Retrieval is scored in both directions: of each pair of sentences, gold and predicted hold what is
found for the source among the targets, then for the target among the sources.
"""

import inspect
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monoglot.data.readers import OUTSIDE

# Libraries are imported inside the functions, because planning reads the entries.
if TYPE_CHECKING:
    import numpy as np

LABELS, WORDS, SUBTOKENS = "labels", "words", "subtokens"
"""What a metric compares: one label an example, or a list of tags an example."""
NEIGHBOURS, RANKS, COSINES = "neighbours", "ranks", "cosines"
"""What a metric of retrieval compares: the number of the nearest neighbour with that of the
translation, the rank of the translation with 1, a cosine with 1; all are texts."""
UNTRAINED = (NEIGHBOURS, RANKS, COSINES)
"""What is compared of models as they are, so that no seed changes it."""

Labels = Sequence[str]
Tags = Sequence[Sequence[str]]
Pair = tuple[Labels, Labels] | tuple[Tags, Tags]
"""Gold and predicted."""


@dataclass(frozen=True)
class Counted:
    """A metric as a function of counts that are added up over examples: tests and errors need it.

    Args:
        count: from gold and predicted labels, a tuple for each example, and all labels that occur,
            to counts, [examples, counts].
        score: from counts added up over examples, [swaps, counts], to scores, [swaps].
    """

    count: Callable[[Tags, Tags, Labels], "np.ndarray"]
    score: Callable[["np.ndarray"], "np.ndarray"]

    def added(self, gold: Tags, predicted: Tags) -> "np.ndarray":
        """Return what each example adds to the score, see `added_by_example`."""
        labels = sorted({label for rows in (gold, predicted) for row in rows for label in row})
        return added_by_example(self.count(gold, predicted, labels), self.score)


def added_by_example(
    counts: "np.ndarray", score: Callable[["np.ndarray"], "np.ndarray"]
) -> "np.ndarray":
    """Return what each example adds to a score, [examples]; their mean is nearly the score.

    These are the jackknife's pseudo-values (Tukey 1958): n times the score less n - 1 times the
    score without the example. `counts` [examples, counts] and `score` are those of `Counted`.
    """
    number, whole = len(counts), counts.sum(axis=0)
    return number * score(whole[None]) - (number - 1) * score(whole - counts)


def own_variance(added: "np.ndarray") -> float:
    """Return the variance of a seed's score by mistakes that other seeds do not make.

    `added` is what each example adds to the score of each seed, [seeds, examples], two seeds and
    two examples at least: the interaction of a two-way analysis of variance, by the examples.
    """
    own = added - added.mean(axis=0)
    return float(own.var(axis=1, ddof=1).sum() / (len(own) - 1) / own.shape[1])


def shared_error(added: "np.ndarray") -> float:
    """Return the standard error, over test sets of as many examples, that seeds have in common.

    Of one seed, that of its score. `added` as for `own_variance`. 0 where all examples add the
    same, or where there is one alone.
    """
    seeds, examples = added.shape
    if examples == 1:
        return 0.0
    variance = float(added.mean(axis=0).var(ddof=1)) / examples
    if seeds > 1:
        variance -= own_variance(added) / seeds
    return max(variance, 0.0) ** 0.5


@dataclass(frozen=True)
class Metric:
    """A metric, named in records and in the configuration as its function is.

    Args:
        score: from gold and predicted to a score from 0 to 1. Its docstring is the metric's name in
            print and, after a colon, its description.
        compares: `LABELS`, `WORDS`, `SUBTOKENS`, or one of `UNTRAINED`.
        on_hub: its type in the metadata of model cards.
        scheme: the only scheme of tags that it suits; any if None.
        counted: how it follows from counts; without, its errors and differences are not known.
    """

    score: Callable[[Sequence, Sequence], float]
    compares: str
    on_hub: str
    scheme: str | None = None
    counted: Counted | None = None

    @property
    def name(self) -> str:
        return self.score.__name__

    @property
    def label(self) -> str:
        """The name in print."""
        return self._said[0]

    @property
    def description(self) -> str:
        """What it is, in one sentence."""
        return self._said[1]

    @property
    def needs_tokenizer(self) -> bool:
        """Whether a model without a tokenizer, as baselines are, cannot have it."""
        return self.compares == SUBTOKENS

    @property
    def has_seeds(self) -> bool:
        """Whether it is of something trained, so that one score says nothing of other seeds."""
        return self.compares not in UNTRAINED

    @property
    def _said(self) -> tuple[str, str]:
        label, _, description = " ".join(inspect.getdoc(self.score).split()).partition(": ")
        return label, description


def printed(name: str) -> str:
    """Return a metric's name within a sentence: "sub-token F1"; as it is if it is not known."""
    label = METRICS[name].label if name in METRICS else name
    return label[:1].lower() + label[1:]


def guess(metrics: Iterable[str]) -> str:
    """Return what scores of these metrics are compared with, in words: what chance gives.

    Metrics that are not known are taken for those of labels.
    """
    kinds = {metric not in METRICS or METRICS[metric].has_seeds for metric in metrics}
    ways = {True: "the most frequent label", False: "an order at random"}
    return " or ".join(way for trained, way in ways.items() if trained in kinds)


def scores_of(pairs: Mapping[str, Pair], scheme: str | None = None) -> dict[str, float]:
    """Return every metric of what is compared: gold and predicted labels, tags of words, and so on.

    `scheme` is that of tags. Where there are no sub-tokens, no metric of them is returned.
    """
    return {
        metric.name: metric.score(*pairs[metric.compares])
        for metric in metrics_for(tuple(pairs), scheme)
    }


def added_of(pairs: Mapping[str, Pair], scheme: str | None = None) -> dict[str, "np.ndarray"]:
    """Return what each example adds to every metric, [examples], see `added_by_example`."""
    return {
        metric.name: metric.counted.added(*map(_listed, pairs[metric.compares]))
        for metric in metrics_for(tuple(pairs), scheme)
        if metric.counted
    }


def _listed(labels: Labels | Tags) -> Tags:
    return [[one] if isinstance(one, str) else one for one in labels]


def metrics_for(compared: Sequence[str], scheme: str | None) -> list[Metric]:
    """Return the metrics of a kind of task that compares these things, in their order."""
    return [
        metric
        for metric in METRICS.values()
        if metric.compares in compared and metric.scheme in (None, scheme)
    ]


def macro_f1(gold: Labels, predicted: Labels) -> float:
    """Macro F1: F1 of each class (the harmonic mean of precision and recall), then the mean of
    these over the classes that occur; a class counts as much as any other, however rare.
    """
    # A declared label that occurs neither in gold nor in predictions has no F1 and is left out, as
    # in the paper.
    from sklearn.metrics import f1_score

    return float(f1_score(gold, predicted, average="macro", zero_division=0))


def weighted_f1(gold: Labels, predicted: Labels) -> float:
    """Weighted F1: F1 of each class, then the mean of these, weighted by how often a class occurs
    (AfriSenti's metric).
    """
    from sklearn.metrics import f1_score

    return float(f1_score(gold, predicted, average="weighted", zero_division=0))


def accuracy(gold: Labels, predicted: Labels) -> float:
    """Accuracy: share of texts with the right label."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(gold, predicted))


def word_f1(gold: Tags, predicted: Tags) -> float:
    """Word F1: F1 of entities, each of which counts as found if its type and both its ends are
    right (seqeval); the tag of a word is the one predicted for its first sub-token.
    """
    # On plain tags, seqeval takes a tag's first letter for its prefix and the rest for its type,
    # and joins neighbours of one type: that is the paper's POS score, and no token accuracy.
    from seqeval.metrics import f1_score

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* seems not to be NE tag")
        return float(f1_score(list(gold), list(predicted), average="micro", zero_division=0))


def subtoken_f1(gold: Tags, predicted: Tags) -> float:
    """Sub-token F1: the published metric, F1 of entities with every sub-token counted as a word
    that repeats its word's tag, `B-` included; the number depends on how the tokenizer cuts words.
    """
    return word_f1(gold, predicted)


def word_accuracy(gold: Tags, predicted: Tags) -> float:
    """Word accuracy: share of words with the right tag."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(_flat(gold), _flat(predicted)))


def word_macro_f1(gold: Tags, predicted: Tags) -> float:
    """Word macro F1: F1 of each tag over words, then the mean of these over the tags that occur; a
    rare tag counts as much as a frequent one.
    """
    # A word without sub-token counts as predicted `O`, which is no tag of a plain scheme.
    from sklearn.metrics import f1_score

    gold, predicted = _flat(gold), _flat(predicted)
    tags = sorted({*gold, *predicted} - {OUTSIDE})
    return float(f1_score(gold, predicted, labels=tags, average="macro", zero_division=0))


def bitext_accuracy(gold: Tags, predicted: Tags) -> float:
    """Bitext accuracy: share of sentences, of both sides, whose nearest neighbour on the other side
    is their translation.
    """
    return float(_hits(gold, predicted).mean())


def bitext_f1(gold: Tags, predicted: Tags) -> float:
    """Bitext F1: mteb's score of bitext mining, in which a sentence that is nearest to several
    counts for less; the mean of both directions.
    """
    return float(_shared_hits(gold, predicted).mean())


def bitext_mrr(gold: Tags, predicted: Tags) -> float:
    """Mean reciprocal rank: one over the rank of the translation among all sentences of the other
    side, the mean over the sentences of both sides.
    """
    return float(_reciprocal(gold, predicted).mean())


def accuracy_to_target(gold: Tags, predicted: Tags) -> float:
    """Accuracy to target: share of the language's own sentences whose nearest neighbour on the
    other side is their translation.
    """
    return float(_hits(gold, predicted)[:, 0].mean())


def accuracy_to_source(gold: Tags, predicted: Tags) -> float:
    """Accuracy to source: share of the translations whose nearest neighbour among the language's
    own sentences is the one that they translate.
    """
    return float(_hits(gold, predicted)[:, 1].mean())


def f1_to_target(gold: Tags, predicted: Tags) -> float:
    """F1 to target: mteb's score of bitext mining from the language's own sentences to their
    translations.
    """
    return float(_shared_hits(gold, predicted)[:, 0].mean())


def f1_to_source(gold: Tags, predicted: Tags) -> float:
    """F1 to source: mteb's score of bitext mining from the translations to the language's own
    sentences.
    """
    return float(_shared_hits(gold, predicted)[:, 1].mean())


def cosine_kept(gold: Tags, predicted: Tags) -> float:
    """Cosine kept: mean cosine between the vectors of the language's own sentences and those of the
    variant that `targets_from` names; 0 if it is below that.
    """
    return max(0.0, float(_numbers(gold, predicted).mean()))


def _hits(gold: Tags, predicted: Tags) -> "np.ndarray":
    """1 where the neighbour is the translation, else 0, [pairs, directions]."""
    import numpy as np

    return (np.array(gold) == np.array(predicted)).astype(np.float64)


def _shared_hits(gold: Tags, predicted: Tags) -> "np.ndarray":
    """F1 of each sentence as a class of its own, [pairs, directions].

    A class has one example: recall is 1 where it is found, precision one over the number of
    sentences that it is nearest to (mteb's BitextMining: weighted F1 over these classes).
    """
    import numpy as np

    nearest_to = [Counter(column) for column in zip(*predicted, strict=True)]
    times = [[nearest_to[side][one] for side, one in enumerate(pair)] for pair in gold]
    return 2 * _hits(gold, predicted) / (np.array(times) + 1)


def _reciprocal(gold: Tags, predicted: Tags) -> "np.ndarray":
    return 1 / _numbers(gold, predicted)


def _numbers(gold: Tags, predicted: Tags) -> "np.ndarray":
    """What texts say, [pairs, directions]; cosines are of one direction."""
    import numpy as np

    return np.array(predicted).astype(np.float64)


def _averaged(terms: Callable[[Tags, Tags], "np.ndarray"], side: slice = slice(None)) -> Counted:
    """Return a mean of terms, [pairs, directions], as it follows from counts.

    Other sentences to choose among count as given: what a pair adds is its own terms.
    """

    def count(gold: Tags, predicted: Tags, labels: Labels) -> "np.ndarray":
        import numpy as np

        found = terms(gold, predicted)[:, side]
        return np.stack([found.sum(axis=1), np.full(len(found), found.shape[1])], axis=1)

    return Counted(count, _share)


TO_TARGET, TO_SOURCE = slice(0, 1), slice(1, 2)


def _flat(tags: Tags) -> list[str]:
    return [tag for sentence in tags for tag in sentence]


def _right(gold: Tags, predicted: Tags, labels: Labels) -> "np.ndarray":
    """Right labels and all labels of each example, [examples, 2]."""
    import numpy as np

    rows = zip(gold, predicted, strict=True)
    return np.array([(sum(map(str.__eq__, g, p)), len(g)) for g, p in rows], dtype=np.int64)


def _by_label(gold: Tags, predicted: Tags, labels: Labels) -> "np.ndarray":
    """Of each label, hits, predicted and gold of each example, [examples, 3 labels]."""
    import numpy as np

    at = {label: 3 * i for i, label in enumerate(labels)}
    counts = np.zeros((len(gold), 3 * len(labels)), dtype=np.int64)
    for row, (right, found) in enumerate(zip(gold, predicted, strict=True)):
        for g, p in zip(right, found, strict=True):
            counts[row, at[g]] += g == p
            counts[row, at[p] + 1] += 1
            counts[row, at[g] + 2] += 1
    return counts


def _without_outside(gold: Tags, predicted: Tags, labels: Labels) -> "np.ndarray":
    tags = [i for i in range(3 * len(labels)) if labels[i // 3] != OUTSIDE]
    return _by_label(gold, predicted, labels)[:, tags]


def _entities(gold: Tags, predicted: Tags, labels: Labels) -> "np.ndarray":
    """Entities found, predicted and gold of each sentence, [sentences, 3], as seqeval sees them."""
    import numpy as np
    from seqeval.metrics.sequence_labeling import get_entities

    rows = zip(gold, predicted, strict=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* seems not to be NE tag")
        found = [(set(get_entities(list(g))), set(get_entities(list(p)))) for g, p in rows]
    return np.array([(len(g & p), len(p), len(g)) for g, p in found], dtype=np.int64)


def _share(counts: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return counts[:, 0] / np.maximum(counts[:, 1], 1)


def _f1(counts: "np.ndarray") -> "np.ndarray":
    """F1 of triples of hits, predicted and gold, [swaps, triples]; 0 where there are none."""
    import numpy as np

    hits, predicted, gold = (counts[:, i::3] for i in range(3))
    return 2 * hits / np.maximum(predicted + gold, 1)


def _micro(counts: "np.ndarray") -> "np.ndarray":
    return _f1(counts)[:, 0]


def _macro(counts: "np.ndarray") -> "np.ndarray":
    """The mean over labels that occur in gold or predictions."""
    import numpy as np

    occurs = counts[:, 1::3] + counts[:, 2::3] > 0
    return (_f1(counts) * occurs).sum(axis=1) / np.maximum(occurs.sum(axis=1), 1)


def _weighted(counts: "np.ndarray") -> "np.ndarray":
    import numpy as np

    gold = counts[:, 2::3]
    return (_f1(counts) * gold).sum(axis=1) / np.maximum(gold.sum(axis=1), 1)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(macro_f1, LABELS, "f1", counted=Counted(_by_label, _macro)),
        Metric(weighted_f1, LABELS, "f1", counted=Counted(_by_label, _weighted)),
        Metric(accuracy, LABELS, "accuracy", counted=Counted(_right, _share)),
        Metric(word_f1, WORDS, "f1", counted=Counted(_entities, _micro)),
        Metric(subtoken_f1, SUBTOKENS, "f1", counted=Counted(_entities, _micro)),
        Metric(word_accuracy, WORDS, "accuracy", counted=Counted(_right, _share)),
        Metric(word_macro_f1, WORDS, "f1", "plain", Counted(_without_outside, _macro)),
        Metric(bitext_accuracy, NEIGHBOURS, "accuracy", counted=_averaged(_hits)),
        Metric(bitext_f1, NEIGHBOURS, "f1", counted=_averaged(_shared_hits)),
        Metric(bitext_mrr, RANKS, "mrr", counted=_averaged(_reciprocal)),
        Metric(accuracy_to_target, NEIGHBOURS, "accuracy", None, _averaged(_hits, TO_TARGET)),
        Metric(accuracy_to_source, NEIGHBOURS, "accuracy", None, _averaged(_hits, TO_SOURCE)),
        Metric(f1_to_target, NEIGHBOURS, "f1", None, _averaged(_shared_hits, TO_TARGET)),
        Metric(f1_to_source, NEIGHBOURS, "f1", None, _averaged(_shared_hits, TO_SOURCE)),
        Metric(cosine_kept, COSINES, "cosine_similarity", counted=_averaged(_numbers)),
    )
}
"""All metrics by name, in the order in which messages list them."""
