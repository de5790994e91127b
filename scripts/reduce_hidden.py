"""Make a checkpoint with a smaller hidden size out of its parent."""

from pathlib import Path

from monoglot import provenance, script
from monoglot.keys import add_flags, from_flags
from monoglot.operations.reduce_hidden import ReduceHidden

LONGEST = 512
"""Tokens of a document that are looked at."""


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument("--parent", type=Path, required=True, help="checkpoint to start from")
    parser.add_argument(
        "--validation",
        type=Path,
        help="token store of the validation text, under the parent's tokenizer, for methods that "
        "look at hidden states",
    )
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    add_flags(parser, ReduceHidden)
    args = parser.parse_args()
    settings = from_flags(ReduceHidden, args, parent=str(args.parent))

    with script.loading(models=True):
        from monoglot.checkpoints import load_model, save_checkpoint
        from monoglot.operations.importance import stream, validation_batches
        from monoglot.operations.reduce_hidden import reduce_hidden
        from monoglot.operations.surgery import longest_input
        from monoglot.tokens.store import TokenStore

        parent = load_model(args.parent)

    stores = [args.validation] if args.validation else []
    with provenance.of_folder(__file__, args, [args.parent, *stores]):
        measured, refit = None, () if settings.refit else None
        if args.validation:
            store = TokenStore(args.validation)
            store.check_tokenizer(args.parent)
            length = min(longest_input(parent.config), LONGEST)
            measured = stream(parent, validation_batches(parent, store, length))
            if settings.refit:
                refit = validation_batches(parent, store, length)
        model = reduce_hidden(
            parent, settings.size, settings.method, settings.heads, measured, refit
        )
        save_checkpoint(model, args.parent, args.out)


if __name__ == "__main__":
    script.run(main)
