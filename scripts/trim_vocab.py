"""Make a checkpoint with a smaller vocabulary out of its parent."""

import os
from itertools import chain
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
        nargs="+",
        help="its token store under the parent's tokenizer, which saves encoding it; or several",
    )
    add("--shares", type=float, nargs="+", help="share of each store to use; all of it by default")
    add("--heldout", type=Path, nargs="+", required=True, help="parquet files to report on")
    add("--out", type=Path, required=True, help="checkpoint to write")
    add("--report", type=Path, required=True, help="JSON file to write about what changed")
    add_flags(parser, TrimVocab)
    args = parser.parse_args()
    stores = args.tokens or []
    if args.shares and len(args.shares) != len(stores):
        parser.error("--shares needs one number for each store of --tokens")
    settings = from_flags(TrimVocab, args, parent=str(args.parent))
    os.environ["TOKENIZERS_PARALLELISM"] = "true"

    with script.loading(models=True):
        from monoglot.data.parquet import read_texts
        from monoglot.operations.trim_vocab import trim_vocab
        from monoglot.tokens.store import TokenStore

    texts = [args.text] if args.text else stores
    with provenance.of_folder(__file__, args, [args.parent, *texts, *args.heldout]):
        trim_vocab(
            args.parent,
            args.out,
            read_texts(args.text) if args.text else [TokenStore(folder) for folder in stores],
            chain.from_iterable(map(read_texts, args.heldout)),
            settings,
            args.report,
            args.shares,
        )


if __name__ == "__main__":
    script.run(main)
