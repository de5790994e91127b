"""Make a checkpoint with fewer feed-forward neurons out of its parent."""

from pathlib import Path

from monoglot import provenance, script
from monoglot.keys import add_flags, from_flags
from monoglot.operations.prune_ffn import PruneFfn


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument("--parent", type=Path, required=True, help="checkpoint to start from")
    parser.add_argument(
        "--validation",
        type=Path,
        required=True,
        help="token store of the validation text, under the parent's tokenizer",
    )
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    add_flags(parser, PruneFfn)
    args = parser.parse_args()
    settings = from_flags(PruneFfn, args, parent=str(args.parent))

    with script.loading(models=True):
        import torch

        from monoglot.checkpoints import load_model, save_checkpoint
        from monoglot.operations.prune_ffn import prune_ffn
        from monoglot.tokens.store import TokenStore

        model = load_model(args.parent)

    with provenance.of_folder(__file__, args, [args.parent, args.validation]):
        store = TokenStore(args.validation)
        store.check_tokenizer(args.parent)
        model = prune_ffn(model.to("cuda" if torch.cuda.is_available() else "cpu"), store, settings)
        save_checkpoint(model, args.parent, args.out)


if __name__ == "__main__":
    script.run(main, to_lower="`max_length` of the variant")
