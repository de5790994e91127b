"""What validation costs beside training: ours, and as published.

The published way evaluates every 100 steps, on sentences padded to 512 tokens, in batches of four,
with all logits of student and teacher. Ours evaluates every 500 steps (only those could be kept, as
published), on batches of like length, and asks the teacher once. `share_of_time` is that of
FLORES dev, 997 sentences, in a run of steps of 8 x 512 positions; it is scaled up from the
sentences measured, which is more than ours takes: part of its work does not grow with them.
"""

import argparse
import time

from comparison import Measured, compare
from distillation import add_shapes, batches, clocks, models, ours_run, whole_logits_step

FLORES_DEV, SHORTEST, LONGEST = 997, 15, 80


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_shapes(parser)
    parser.add_argument("--sentences", type=int, default=32, help="to measure on")
    compare("validation", parser, {"as published": published, "monoglot": ours})


def published(options: argparse.Namespace) -> Measured:
    """Sentences padded to the longest training sequence, four at a time, all logits."""
    import torch
    from torch.nn import functional as F

    student, teacher = models(options)
    step = time_of_step(options, whole_logits_step(options, student, teacher))
    student.eval()
    padded = [
        (F.pad(ids, (0, options.length - len(ids)), value=1), len(ids))
        for ids in sentences(options)
    ]
    started = time.process_time()
    with torch.no_grad():
        for start in range(0, len(padded), 4):
            ids = torch.stack([ids for ids, _ in padded[start : start + 4]])
            labels = ids.masked_fill(torch.rand(ids.shape) > 0.15, -100)
            labels[:, 0] = ids[:, 0]
            given = {"input_ids": ids, "attention_mask": (ids != 1).long()}
            output, target = student(**given, labels=labels), teacher(**given, labels=labels)
            F.mse_loss(output.logits, target.logits).item()
            (output.logits.argmax(-1) == labels).sum().item()
    return figures(options, time.process_time() - started, step, every=100)


def ours(options: argparse.Namespace) -> Measured:
    """The evaluation of the operation `train`, after the first, which asks the teacher."""
    texts = [ids.numpy() for ids in sentences(options)]
    run = ours_run(options, validation=texts)
    step = time_of_step(options, run.benchmark_step)
    run._evaluate(since=1)
    started = time.process_time()
    run._evaluate(since=1)
    return figures(options, time.process_time() - started, step, every=500)


def sentences(options: argparse.Namespace) -> list:
    """Random token ids in lengths like those of FLORES dev under XLM-R's tokenizer."""
    import torch

    torch.manual_seed(3)
    lengths = torch.randint(SHORTEST, min(LONGEST, options.length - 2), (options.sentences,))
    return [torch.randint(5, options.vocabulary, (int(n),)) for n in lengths]


def time_of_step(options: argparse.Namespace, step) -> float:
    """Return the CPU seconds of a training step, after one that is not counted."""
    first, second = batches(options, 2)
    step(first)
    _, started = clocks()
    step(second)
    return clocks()[1] - started


def figures(options: argparse.Namespace, seconds: float, step: float, every: int) -> Measured:
    whole = seconds * FLORES_DEV / options.sentences
    return {
        "seconds": seconds,
        "step_cpu_seconds": step,
        "share_of_time": whole / (whole + every * step),
    }


if __name__ == "__main__":
    main()
