"""What `adapter_runs.py` measures on: encoders of random weights, tasks, examples encoded.

Examples are the published ones if a folder has them, with a real tokenizer, or else invented ones.
"""

import argparse
import logging
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from comparison import ROOT
from tokenizers import Tokenizer
from transformers import BertConfig, PreTrainedModel, XLMRobertaConfig
from transformers.utils import logging as transformers_logging

from monoglot.config import complete, read, source_of
from monoglot.data.invented import Sizes, generate
from monoglot.data.parquet import prepare_task, read_examples
from monoglot.data.readers import Example
from monoglot.evaluate import adapter_models, encoding, make_task
from monoglot.evaluate.task import Task, TuningSettings
from monoglot.operations.train_tokenizer import train_tokenizer
from monoglot.tokenizer_json import read_tokenizer, to_json

FAMILY = {"xlmr": "xlm-roberta", "mbert": "bert"}
PAD = {"xlm-roberta": 1, "bert": 0}
COPIED = ("learning_rate", "batch_size", "max_length", "weight_decay", "warmup", "checkpoint")
COPIED += ("label_subtokens",)


@dataclass(frozen=True)
class Job:
    """One task: what it is, how it is trained as published, and examples of two splits."""

    task: Task
    settings: TuningSettings
    train: encoding.Encoded
    dev: encoding.Encoded


class Inputs:
    """Jobs and encoders for the options of the benchmark.

    Args:
        options: `data`, `model`, `language`, `steps`, `epochs`, `reduction_factor`.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.family = options, FAMILY[options.model]
        name = "demo" if options.data is None else "real-small"
        self.sources = _config(ROOT / "configs" / f"{name}.yaml")
        self.tasks = _config(ROOT / "config.yaml")["tasks"]
        self.tokenizer = self._tokenizer()

    def job(self, name: str) -> Job:
        """Read and encode the examples of a task, to be trained on as published."""
        keys = self.tasks[name]
        task = make_task(name, keys)
        settings = TuningSettings(
            reduction_factor=self.options.reduction_factor,
            epochs=self.options.epochs,
            seeds_affect="initialisation",
            **{key: keys[key] for key in COPIED},
        )
        self.tokenizer.enable_truncation(settings.max_length)
        splits = (self._encoded(task, split) for split in ("train", "dev"))
        return Job(task, settings, *splits)

    def encoder(self, shape: str) -> PreTrainedModel:
        """Return an encoder of random weights with the tokenizer's vocabulary, on the device."""
        layers, hidden, ffn = map(int, shape.replace("-", "x").split("x"))
        config = {"bert": BertConfig, "xlm-roberta": XLMRobertaConfig}[self.family](
            num_hidden_layers=layers,
            hidden_size=hidden,
            intermediate_size=ffn,
            num_attention_heads=12,
            vocab_size=self.tokenizer.get_vocab_size(),
            pad_token_id=PAD[self.family],
            max_position_embeddings=512 + (2 if self.family == "xlm-roberta" else 0),
        )
        model = adapter_models.class_of(self.family)(config)
        adapter_models.drop_heads(model)
        return model.to("cuda" if torch.cuda.is_available() else "cpu")

    def _tokenizer(self) -> Tokenizer:
        """Return the real tokenizer, or one trained on the invented texts."""
        if self.options.data is None:
            texts = [example.text for example in self._examples("tc", "train")]
            texts += [" ".join(example.tokens) for example in self._examples("pos", "train")]
            return train_tokenizer(texts, self.family, 1600)
        name = "tokenizer.json.gz" if self.family == "xlm-roberta" else "vocab.txt"
        path = self.options.data / "tokenizers" / self.options.model / name
        return Tokenizer.from_str(to_json(read_tokenizer(path, self.family)))

    def _encoded(self, task: Task, split: str) -> encoding.Encoded:
        examples = self._examples(task.name, split)
        return task.encode(examples, self.tokenizer, PAD[self.family], "all")

    def _examples(self, name: str, split: str) -> list[Example]:
        """Return so many training examples that an epoch has `steps`, evenly spread over the set.

        Of dev, the same share.
        """
        keys, given = self.sources["tasks"][name], self.options.data
        source = source_of(self.sources, name, self.options.language if given else "qaa")
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "examples.parquet"
            task = make_task(name, keys)
            prepare_task(source, task, out, given or self._invented)
            train, wanted = (read_examples(out, part, task.example) for part in ("train", split))
        apart = max(1, len(train) / (self.options.steps * self.tasks[name]["batch_size"]))
        return [wanted[int(at * apart)] for at in range(max(1, int(len(wanted) / apart)))]

    @cached_property
    def _invented(self) -> Path:
        """Make the invented sets, for as long as this object lives."""
        self.made = tempfile.TemporaryDirectory()
        generate(Path(self.made.name), sizes=Sizes(1, 1, *[(600, 200, 1)] * 4))
        return Path(self.made.name)


def quiet() -> None:
    """Let the libraries say no more than errors."""
    transformers_logging.set_verbosity_error()
    for name in ("adapters", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _config(path: Path) -> dict:
    return complete(read(str(path), "--data"))
