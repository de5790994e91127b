"""Encode a corpus with a checkpoint's tokenizer into a memory-mapped token store."""

import os
from pathlib import Path

from monoglot import provenance, script


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument("--text", type=Path, required=True, help="parquet file with a text column")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder with tokenizer.json")
    parser.add_argument("--out", type=Path, required=True, help="folder of the token store")
    arguments = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "true"

    with script.loading():
        from monoglot.data.parquet import read_texts
        from monoglot.tokens.store import build_store

    with provenance.of_folder(__file__, arguments, [arguments.text, arguments.tokenizer]):
        build_store(read_texts(arguments.text), arguments.tokenizer, arguments.out)


if __name__ == "__main__":
    script.run(main)
