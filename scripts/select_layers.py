"""Make a checkpoint with fewer layers out of its parent."""

from pathlib import Path

from monoglot import command, provenance


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--parent", type=Path, required=True, help="checkpoint to start from")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    parser.add_argument("--layers", type=int, required=True, help="number of layers to keep")
    parser.add_argument(
        "--strategy",
        required=True,
        help="which layers: first_k, last_k, stride, first_last_k, or random (no weights kept)",
    )
    parser.add_argument("--seed", type=int, default=42, help="seed of the strategy 'random'")
    args = parser.parse_args()

    with command.loading():
        from monoglot.checkpoints import load_model, save_checkpoint
        from monoglot.operations.select_layers import select_layers

        parent = load_model(args.parent)

    with provenance.of_folder(__file__, args, [args.parent]):
        model = select_layers(parent, args.layers, args.strategy, args.seed)
        save_checkpoint(model, args.parent, args.out)


if __name__ == "__main__":
    command.run(main)
