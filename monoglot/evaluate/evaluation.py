"""One job: a checkpoint's score on one task, for all seeds in one process."""

import copy
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import PreTrainedModel

from monoglot import provenance
from monoglot.errors import UserError
from monoglot.evaluate import adapter_models
from monoglot.evaluate.adapter_training import AdapterTraining
from monoglot.evaluate.encoding import Encoded, encode_splits
from monoglot.evaluate.finetune import predict, train
from monoglot.evaluate.records import about_run, write_predictions, write_record, written
from monoglot.evaluate.task import Names, TrainedTask, TuningSettings, shared_errors
from monoglot.operations.surgery import longest_input

log = logging.getLogger(__name__)


def evaluate(
    checkpoint: str | Path,
    examples: str | Path,
    task: TrainedTask,
    settings: TuningSettings,
    seeds: Sequence[int],
    names: Names,
    out: str | Path,
    keep: str | Path | None = None,
) -> None:
    """Train and test all seeds; write `seed{seed}.json` and its predictions to `out`.

    With `keep`, write what each seed trained to `seed{seed}/` in that folder, see `adapter_models`:
    the weights that were tested.

    The encoder is loaded once, examples are encoded once, and adapters of all seeds are trained in
    one pass; with full tuning, seeds follow one another. A record's `seconds` are those of the job,
    from training to scores, divided by the seeds. A seed's scores do not depend on the seeds
    beside it. Runs in fp32 on the GPU if there is one; on the CPU, predictions are the same to the
    byte for the same input and number of threads.

    Raises `UserError` on a broken checkpoint, a split that is missing or empty, a label that
    `task` does not declare, or a `max_length` the encoder cannot read.
    """
    checkpoint, examples, out = Path(checkpoint), Path(examples), Path(out)
    model = adapter_models.load_encoder(checkpoint)
    _check_length(settings.max_length, model, checkpoint)
    wanted = ("train", "dev", "test") if settings.checkpoint == "best" else ("train", "test")
    splits = {split: task.split(examples, split) for split in wanted}
    how = (settings.max_length, settings.label_subtokens)
    encoded = encode_splits(splits, checkpoint, model.config, task, *how)
    shared = about_run(checkpoint, examples, task, names)
    shared |= {"settings": settings.model_dump() | task.recorded()}
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    started = time.monotonic()
    run = _tune_all if settings.tuning == "full" else _train_adapters

    def tuned(seed: int) -> None:
        if keep is not None:
            to = Path(keep, f"seed{seed}")
            adapter_models.save(model, checkpoint, task, settings, names, to)

    predicted = run(model, encoded, task, settings, seeds, tuned)
    rows = (splits["train"], splits["test"], encoded["test"])
    outcomes = [task.decoded(*rows, found) for found in predicted]
    counts = adapter_models.parameter_counts(model)
    shared |= {
        "n_train": len(splits["train"]),
        "n_test": len(splits["test"]),
        "n_test_words": sum(len(task.words(example)) for example in splits["test"]),
        "n_test_words_cut": encoded["test"].cut,
        "adapter_parameters": counts[0],
        "head_parameters": counts[1],
        "seconds": round((time.monotonic() - started) / len(seeds), 3),
        "peak_memory_bytes": provenance.peak_memory_bytes(),
    }
    in_common = shared_errors(outcomes)
    for seed, outcome in zip(seeds, outcomes, strict=True):
        record = shared | {
            "seed": seed,
            "score": outcome.scores[task.metric],
            **outcome.recorded(),
            "shared_errors": in_common,
        }
        to, predictions = written(out, seed)
        write_predictions(predictions, outcome.predictions)
        write_record(to, record)
        log.info("seed %d: %s %.4f (%.1f s)", seed, task.metric, record["score"], record["seconds"])


def _train_adapters(
    model: PreTrainedModel,
    encoded: dict[str, Encoded],
    task: TrainedTask,
    settings: TuningSettings,
    seeds: Sequence[int],
    tuned: Callable[[int], None],
) -> list[torch.Tensor]:
    """Return each seed's predictions on the test set.

    `tuned(seed)` is called for each seed while `model` has the weights that are tested.
    """
    training = AdapterTraining(model, task, settings, seeds)
    training.train(encoded["train"], encoded.get("dev"))
    predicted = training.predict(encoded["test"])
    for seed in seeds:
        training.copy_to(model, seed)
        tuned(seed)
    return predicted


def _tune_all(
    model: PreTrainedModel,
    encoded: dict[str, Encoded],
    task: TrainedTask,
    settings: TuningSettings,
    seeds: Sequence[int],
    tuned: Callable[[int], None],
) -> list[torch.Tensor]:
    start = copy.deepcopy(model.base_model.state_dict())
    predicted = []
    for seed in seeds:
        adapter_models.fresh_head(model, task, seed, start)
        model.to(model.device)
        train(model, encoded["train"], encoded.get("dev"), settings, seed)
        predicted.append(predict(model, encoded["test"]))
        tuned(seed)
    return predicted


def _check_length(max_length: int, model: PreTrainedModel, checkpoint: Path) -> None:
    positions = longest_input(model.config)
    if max_length > positions:
        raise UserError(
            f"{checkpoint}: max_length is {max_length}, but the model has {positions} positions"
        )
