"""Make a checkpoint with a smaller vocabulary out of its parent."""

import os
from pathlib import Path

from monoglot import provenance, script
from monoglot.keys import add_flags, from_flags
from monoglot.operations.trim_vocab import TrimVocab


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--parent", type=Path, required=True, help="checkpoint to start from")
    counted = parser.add_mutually_exclusive_group(required=True)
    counted.add_argument("--text", type=Path, help="parquet file to count pieces in")
    counted.add_argument(
        "--tokens",
        type=Path,
        help="its token store under the parent's tokenizer; saves encoding it",
    )
    add("--heldout", type=Path, required=True, help="parquet file to report on")
    add("--out", type=Path, required=True, help="checkpoint to write")
    add("--report", type=Path, required=True, help="JSON file to write about what changed")
    add_flags(parser, TrimVocab)
    args = parser.parse_args()
    settings = from_flags(TrimVocab, args, parent=str(args.parent))
    os.environ["TOKENIZERS_PARALLELISM"] = "true"

    with script.loading():
        from monoglot.data.parquet import read_texts
        from monoglot.operations.trim_vocab import trim_vocab
        from monoglot.tokens.store import TokenStore

    with provenance.of_folder(
        __file__, args, [args.parent, args.text or args.tokens, args.heldout]
    ):
        trim_vocab(
            args.parent,
            args.out,
            read_texts(args.text) if args.text else TokenStore(args.tokens),
            read_texts(args.heldout),
            settings.size,
            args.report,
            settings.count,
            settings.keep_characters,
            settings.keep_scripts,
            settings.keep,
        )


if __name__ == "__main__":
    script.run(main)
