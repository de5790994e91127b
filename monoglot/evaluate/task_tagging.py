"""The kind of task that gives each word a tag: named entities, parts of speech.

Labels follow the tokenizer's word ids, so that a word which vanishes or is cut off shifts no other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from monoglot.data.readers import OUTSIDE, TaggedExample, tag_inventory
from monoglot.errors import UserError
from monoglot.evaluate.metrics import SUBTOKENS, WORDS, Tags
from monoglot.evaluate.task import Outcome, TrainedTask, key_of
from monoglot.families import FAMILIES

# Planning reads this kind's parameters: torch and its like are imported inside the methods.
if TYPE_CHECKING:
    import pyarrow as pa
    from tokenizers import Encoding, Tokenizer
    from torch import Tensor
    from transformers import PreTrainedModel

    from monoglot.evaluate.baselines import Prediction
    from monoglot.evaluate.encoding import Encoded


class Tagging(TrainedTask):
    """Tags every word.

    The head is one linear layer. Predictions have the columns sentence, word, gold, predicted and
    subtokens: the tags predicted for a word's sub-tokens, null without a tokenizer.
    """

    kind: Literal["tagging"] = "tagging"
    scheme: Literal["iob2", "plain"] = "plain"
    """For tagging; iob2 puts B- and I- before the labels and adds O."""

    compares: ClassVar = (WORDS, SUBTOKENS)
    example: ClassVar = TaggedExample
    on_hub: ClassVar = "token-classification"
    stock: ClassVar = "AutoModelForTokenClassification"
    stock_heads: ClassVar = {
        family: {"1": "classifier"} for family in FAMILIES if family != "modernbert"
    }
    """None for ModernBERT, whose stock head has two layers."""

    @property
    def tag_scheme(self) -> str:
        return self.scheme

    @property
    def classes(self) -> list[str]:
        return tag_inventory(self.labels, self.scheme)

    def check(self, where: str) -> None:
        super().check(where)
        if OUTSIDE in self.labels:
            raise UserError(
                f"{key_of(where, 'labels')}: must not hold '{OUTSIDE}', which stands for words "
                "outside entities and words cut off"
            )

    def read(self, source: Mapping[str, Any], split: str, root: Path) -> Iterator[TaggedExample]:
        from monoglot.data.sources import tagged_examples

        return tagged_examples(source, split, self.classes, root)

    def gold(self, example: TaggedExample) -> list[str]:
        return list(example.tags)

    def encode(
        self,
        examples: Sequence[TaggedExample],
        tokenizer: "Tokenizer",
        pad: int,
        label_subtokens: str = "all",
    ) -> "Encoded":
        """Encode sentences given as words.

        With `label_subtokens` "all" each sub-token carries its word's tag (as the paper does; a
        `B-` is repeated), with "first" only the first one does.
        """
        from monoglot.evaluate.encoding import IGNORED, Encoded, lead_of, padded

        lead = lead_of(tokenizer)
        sentences = [
            [lead * (number > 0) + word for number, word in enumerate(example.tokens)]
            for example in examples
        ]
        encodings = tokenizer.encode_batch(sentences, is_pretokenized=True)
        ids, lengths = padded([encoding.ids for encoding in encodings], pad)
        words, _ = padded([_word_indices(encoding) for encoding in encodings], -1)
        index = {tag: number for number, tag in enumerate(self.classes)}
        tags, _ = padded([[index[tag] for tag in example.tags] for example in examples], IGNORED)
        labelled = words >= 0 if label_subtokens == "all" else first_subtokens(words)
        labels = tags.gather(1, words.clamp(min=0)).masked_fill(~labelled, IGNORED)
        ends = words.amax(dim=1).tolist()
        cut = sum(
            len(example.tokens) - 1 - end
            for example, encoding, end in zip(examples, encodings, ends, strict=True)
            if encoding.overflowing
        )
        return Encoded(ids, lengths, labels, words, cut)

    def add_head(self, model: "PreTrainedModel", name: str) -> None:
        model.add_tagging_head(name, num_labels=len(self.classes))

    def decoded(
        self,
        train: Sequence[TaggedExample],
        test: Sequence[TaggedExample],
        encoded: "Encoded",
        predicted: "Tensor",
    ) -> Outcome:
        places = ([example.tags for example in test], encoded, predicted, self.classes)
        words, lost = word_tags(*places)
        return self.outcome(train, test, words, subtoken_tags(*places), lost)

    def majority(self, train: Sequence[TaggedExample]) -> str:
        """Return the most frequent tag; of IOB2, `O`, which finds no entity and has an F1 of 0."""
        return OUTSIDE if self.scheme == "iob2" else super().majority(train)

    def ngrams(self, splits: Mapping[str, Sequence[TaggedExample]]) -> "Prediction":
        from monoglot.evaluate.baselines import predict_tags

        return predict_tags(splits["train"], splits["test"])

    def predictions(
        self, gold: Tags, predicted: Tags, subtokens: Sequence[Tags] | None = None
    ) -> "pa.Table":
        import pyarrow as pa

        def flat(value: Callable[[int, int], object]) -> list:
            return [value(i, j) for i, sentence in enumerate(gold) for j in range(len(sentence))]

        pieces = flat(lambda i, j: subtokens[i][j] if subtokens is not None else None)
        return pa.table(
            {
                "sentence": pa.array(flat(lambda i, j: i), pa.int64()),
                "word": pa.array(flat(lambda i, j: j), pa.int64()),
                "gold": pa.array(flat(lambda i, j: gold[i][j]), pa.string()),
                "predicted": pa.array(flat(lambda i, j: predicted[i][j]), pa.string()),
                "subtokens": pa.array(pieces, pa.list_(pa.string())),
            }
        )


def first_subtokens(words: "Tensor") -> "Tensor":
    """Mark the first sub-token of each word; `words` and the result are [examples, length]."""
    from torch.nn.functional import pad

    return (words >= 0) & (words != pad(words[:, :-1], (1, 0), value=-1))


def word_tags(
    gold: Tags, encoded: "Encoded", predicted: "Tensor", classes: Sequence[str]
) -> tuple[list[list[str]], int]:
    """Return each word's tag, that of its first sub-token, and how many words have none.

    `predicted` [sentences, length] are class indices in the positions of `encoded`. A word that no
    sub-token stands for is tagged `O`.
    """
    tags = [[OUTSIDE] * len(sentence) for sentence in gold]
    rows, columns = first_subtokens(encoded.words).nonzero(as_tuple=True)
    words, indices = encoded.words[rows, columns], predicted[rows, columns]
    for row, word, index in zip(rows.tolist(), words.tolist(), indices.tolist(), strict=True):
        tags[row][word] = classes[index]
    return tags, sum(map(len, gold)) - len(rows)


def subtoken_tags(
    gold: Tags, encoded: "Encoded", predicted: "Tensor", classes: Sequence[str]
) -> list[list[list[str]]]:
    """Return the predicted tags of the sub-tokens of every word; none for a word cut off."""
    found: list[list[list[str]]] = [[[] for _ in sentence] for sentence in gold]
    for tags, words, indices in zip(found, encoded.words, predicted, strict=True):
        inside = words >= 0
        for word, index in zip(words[inside].tolist(), indices[inside].tolist(), strict=True):
            tags[word].append(classes[index])
    return found


def _word_indices(encoding: "Encoding") -> list[int]:
    return [-1 if word is None else word for word in encoding.word_ids]


TASK = Tagging
