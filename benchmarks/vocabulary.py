"""What counting and trimming a vocabulary cost: ours, and other ways to do it.

`python benchmarks/vocabulary.py counting` counts the pieces of a text. The baseline encodes every
document (`encode_batch_fast`, batches of 1,024) and counts as we do; another side goes document by
document; `token store` counts what an earlier encoding has left, as the trimming of a grid does.

`python benchmarks/vocabulary.py trimming` cuts a vocabulary, with counts at hand: loads a model of
six layers and its tokenizer, keeps the most frequent pieces, saves both. `vocabtrimmer` is the
published package (its environment: `make .venv-peers/.ready`); `lists` is the way of the paper's
script for mBERT, with lists where sets belong. `--full` is XLM-R's size, 250,002 to 40,000 pieces.

Text and tokenizers are made up, or real: `--text`, `--tokenizer`. Everything is single-threaded
unless `--threads` says otherwise.
"""

import argparse
import os
import sys
from pathlib import Path

from comparison import ROOT, compare
from counting_sides import batches, one_by_one, stored, words
from trimming_sides import lists, trimmed, vocabtrimmer, with_folder

PEER = ROOT / ".venv-peers" / "bin" / "python"
FULL = {"vocabulary": 250_002, "size": 40_000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("counting", "trimming"))
    add = parser.add_argument
    add("--text", type=Path, nargs="+", help="files of one document a line, plain or gzip")
    add("--tokenizer", type=Path, help="tokenizer.json, the same as .gz, or a BERT vocab.txt")
    add("--kind", choices=("WordPiece", "Unigram"), default="Unigram", help="of the tokenizer")
    add("--megabytes", type=float, default=2.0, help="of text, evenly taken from all of it")
    add("--vocabulary", type=int, default=20_000, help="pieces before, if made up")
    add("--size", type=int, default=4_000, help="pieces to keep")
    add("--hidden", type=int, default=768, help="hidden size of the model to trim")
    add("--full", action="store_true", help="at XLM-R's size")
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    if "--full" in sys.argv:
        parser.set_defaults(**FULL)
    if "trimming" in sys.argv[1:2]:
        sides = {"vocabtrimmer": vocabtrimmer, "lists": lists, "monoglot": trimmed}
        with_folder(parser, lambda: compare("trimming", parser, sides, {"vocabtrimmer": PEER}))
        return
    sides = {"encode_batch_fast": batches, "document by document": one_by_one}
    compare("counting", parser, sides | {"monoglot": words, "token store": stored})


if __name__ == "__main__":
    main()
