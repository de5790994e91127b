"""Make a checkpoint with fewer feed-forward neurons out of its parent."""

from pathlib import Path

from monoglot import command, provenance


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--parent", type=Path, required=True, help="checkpoint to start from")
    parser.add_argument(
        "--validation",
        type=Path,
        required=True,
        help="token store of the validation text, under the parent's tokenizer",
    )
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    parser.add_argument("--size", type=int, required=True, help="neurons to keep in each layer")
    parser.add_argument(
        "--importance",
        default="gradient_weight",
        help="what a neuron is scored by: gradient_weight (paper's code) or gradient (its text)",
    )
    parser.add_argument(
        "--max-length", type=int, default=512, help="tokens a sequence, special ones included"
    )
    parser.add_argument(
        "--head-order",
        choices=("as_is", "importance", "cumulative_importance"),
        default="as_is",
        help="sort attention heads, by |gradient| or by the |sum of gradients| of the paper's code",
    )
    parser.add_argument("--seed", type=int, default=42, help="seed of the masks")
    args = parser.parse_args()

    with command.loading():
        import torch

        from monoglot.checkpoints import load_model, save_checkpoint
        from monoglot.operations.prune_ffn import prune_ffn
        from monoglot.tokens.store import TokenStore

        model = load_model(args.parent)

    with provenance.of_folder(__file__, args, [args.parent, args.validation]):
        store = TokenStore(args.validation)
        store.check_tokenizer(args.parent)
        model = model.to("cuda" if torch.cuda.is_available() else "cpu")
        model = prune_ffn(
            model, store, args.size, args.importance, args.max_length, args.seed, args.head_order
        )
        save_checkpoint(model, args.parent, args.out)


if __name__ == "__main__":
    command.run(main, to_lower="`max_length` of the variant")
