"""Make a checkpoint with random weights; its tokenizer is trained, given, or a parent's."""

import os
from pathlib import Path

from monoglot import command, provenance
from monoglot.checkpoint_files import SCORED


def main() -> None:
    parser = command.parser(__doc__)
    add = parser.add_argument
    add("--text", type=Path, nargs="*", default=[], help="parquet files with a text column")
    add("--shares", type=float, nargs="*", help="share of each file to use; all of it by default")
    add("--vocab-size", type=int, help="pieces of the tokenizer to train, special ones included")
    add("--tokenizer", type=Path, help="tokenizer to take instead: a folder, .json, .gz or .txt")
    add("--parent", type=Path, help="checkpoint whose tokenizer to take, byte for byte")
    add("--family", choices=SCORED, required=True, help="architecture")
    add("--hidden-size", type=int, required=True, help="a multiple of the attention heads")
    add("--layers", type=int, required=True, help="number of layers")
    add("--heads", type=int, required=True, help="attention heads in a layer")
    add("--ffn-size", type=int, required=True, help="feed-forward neurons in a layer")
    add("--max-positions", type=int, default=512, help="longest input in tokens")
    add("--dropout", type=float, default=0.1, help="of hidden states and of attention")
    add("--seed", type=int, default=42, help="of the weights")
    add("--out", type=Path, required=True, help="checkpoint to write")
    args = parser.parse_args()
    shares = args.shares or [1.0] * len(args.text)
    if len(shares) != len(args.text):
        parser.error("--shares needs one number for each file of --text")
    os.environ["TOKENIZERS_PARALLELISM"] = "true"

    with command.loading():
        from monoglot.operations.scratch import first_documents, scratch

    made_from = [*args.text, *(one for one in (args.tokenizer, args.parent) if one)]
    with provenance.of_folder(__file__, args, made_from):
        scratch(
            first_documents(args.text, shares) if args.vocab_size else [],
            args.out,
            args.family,
            vocab_size=args.vocab_size,
            tokenizer_from=args.tokenizer,
            parent=args.parent,
            hidden_size=args.hidden_size,
            layers=args.layers,
            heads=args.heads,
            ffn_size=args.ffn_size,
            max_positions=args.max_positions,
            dropout=args.dropout,
            seed=args.seed,
        )


if __name__ == "__main__":
    command.run(main)
