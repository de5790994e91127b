"""The sides of `adapter_runs.py`.

`AdapterTrainer` as published and as a careful user would call it, our plain loop, and all seeds in
one pass; the second and the last in bf16 as well.

Each returns the seconds that training took for one seed, with validation after each epoch where
the best epoch is looked for; loading and encoding are left out.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from adapter_jobs import Job
from adapters import AdapterTrainer
from torch import Tensor
from torch.utils.data import Dataset
from transformers import EvalPrediction, PreTrainedModel, TrainingArguments

from monoglot.evaluate import adapter_models, finetune
from monoglot.evaluate.adapter_training import AdapterTraining
from monoglot.evaluate.encoding import IGNORED, Encoded
from monoglot.evaluate.metrics import WORDS, scores_of

Run = Callable[[PreTrainedModel, Job, list[int]], float]


def published(model: PreTrainedModel, job: Job, seeds: list[int]) -> float:
    """Train with `AdapterTrainer`, seed by seed.

    Texts are padded to the maximal length, sentences to the longest of a batch of 64. Sentences are
    validated, scored by seqeval and saved after each epoch, and the best one is loaded in the end.
    """
    return _with_trainer(model, job, seeds, job.settings.max_length)


def careful(model: PreTrainedModel, job: Job, seeds: list[int], precision: str = "fp32") -> float:
    """Train with `AdapterTrainer`, with the settings that make it fast.

    Examples of like length share a batch and are padded to its longest; validation computes the
    loss alone.
    """
    fast = {
        "group_by_length": True,
        "prediction_loss_only": True,
        "bf16": precision == "bf16",
    }
    return _with_trainer(model, job, seeds, None, **fast)


def careful_bf16(model: PreTrainedModel, job: Job, seeds: list[int]) -> float:
    """The same in bf16, the trainer's autocast."""
    return careful(model, job, seeds, "bf16")


def plain(model: PreTrainedModel, job: Job, seeds: list[int]) -> float:
    """Train with the loop that full tuning has, which cuts each batch at its longest example."""
    started = _seconds()
    for seed in seeds:
        _fresh(model, job, seed)
        finetune.train(model, job.train, _dev(job), job.settings, seed)
    _finish()
    return (_seconds() - started) / len(seeds)


def together(model: PreTrainedModel, job: Job, seeds: list[int]) -> float:
    """Train all seeds in one pass over packed batches."""
    started = _seconds()
    AdapterTraining(model, job.task, job.settings, seeds).train(job.train, _dev(job))
    _finish()
    return (_seconds() - started) / len(seeds)


def together_bf16(model: PreTrainedModel, job: Job, seeds: list[int]) -> float:
    """The same with products of the frozen encoder in bf16."""
    settings = job.settings.changed(precision="bf16")
    return together(model, replace(job, settings=settings), seeds)


def _seconds() -> float:
    """Return the time, of the processor where one thread of it does all the work."""
    alone = torch.get_num_threads() == 1 and not torch.cuda.is_available()
    return time.process_time() if alone else time.perf_counter()


def _fresh(model: PreTrainedModel, job: Job, seed: int) -> None:
    adapter_models.fresh_adapter(model, job.task, job.settings.reduction_factor, seed)
    model.to(model.device)


def _dev(job: Job) -> Encoded | None:
    return job.dev if job.settings.checkpoint == "best" else None


def _finish() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _with_trainer(
    model: PreTrainedModel, job: Job, seeds: list[int], width: int | None, **arguments: bool
) -> float:
    """Train with `AdapterTrainer`; `width` is what texts are padded to, None for their longest."""
    started = _seconds()
    for seed in seeds:
        _fresh(model, job, seed)
        with tempfile.TemporaryDirectory() as folder:
            trainer = AdapterTrainer(
                model=model,
                args=_arguments(job, folder, **arguments),
                train_dataset=_Rows(job.train),
                eval_dataset=_Rows(job.dev) if job.train.words is not None else None,
                data_collator=lambda rows: _padded(rows, job, model.config.pad_token_id, width),
                compute_metrics=lambda found: _scores(found, job),
            )
            trainer.train()
    return (_seconds() - started) / len(seeds)


def _arguments(job: Job, folder: str, **more: bool) -> TrainingArguments:
    best = job.settings.checkpoint == "best"
    return TrainingArguments(
        output_dir=folder,
        learning_rate=job.settings.learning_rate,
        per_device_train_batch_size=job.settings.batch_size,
        per_device_eval_batch_size=job.settings.batch_size,
        num_train_epochs=job.settings.epochs,
        weight_decay=job.settings.weight_decay,
        warmup_ratio=job.settings.warmup,
        eval_strategy="epoch" if best else "no",
        save_strategy="epoch" if best else "no",
        load_best_model_at_end=best,
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        **more,
    )


class _Rows(Dataset):
    def __init__(self, data: Encoded) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data.ids)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        ids = self.data.ids[row, : int(self.data.lengths[row])]
        return {"input_ids": ids, "labels": self.data.labels[row]}


def _padded(rows: list, job: Job, pad: int, width: int | None) -> dict[str, Tensor]:
    texts = job.train.words is None
    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    longest = width if texts and width else int(lengths.max())
    ids = torch.full((len(rows), longest), pad)
    labels = torch.full(ids.shape, IGNORED)
    for at, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        ids[at, :length] = row["input_ids"]
        if not texts:
            labels[at, :length] = row["labels"][:length]
    if texts:
        labels = torch.stack([row["labels"] for row in rows])
    mask = (torch.arange(longest) < lengths[:, None]).long()
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def _scores(found: EvalPrediction, job: Job) -> dict[str, float]:
    gold, predicted = found.label_ids, found.predictions.argmax(-1)
    tags = [
        [
            [job.task.classes[index] for index in row[kept]]
            for row, kept in zip(side, inside, strict=True)
        ]
        for inside in [gold != IGNORED]
        for side in (gold, predicted)
    ]
    return scores_of({WORDS: tuple(tags)}, job.task.tag_scheme)
