"""Train a checkpoint with masked LM, alone or under a teacher, and write the result."""

from pathlib import Path

from monoglot import provenance, script
from monoglot.distributed import together
from monoglot.keys import add_flags, from_flags
from monoglot.operations.train import Train


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--parent", type=Path, required=True, help="checkpoint to start from")
    add("--teacher", type=Path, help="checkpoint to distil from; it must share the vocabulary")
    add("--tokens", type=Path, nargs="+", required=True, help="token stores to train on")
    add("--shares", type=float, nargs="+", help="share of each store to use; all of it by default")
    add("--validation", type=Path, nargs="+", required=True, help="token stores to validate on")
    add("--out", type=Path, required=True, help="folder of the new checkpoint")
    add("--state", type=Path, help="folder for the state of an unfinished run")
    add_flags(parser, Train)
    arguments = parser.parse_args()
    teacher = str(arguments.teacher) if arguments.teacher else None
    settings = from_flags(Train, arguments, parent=str(arguments.parent), teacher=teacher)

    if not together(settings.processes):
        return
    with script.loading(models=True):
        from monoglot.operations.train import train_checkpoint

    folders = [arguments.parent, arguments.teacher, *arguments.tokens, *arguments.validation]
    made_from = [folder for folder in folders if folder]
    with provenance.of_folder(__file__, arguments, made_from):
        train_checkpoint(
            arguments.parent,
            arguments.out,
            arguments.tokens,
            arguments.validation,
            settings,
            arguments.shares,
            arguments.teacher,
            arguments.state,
        )


if __name__ == "__main__":
    script.run(main, to_lower="`micro_batch` (or `batch_size`, `max_length`) of the variant")
