"""A distillation step: ours against the whole logits, and against a `Trainer` as published.

Random weights of true shape (speed does not depend on them), random tokens without padding, one
batch after another; the first step is not counted. `--stage` chooses the paper's shapes for XLM-R;
`--small` shrinks them to seconds. All sides see the same batches and start from the same weights;
dropout is off, so that their losses can be compared. Two sides change the mathematics and are there
for comparison: `masked` matches logits at masked positions alone, `trimmed` has 40,000 pieces.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence

from comparison import CannotRunError, Measured, compare

STAGES = {
    "first": {"hidden": 768, "ffn": 3072, "layers": 6, "teacher_ffn": 3072, "teacher_layers": 12},
    "second": {"hidden": 312, "ffn": 2048, "layers": 6, "teacher_ffn": 2048, "teacher_layers": 6},
}
TEACHER_HIDDEN, HEADS, ALPHA, TRIMMED = 768, 12, 0.5, 40_005
Step = Callable[[tuple], float]
SMALL = {"hidden": 192, "ffn": 768, "layers": 2, "teacher_ffn": 768, "teacher_layers": 2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_shapes(parser)
    parser.add_argument("--steps", type=int, default=1, help="counted, after one that is not")
    compare(
        "distillation",
        parser,
        {
            "Trainer": trainer,
            "whole logits": whole_logits,
            "monoglot": ours,
            "monoglot, masked": masked,
            "monoglot, trimmed": trimmed,
        },
    )


def add_shapes(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what is trained."""
    add = parser.add_argument
    add("--stage", choices=STAGES, default="first", help="of the paper's two distillations")
    add("--small", action="store_true", help="two narrow layers in place of the true shapes")
    add("--vocabulary", type=int, default=250_002)
    add("--hidden", type=int, help="of the student, in place of the stage's")
    add("--batch", type=int, default=8, help="sequences a step")
    add("--length", type=int, default=512, help="tokens a sequence")
    add("--micro-batch", type=int, default=4, help="sequences in memory at a time, on all sides")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    add("--precision", choices=("fp32", "bf16"), default="fp32", help="of our encoder")
    add("--products", choices=("fp32", "tf32"), default="fp32", help="of matrices on a GPU")


def trainer(options: argparse.Namespace) -> Measured:
    """The published way: a `Trainer` that makes all logits of both models, in micro-batches."""
    import torch
    from torch.nn import functional as F
    from transformers import Trainer, TrainerCallback, TrainingArguments

    student, teacher = models(options)
    steps, started, losses = options.steps + 1, [], []

    class Distiller(Trainer):
        def compute_loss(self, model, inputs, **_):
            output = model(**inputs)
            with torch.no_grad():
                target = teacher(**inputs).logits  # its own loss is computed too, as published
            loss = ALPHA * output.loss + (1 - ALPHA) * F.mse_loss(output.logits, target)
            losses.append(loss.item())
            return loss

    class Watch(TrainerCallback):
        def on_step_begin(self, *_, **__):
            synchronize(options)
            started.append(clocks())

    parts = -(-options.batch // options.micro_batch)
    arguments = TrainingArguments(
        output_dir="unused",
        max_steps=steps,
        per_device_train_batch_size=options.micro_batch,
        gradient_accumulation_steps=parts,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=options.device == "cpu",
        logging_strategy="no",
    )
    examples = []
    for ids, attention, labels in batches(options, steps):
        rows = zip(ids, attention, labels, strict=True)
        examples += [{"input_ids": i, "attention_mask": a, "labels": y} for i, a, y in rows]
    run = Distiller(student, arguments, train_dataset=examples, callbacks=[Watch()])
    run._get_train_sampler = lambda *_: None
    run.train()
    synchronize(options)
    return figures(options, started[1], sum(losses[parts:]) / len(losses[parts:]))


def whole_logits(options: argparse.Namespace) -> Measured:
    """The naive twin: a plain loop over the same losses on all logits."""
    return timed(options, whole_logits_step(options, *models(options)))


def whole_logits_step(options: argparse.Namespace, student, teacher) -> Step:
    import torch
    from torch.nn import functional as F

    optimizer = torch.optim.AdamW(student.parameters(), lr=5e-5, weight_decay=0.0, fused=True)

    def step(batch: tuple) -> float:
        total = 0.0
        ids, attention, labels = batch
        count = (labels != -100).sum()
        for rows in torch.arange(len(ids)).split(options.micro_batch):
            given = {"input_ids": ids[rows], "attention_mask": attention[rows]}
            logits = student(**given).logits
            with torch.no_grad():
                target = teacher(**given).logits
            mlm = F.cross_entropy(logits.flatten(0, 1), labels[rows].flatten(), reduction="sum")
            distance = F.mse_loss(logits, target) * len(rows) / len(ids)
            loss = ALPHA * mlm / count + (1 - ALPHA) * distance
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return total

    return step


def ours(options: argparse.Namespace, positions: str = "all") -> Measured:
    """The step of the operation `train`."""
    return timed(options, ours_run(options, positions).benchmark_step)


def ours_run(options: argparse.Namespace, positions: str = "all", validation: Sequence = ()):
    """Return a training run; its `benchmark_step` takes a batch and returns the loss."""
    from monoglot.training.batches import Batch
    from monoglot.training.loop import _Run
    from monoglot.training.processes import Processes
    from monoglot.training.settings import Settings

    settings = Settings(
        loss="mse",
        alpha=ALPHA,
        temperature=2.0,
        kl_mean="position",
        positions=positions,
        learning_rate=5e-5,
        warmup=0.0,
        weight_decay=0.0,
        batch_size=options.batch,
        epochs=None,
        steps=10**6,
        max_length=options.length,
        documents="truncate",
        padding="longest",
        mlm_probability=0.15,
        evaluate_every=1,
        keep="last",
        precision=options.precision,
        seed=1,
        micro_batch=options.micro_batch,
    )
    student, teacher = models(options)
    special = {"cls": 0, "pad": 1, "sep": 2, "mask": options.vocabulary - 1}
    special |= {"special": [0, 1, 2, options.vocabulary - 1], "vocab": options.vocabulary}
    run = _Run(student, [[]], special, validation, settings, teacher, Processes())

    def step(batch: tuple) -> float:
        run.batches.of_step = lambda *_: Batch(*batch)
        before = run.sums[0].item()
        run._step()
        return run.sums[0].item() - before

    run.benchmark_step = step
    return run


def masked(options: argparse.Namespace) -> Measured:
    """Logits compared at the masked positions alone."""
    return ours(options, "masked")


def trimmed(options: argparse.Namespace) -> Measured:
    """The vocabulary trimmed before, not after distillation."""
    options.vocabulary = min(options.vocabulary, TRIMMED)
    return ours(options)


def models(options: argparse.Namespace) -> tuple:
    """Student and teacher with random weights, without dropout."""
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

    if options.device == "cuda" and not torch.cuda.is_available():
        raise CannotRunError("there is no GPU")
    torch.backends.cuda.matmul.allow_tf32 = options.products == "tf32"
    shape = dict(SMALL if options.small else STAGES[options.stage])
    if options.hidden:
        shape["hidden"] = options.hidden
    teacher_hidden = SMALL["hidden"] if options.small else TEACHER_HIDDEN

    def model(layers: int, hidden: int, ffn: int, seed: int) -> XLMRobertaForMaskedLM:
        torch.manual_seed(seed)
        config = XLMRobertaConfig(
            vocab_size=options.vocabulary,
            num_hidden_layers=layers,
            hidden_size=hidden,
            intermediate_size=ffn,
            num_attention_heads=HEADS,
            max_position_embeddings=options.length + 2,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        return XLMRobertaForMaskedLM(config).to(options.device)

    teacher = model(shape["teacher_layers"], teacher_hidden, shape["teacher_ffn"], 2)
    student = model(shape["layers"], shape["hidden"], shape["ffn"], 1)
    return student, teacher.eval().requires_grad_(False)


def batches(options: argparse.Namespace, count: int) -> Iterator[tuple]:
    """Random tokens with 15 % of them masked: ids, attention mask and labels, [batch, length]."""
    import torch

    generator = torch.Generator().manual_seed(0)
    shape = (options.batch, options.length)
    for _ in range(count):
        labels = torch.randint(5, options.vocabulary, shape, generator=generator)
        chosen = torch.rand(shape, generator=generator) < 0.15
        ids = labels.masked_fill(chosen, options.vocabulary - 1)
        found = (ids, torch.ones_like(ids), labels.masked_fill(~chosen, -100))
        yield tuple(tensor.to(options.device) for tensor in found)


def timed(options: argparse.Namespace, step: Step) -> Measured:
    """Run one step, then as many as asked for with the clock on; the loss is their mean.

    The first step's operations are counted, and set against a matrix product's speed.
    """
    from monoglot.training.matmul import count_operations

    first, *counted = batches(options, options.steps + 1)
    with count_operations() as counter:
        step(first)
    synchronize(options)
    started = clocks()
    loss = sum(step(batch) for batch in counted) / len(counted)
    synchronize(options)
    found = figures(options, started, loss)
    speed = counter.get_total_flops() / found["step_cpu_seconds"]
    if options.device == "cuda":
        speed = counter.get_total_flops() * options.steps / found["seconds"]
    return found | {"gflop_per_second": speed / 1e9, "share_of_peak": speed / ceiling(options)}


def ceiling(options: argparse.Namespace) -> float:
    """Measure operations a second of a product of square matrices, by the clock of `timed`."""
    import torch

    from monoglot.training.matmul import product

    size = 2048 if options.device == "cpu" else 8192
    matrix = torch.ones(size, size, device=options.device)
    product(matrix, matrix)
    synchronize(options)
    wall, cpu = clocks()
    for _ in range(10):
        product(matrix, matrix)
    synchronize(options)
    seconds = (clocks()[1] - cpu) if options.device == "cpu" else (clocks()[0] - wall)
    return 10 * 2 * size**3 / seconds


def clocks() -> tuple[float, float]:
    """Wall and CPU seconds; the latter hardly change when other work shares the cores."""
    return time.perf_counter(), time.process_time()


def figures(options: argparse.Namespace, started: tuple[float, float], loss: float) -> Measured:
    import torch

    seconds, cpu = (now - then for now, then in zip(clocks(), started, strict=True))
    positions = options.steps * options.batch * options.length
    found = {
        "seconds": seconds,
        "step_cpu_seconds": cpu / options.steps,
        "positions_per_second": positions / seconds,
        "loss": loss,
    }
    if options.device == "cuda":
        found["gpu_memory_mb"] = torch.cuda.max_memory_allocated() / 2**20
    return found


def synchronize(options: argparse.Namespace) -> None:
    import torch

    if options.device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
