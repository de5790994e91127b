"""The kind of task that finds translations: bitext retrieval.

Both sides of parallel text become vectors, and each sentence is to be nearest to its translation,
in both directions: what mteb calls bitext mining (Muennighoff et al. 2023, section 3.1).
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from monoglot.data.readers import ParallelExample
from monoglot.errors import UserError
from monoglot.evaluate.metrics import (
    COSINES,
    NEIGHBOURS,
    RANKS,
    added_of,
    cosine_kept,
    scores_of,
)
from monoglot.evaluate.task import Outcome, VectorTask, key_of
from monoglot.keys import Name

# Planning reads this kind's parameters: torch and its like are imported inside the functions.
if TYPE_CHECKING:
    from torch import Tensor

    from monoglot.evaluate.scoring import TextEncoder

SIMILARITIES = 1 << 24
"""That are held at once."""


class Retrieval(VectorTask):
    """Finds the translation of each sentence by its vector.

    Predictions have a row for each sentence of both sides, with the columns sentence (the number of
    the pair), query (source or target), gold and predicted (numbers of sentences of the other side,
    as texts), rank (of the translation) and, of the source with `targets_from`, cosine.
    """

    kind: Literal["retrieval"] = "retrieval"
    similarity: Literal["cosine", "dot"] = "cosine"
    """Of two vectors: their cosine, or their inner product."""
    targets_from: Name | None = None
    """A variant that makes the vectors of the translations, and that vectors of the language's \
own sentences are compared with (`cosine_kept`); the scored one itself by default."""

    example: ClassVar = ParallelExample
    splits: ClassVar = ("test",)
    parts: ClassVar = ("source", "target")
    on_hub: ClassVar = "BitextMining"

    @property
    def compares(self) -> tuple[str, ...]:
        return (NEIGHBOURS, RANKS, *([COSINES] if self.targets_from else []))

    def check(self, where: str) -> None:
        if self.metric == cosine_kept.__name__ and not self.targets_from:
            raise UserError(
                f"{key_of(where, 'metric')}: '{self.metric}' is to the vectors of another variant; "
                f"name that one as {key_of(where, 'targets_from')}"
            )
        super().check(where)

    def read(self, source: Mapping[str, Any], split: str, root: Path) -> Iterator[ParallelExample]:
        from monoglot.data.sources import parallel_examples

        return parallel_examples(source, root)

    def words(self, example: ParallelExample) -> list[str]:
        return [*example.source.split(), *example.target.split()]

    def scored(
        self,
        test: Sequence[ParallelExample],
        encoder: "TextEncoder",
        other: "TextEncoder | None" = None,
    ) -> Outcome:
        """Score an encoder on pairs of sentences.

        Raises `UserError` if the vectors of `other` have another width.
        """
        sources, targets = [one.source for one in test], [one.target for one in test]
        if other is None:
            vectors = encoder.vectors([*sources, *targets])
            return self.outcome(vectors[: len(test)], vectors[len(test) :])
        if other.width != encoder.width:
            raise UserError(
                f"{other.checkpoint}: makes vectors of {other.width} dimensions, but "
                f"{encoder.checkpoint} of {encoder.width}; the variant that targets_from names "
                "must have the same"
            )
        vectors = other.vectors([*sources, *targets])
        kept, found = vectors[: len(test)], vectors[len(test) :]
        return self.outcome(encoder.vectors(sources), found, kept)

    def words_cut(
        self,
        test: Sequence[ParallelExample],
        encoder: "TextEncoder",
        other: "TextEncoder | None" = None,
    ) -> int:
        of_targets = (other or encoder).cut([one.target for one in test])
        return encoder.cut([one.source for one in test]) + of_targets

    def outcome(
        self, sources: "Tensor", targets: "Tensor", others: "Tensor | None" = None
    ) -> Outcome:
        """Score vectors of sentences and their translations, fp32, [pairs, dimensions].

        `others` are vectors of the same sentences by the variant that they are compared with.
        """
        import pyarrow as pa
        from torch.nn.functional import cosine_similarity, normalize

        number = len(sources)
        cosines = None
        if others is not None:  # of the same vectors it may be above 1 by rounding
            cosines = cosine_similarity(sources, others).clamp(max=1).tolist()
        if self.similarity == "cosine":
            sources, targets = normalize(sources), normalize(targets)
        sides = nearest(sources, targets), nearest(targets, sources)
        found = [[side[0][i] for side in sides] for i in range(number)]
        ranks = [[side[1][i] for side in sides] for i in range(number)]
        gold = [[i] * 2 for i in range(number)]
        pairs = {
            NEIGHBOURS: (_texts(gold), _texts(found)),
            RANKS: ([["1"] * 2] * number, _texts(ranks)),
        }
        columns = {
            "sentence": pa.array([i for i in range(number) for _ in sides], pa.int64()),
            "query": list(self.parts) * number,
            "gold": list(map(str, chain.from_iterable(gold))),
            "predicted": list(map(str, chain.from_iterable(found))),
            "rank": pa.array(chain.from_iterable(ranks), pa.int64()),
        }
        if cosines is not None:
            pairs[COSINES] = [["1"]] * number, [[str(one)] for one in cosines]
            both = [value for one in cosines for value in (one, None)]
            columns["cosine"] = pa.array(both, pa.float64())
        by_chance = chances(number)
        scores = scores_of(pairs)
        scores["majority"] = by_chance.get(self.metric, 0.0)
        return Outcome(scores, added_of(pairs), by_chance, pa.table(columns), 0)


def nearest(queries: "Tensor", candidates: "Tensor") -> tuple[list[int], list[int]]:
    """Return of each query its nearest candidate, and the rank of the candidate of its own number.

    By the largest inner product, the first among equals. Both are [number, dimensions].
    """
    import torch

    number, found, ranks = len(candidates), [], []
    numbers = torch.arange(number, device=candidates.device)
    at_once = max(1, SIMILARITIES // number)
    for start in range(0, number, at_once):
        alike = queries[start : start + at_once] @ candidates.T
        own = numbers[start : start + at_once, None]
        right = alike.gather(1, own)
        before = (alike > right) | ((alike == right) & (numbers < own))
        found += alike.argmax(1).tolist()
        ranks += (1 + before.sum(1)).tolist()
    return found, ranks


def chances(number: int) -> dict[str, float]:
    """Return what an order at random scores among so many sentences, on average, by metric.

    F1 is 2 / (1 + times) for a hit, and a sentence that is hit is nearest to B more, of binomial
    distribution with `number` - 1 and 1 / `number`: the mean is that of 2 / (2 + B), by `number`.
    """
    right, wrong = 1 / number, 1 - 1 / number
    # E[1 / (2 + B)] is the integral of t (wrong + right t)^(number - 1) from 0 to 1.
    upper, lower = 1 - wrong ** (number + 1), wrong * (1 - wrong**number)
    f1 = 2 * number * (upper / (number + 1) - lower / number)
    found = dict.fromkeys(("bitext_accuracy", "accuracy_to_target", "accuracy_to_source"), right)
    found |= dict.fromkeys(("bitext_f1", "f1_to_target", "f1_to_source"), f1)
    return found | {"bitext_mrr": fsum(1 / rank for rank in range(1, number + 1)) / number}


def _texts(rows: Sequence[Sequence[int]]) -> list[list[str]]:
    return [list(map(str, row)) for row in rows]


TASK = Retrieval
