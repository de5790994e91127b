"""Train a checkpoint with masked LM, alone or under a teacher, and write the result."""

from pathlib import Path

from monoglot import command, provenance
from monoglot.launch import together


def main() -> None:
    parser = command.parser(__doc__)
    add = parser.add_argument
    add("--parent", type=Path, required=True, help="checkpoint to start from")
    add("--teacher", type=Path, help="checkpoint to distil from; it must share the vocabulary")
    add("--tokens", type=Path, nargs="+", required=True, help="token stores to train on")
    add("--shares", type=float, nargs="+", help="share of each store to use; all of it by default")
    add("--validation", type=Path, nargs="+", required=True, help="token stores to validate on")
    add("--out", type=Path, required=True, help="folder of the new checkpoint")
    add("--state", type=Path, help="folder for the state of an unfinished run")
    add("--loss", choices=("none", "mse", "kl"), default="none", help="distance to the teacher")
    add("--alpha", type=float, default=0.5, help="weight of MLM; the teacher's is 1 - alpha")
    add("--attention-weight", type=float, default=0.0, help="of attention in the distance")
    add("--attention-projection", choices=("rows", "full"), default="rows", help="what W maps")
    add("--temperature", type=float, default=2.0, help="of both sides, for the loss kl")
    add("--kl-mean", choices=("position", "sequence"), default="position", help="mean of kl over")
    add("--positions", choices=("all", "unpadded", "masked"), default="all", help="to compare")
    add("--learning-rate", type=float, default=5e-5, help="peak learning rate")
    add("--warmup", type=float, default=0.0, help="share of the steps with a rising rate")
    add("--weight-decay", type=float, default=0.0, help="of matrices")
    add("--batch-size", type=int, default=8, help="sequences a step")
    add("--micro-batch", type=int, help="sequences in memory at a time; by default the whole batch")
    add("--processes", type=int, default=1, help="that share each batch, every one on its own GPU")
    add("--epochs", type=float, help="passes over the corpus; give this or --steps")
    add("--steps", type=int, help="optimiser steps; give this or --epochs")
    add("--max-length", type=int, default=512, help="tokens a sequence, special ones included")
    add("--documents", choices=("truncate", "chunk", "pack"), default="truncate", help="to cut")
    add("--padding", choices=("max_length", "longest"), default="longest", help="pad batches to")
    add("--mlm-probability", type=float, default=0.15, help="share of tokens to mask")
    add("--evaluate-every", type=int, default=500, help="steps between evaluations")
    add("--validation-masks", choices=("fixed", "redrawn"), default="fixed", help="to evaluate on")
    add("--keep", choices=("last", "best"), default="last", help="which weights to write")
    add("--precision", choices=("fp32", "bf16"), default="fp32", help="of the encoder")
    add("--seed", type=int, default=42, help="of data order, masks and dropout")
    arguments = parser.parse_args()
    if (arguments.epochs is None) == (arguments.steps is None):
        parser.error("give either --epochs or --steps")
    if (arguments.teacher is None) != (arguments.loss == "none"):
        parser.error("--teacher and --loss mse or kl go together")
    if arguments.attention_weight and arguments.teacher is None:
        parser.error("--attention-weight needs a --teacher")

    if not together(arguments.processes):
        return
    with command.loading():
        from dataclasses import fields

        from monoglot.operations.train import train_checkpoint
        from monoglot.operations.training_settings import Settings

    folders = [arguments.parent, arguments.teacher, *arguments.tokens, *arguments.validation]
    made_from = [folder for folder in folders if folder]
    with provenance.of_folder(__file__, arguments, made_from):
        train_checkpoint(
            arguments.parent,
            arguments.out,
            arguments.tokens,
            arguments.validation,
            Settings(**{field.name: getattr(arguments, field.name) for field in fields(Settings)}),
            arguments.shares,
            arguments.teacher,
            arguments.state,
        )


if __name__ == "__main__":
    command.run(main, to_lower="`micro_batch` (or `batch_size`, `max_length`) of the variant")
