"""Make a checkpoint with a smaller hidden size out of its parent."""

from pathlib import Path

from monoglot import command, provenance


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--parent", type=Path, required=True, help="checkpoint to start from")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    parser.add_argument(
        "--size", type=int, required=True, help="hidden size, a multiple of the attention heads"
    )
    parser.add_argument(
        "--method",
        default="truncate",
        help="truncate (the first dimensions), svd (low-rank approximation, then truncate) or "
        "projection (a change of basis)",
    )
    parser.add_argument(
        "--heads",
        default="cut",
        help="of attention, in total the first dimensions (cut), those of every head (aligned), "
        "or every head's best approximation (low_rank)",
    )
    args = parser.parse_args()

    with command.loading():
        from monoglot.checkpoints import load_model, save_checkpoint
        from monoglot.operations.reduce_hidden import reduce_hidden

        parent = load_model(args.parent)

    with provenance.of_folder(__file__, args, [args.parent]):
        model = reduce_hidden(parent, args.size, args.method, args.heads)
        save_checkpoint(model, args.parent, args.out)


if __name__ == "__main__":
    command.run(main)
