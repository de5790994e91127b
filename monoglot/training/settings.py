"""How to train: the parameters of masked-LM training and distillation. For planning too."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from monoglot.keys import UNIQUE, Count, Number, Parameters, Seed

Weight = Annotated[Number, Field(ge=0, le=1)]
OTHER_WEIGHTS = ("attention_weight", "hidden_weight", "relation_weight", "sentence_weight")
"""Of what is compared with the teacher besides logits."""


class Settings(Parameters):
    """How to train, alone or under a teacher."""

    loss: Literal["none", "mse", "kl"] = "none"
    """Distance to the teacher's logits; none has no teacher and trains on masked LM alone."""
    alpha: Weight = 0.5
    """Weight of the masked-LM loss, 0 to 1; that of the distance is 1 - alpha."""
    attention_weight: Weight = 0
    """Weight of attention matching in the distance to the teacher, 0 to 1; what the weights \
leave of 1 is that of the logits."""
    attention_projection: Literal["rows", "full"] = "rows"
    """What the learned projection of the student's attention maps: each row, or the full map as \
one vector (max_length to the power of four parameters)."""
    hidden_weight: Weight = 0
    """Weight of hidden states in the distance to the teacher, 0 to 1, compared through a learned \
linear map (TinyBERT); needs no head."""
    relation_weight: Weight = 0
    """Weight of the relations among queries, keys and values in the distance to the teacher, \
0 to 1 (MiniLMv2); needs no head."""
    sentence_weight: Weight = 0
    """Weight of the vectors of whole texts (the mean of the last states) in the distance to the \
teacher, 0 to 1: 1 - cosine."""
    teacher_layers: Annotated[list[Count], Field(min_length=1), *UNIQUE] | None = None
    """Layers of the teacher, from 1, whose hidden states or relations are compared, with the \
student's spread evenly; by default the last."""
    # Well above 100, rounding in fp32 is more than the divergence.
    temperature: Annotated[Number, Field(gt=0, le=100)] = 2
    """Of both sides' softmax in KL divergence, at most 100."""
    kl_mean: Literal["position", "sequence"] = "position"
    """Mean of the KL divergence over positions, or over sequences (`batchmean`)."""
    positions: Literal["all", "unpadded", "masked"] = "all"
    """Positions whose logits are compared; the paper's code compares padding too."""
    learning_rate: Annotated[Number, Field(gt=0)] = 5e-5
    """The highest, of AdamW."""
    warmup: Weight = 0
    """Share of the steps in which the learning rate rises; it falls linearly after them."""
    weight_decay: Annotated[Number, Field(ge=0)] = 0
    """Of weights, not of biases and layer norms."""
    batch_size: Count = 8
    """Sequences in a step."""
    micro_batch: Count | None = None
    """Sequences in memory at a time, if a whole batch is too large; the loss is the same."""
    epochs: Annotated[Number, Field(gt=0)] | None = None
    """Passes over the text; give this or `steps`."""
    steps: Count | None = None
    """Optimiser steps; give this or `epochs`."""
    max_length: Annotated[Count, Field(ge=8)] = 512
    """Longest sequence in tokens, special ones included."""
    documents: Literal["truncate", "chunk", "pack"] = "truncate"
    """Long documents are cut and the rest dropped, cut into pieces, or run on into each other."""
    padding: Literal["max_length", "longest"] = "longest"
    """Pad every batch to `max_length`, or to its longest sequence."""
    mlm_probability: Annotated[Number, Field(gt=0, lt=1)] = 0.15
    """Share of the tokens that are masked."""
    evaluate_every: Count = 500
    """Steps between validations, which are the rows of the history."""
    validation_masks: Literal["fixed", "redrawn"] = "fixed"
    """The same masks at every validation, or new ones each time (the paper's code)."""
    trains: Literal["all", "head"] = "all"
    """All weights, or the masked-LM head alone, as a first step for one that is `fresh`: its \
gradients would cost the encoder what it knows."""
    keep: Literal["last", "best"] = "last"
    """The weights after the last step, or those with the lowest validation loss."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of the forward and backward pass; weights and optimiser are fp32. Processors without bf16 \
stay with fp32."""
    seed: Seed = 42
    """Of data order, masks and dropout."""

    @model_validator(mode="after")
    def _head_alone(self) -> Self:
        if self.trains == "head" and self.loss != "none":
            raise ValueError("trains the head alone, which has no teacher; set loss to none")
        return self

    @model_validator(mode="after")
    def _weights_of_one(self) -> Self:
        if self.logits_weight < 0:
            *others, last = OTHER_WEIGHTS
            raise ValueError(
                f"has a {', '.join(others)} and {last} of more than 1 together; the logits' is "
                "what they leave of 1"
            )
        if self.teacher_layers and not (self.hidden_weight or self.relation_weight):
            raise ValueError(
                "has teacher_layers, but compares neither hidden states nor relations; give "
                "hidden_weight or relation_weight"
            )
        return self

    @property
    def logits_weight(self) -> float:
        """Weight of the logits in the distance to the teacher."""
        return logits_weight(dict(self))

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either 'epochs' or 'steps'")
        return self

    def total_steps(self, sequences: int) -> int:
        """Return the number of optimiser steps for a corpus of so many sequences."""
        if self.steps is not None:
            return self.steps
        return max(1, round(self.epochs * math.ceil(sequences / self.batch_size)))

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate of a step: linear warm-up, then linear decay to zero."""
        warmup = self.warmup * total
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        return self.learning_rate * (total - step) / max(1, total - warmup)


def logits_weight(settings: Mapping[str, Any]) -> float:
    """Return the weight of the logits in the distance to a teacher: what others leave of 1."""
    # .7 + .2 + .1 is less than 1 in binary.
    return round(1 - sum(settings[name] for name in OTHER_WEIGHTS), 9)
