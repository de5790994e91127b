"""The kind of task that gives each text one label: topics, sentiment."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from monoglot.data.readers import TextExample
from monoglot.evaluate.metrics import LABELS
from monoglot.evaluate.task import Label, Outcome, TrainedTask
from monoglot.keys import UNIQUE

# Planning reads this kind's parameters: torch and its like are imported inside the methods.
if TYPE_CHECKING:
    import pyarrow as pa
    from tokenizers import Tokenizer
    from torch import Tensor
    from transformers import PreTrainedModel

    from monoglot.evaluate.baselines import Prediction
    from monoglot.evaluate.encoding import Encoded

OF_ROBERTA = {"1": "classifier.dense", "4": "classifier.out_proj"}


class Classification(TrainedTask):
    """Sorts whole texts.

    The head is the library's default: two layers with tanh on the first token's state. Predictions
    have the columns id, gold, predicted.
    """

    kind: Literal["classification"] = "classification"
    labels: Annotated[list[Label], Field(min_length=2), *UNIQUE]
    """The classes."""

    compares: ClassVar = (LABELS,)
    example: ClassVar = TextExample
    on_hub: ClassVar = "text-classification"
    first_state_only: ClassVar = True
    stock: ClassVar = "AutoModelForSequenceClassification"
    # None for DistilBERT, ELECTRA and DeBERTa-v3: their stock heads have another activation than
    # tanh (ReLU or GELU).
    stock_heads: ClassVar = {
        "bert": {"1": "bert.pooler.dense", "4": "classifier"},
        "roberta": OF_ROBERTA,
        "xlm-roberta": OF_ROBERTA,
        "camembert": OF_ROBERTA,
    }

    def read(self, source: Mapping[str, Any], split: str, root: Path) -> Iterator[TextExample]:
        from monoglot.data.sources import text_examples

        return text_examples(source, split, self.labels, root)

    def gold(self, example: TextExample) -> str:
        return example.label

    def encode(
        self,
        examples: Sequence[TextExample],
        tokenizer: "Tokenizer",
        pad: int,
        label_subtokens: str = "all",
    ) -> "Encoded":
        import torch

        from monoglot.evaluate.encoding import Encoded, padded

        encodings = tokenizer.encode_batch([example.text for example in examples])
        ids, lengths = padded([encoding.ids for encoding in encodings], pad)
        index = {label: number for number, label in enumerate(self.classes)}
        labels = torch.tensor([index[example.label] for example in examples])
        cut = sum(
            len(self.words(example)) - len(example.text[: max(encoding.offsets)[1]].split())
            for example, encoding in zip(examples, encodings, strict=True)
            if encoding.overflowing
        )
        return Encoded(ids, lengths, labels, cut=cut)

    def add_head(self, model: "PreTrainedModel", name: str) -> None:
        model.add_classification_head(name, num_labels=len(self.classes))

    def decoded(
        self,
        train: Sequence[TextExample],
        test: Sequence[TextExample],
        encoded: "Encoded",
        predicted: "Tensor",
    ) -> Outcome:
        return self.outcome(train, test, [self.classes[index] for index in predicted.tolist()])

    def ngrams(self, splits: Mapping[str, Sequence[TextExample]]) -> "Prediction":
        from monoglot.evaluate.baselines import predict_texts

        return predict_texts(splits["train"], splits["dev"], splits["test"], self.metric)

    def predictions(self, gold: Sequence[str], predicted: Sequence[str]) -> "pa.Table":
        import pyarrow as pa

        return pa.table({"id": range(len(gold)), "gold": gold, "predicted": predicted})


TASK = Classification
