"""Text and tokenizers of the benchmark of vocabularies, made up or real."""

import argparse
import time
from collections.abc import Iterator

from comparison import CannotRunError, Measured
from made_up import documents, tokenizer


def corpus(options: argparse.Namespace) -> Iterator[str]:
    """Yield the documents."""
    if not options.text:
        yield from documents(options.megabytes)
        return
    from monoglot.data.readers import numbered_lines

    texts = [line for file in options.text for _, line in numbered_lines(file) if line.strip()]
    share = options.megabytes * 1e6 / sum(len(text.encode()) for text in texts)
    if share > 1:
        raise CannotRunError(f"--text has less than {options.megabytes} MB")
    yield from (text for i, text in enumerate(texts) if int((i + 1) * share) > int(i * share))


def tokenizer_of(options: argparse.Namespace) -> dict:
    """Return a parsed tokenizer.json."""
    if not options.tokenizer:
        return tokenizer(options.kind, options.vocabulary)
    from monoglot.tokenizer_json import read_tokenizer

    family = {"WordPiece": "distilbert", "Unigram": "xlm-roberta"}[options.kind]
    return read_tokenizer(options.tokenizer, family)


def clock() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def seconds_since(started: tuple[float, float]) -> Measured:
    now = clock()
    return {"seconds": now[0] - started[0], "cpu_seconds": now[1] - started[1]}
