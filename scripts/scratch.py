"""Make a checkpoint with random weights; its tokenizer is trained, given, or a parent's."""

import os
from pathlib import Path

from monoglot import provenance, script
from monoglot.config_schema import Model, ModelShape
from monoglot.keys import add_flags, from_flags
from monoglot.operations.scratch import Scratch


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--text", type=Path, nargs="*", default=[], help="parquet files with a text column")
    add("--shares", type=float, nargs="*", help="share of each file to use; all of it by default")
    add("--tokenizer", type=Path, help="tokenizer to take instead: a folder, .json, .gz or .txt")
    add("--parent", type=Path, help="checkpoint whose tokenizer to take, byte for byte")
    add("--out", type=Path, required=True, help="checkpoint to write")
    add_flags(parser, Model, only=("family",))
    add_flags(parser, ModelShape)
    add_flags(parser, Scratch)
    args = parser.parse_args()
    shape, settings = from_flags(ModelShape, args), from_flags(Scratch, args)
    shares = args.shares or [1.0] * len(args.text)
    if len(shares) != len(args.text):
        parser.error("--shares needs one number for each file of --text")
    os.environ["TOKENIZERS_PARALLELISM"] = "true"

    with script.loading(models=True):
        from monoglot.operations.scratch import first_documents, scratch

    made_from = [*args.text, *(one for one in (args.tokenizer, args.parent) if one)]
    with provenance.of_folder(__file__, args, made_from):
        scratch(
            first_documents(args.text, shares) if settings.vocab_size else [],
            args.out,
            args.family,
            vocab_size=settings.vocab_size,
            tokenizer_from=args.tokenizer,
            parent=args.parent,
            **shape.given(),
            dropout=settings.dropout,
            seed=settings.seed,
        )


if __name__ == "__main__":
    script.run(main)
