"""Make a checkpoint with a smaller hidden size out of its parent."""

from pathlib import Path

from monoglot import provenance, script
from monoglot.keys import add_flags, from_flags
from monoglot.operations.reduce_hidden import ReduceHidden


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument("--parent", type=Path, required=True, help="checkpoint to start from")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    add_flags(parser, ReduceHidden)
    args = parser.parse_args()
    settings = from_flags(ReduceHidden, args, parent=str(args.parent))

    with script.loading():
        from monoglot.checkpoints import load_model, save_checkpoint
        from monoglot.operations.reduce_hidden import reduce_hidden

        parent = load_model(args.parent)

    with provenance.of_folder(__file__, args, [args.parent]):
        model = reduce_hidden(parent, settings.size, settings.method, settings.heads)
        save_checkpoint(model, args.parent, args.out)


if __name__ == "__main__":
    script.run(main)
