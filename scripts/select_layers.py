"""Make a checkpoint with fewer layers out of its parent."""

from pathlib import Path

from monoglot import provenance, script
from monoglot.keys import add_flags, from_flags
from monoglot.operations.select_layers import SelectLayers


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument("--parent", type=Path, required=True, help="checkpoint to start from")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    add_flags(parser, SelectLayers)
    args = parser.parse_args()
    settings = from_flags(SelectLayers, args, parent=str(args.parent))

    with script.loading(models=True):
        from monoglot.checkpoints import load_model, save_checkpoint
        from monoglot.operations.select_layers import select_layers

        parent = load_model(args.parent)

    with provenance.of_folder(__file__, args, [args.parent]):
        model = select_layers(parent, settings.layers, settings.strategy, settings.seed)
        save_checkpoint(model, args.parent, args.out)


if __name__ == "__main__":
    script.run(main)
