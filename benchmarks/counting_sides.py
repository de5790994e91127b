"""Ways to count the pieces of a text, each a side of benchmarks/vocabulary.py."""

import argparse
import hashlib
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from comparison import Measured
from vocabulary_inputs import clock, corpus, seconds_since, tokenizer_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BATCH = 1024


def batches(options: argparse.Namespace) -> Measured:
    """Encode batches of documents, count each batch at once."""
    from monoglot.operations.trimming import count_pieces
    from monoglot.tokens.encode import encode_plainly

    encoder, texts = given(options)
    started = clock()
    parts = (texts[start : start + BATCH] for start in range(0, len(texts), BATCH))
    found = count_pieces(
        (encode_plainly(encoder, part) for part in parts), encoder.get_vocab_size()
    )
    return counted(found.tokens, found.documents, texts, started)


def one_by_one(options: argparse.Namespace) -> Measured:
    """Encode a document at a time, count in dictionaries."""
    import numpy as np

    encoder, texts = given(options)
    started = clock()
    tokens, holding = Counter(), Counter()
    for text in texts:
        ids = encoder.encode(text, add_special_tokens=False).ids
        tokens.update(ids)
        holding.update(set(ids))
    arrays = [
        np.array([count[i] for i in range(encoder.get_vocab_size())]) for count in (tokens, holding)
    ]
    return counted(*arrays, texts, started)


def words(options: argparse.Namespace) -> Measured:
    """Encode each word once."""
    from monoglot.operations.trimming import count_pieces
    from monoglot.tokens.encode import encode_batches

    encoder, texts = given(options)
    started = clock()
    found = count_pieces(encode_batches(encoder, texts), encoder.get_vocab_size())
    return counted(found.tokens, found.documents, texts, started)


def stored(options: argparse.Namespace) -> Measured:
    """Count the ids of a token store."""
    import numpy as np

    from monoglot.operations.trimming import count_pieces
    from monoglot.tokens.encode import encode_batches
    from monoglot.tokens.store import TokenStore

    encoder, texts = given(options)
    with tempfile.TemporaryDirectory() as folder:
        offsets = [0]
        with open(f"{folder}/tokens.bin", "wb") as file:
            for ids, lengths in encode_batches(encoder, texts):
                file.write(ids.tobytes())
                offsets += (offsets[-1] + lengths[lengths > 0].cumsum()).tolist()
        np.array(offsets).tofile(f"{folder}/offsets.bin")
        Path(folder, "meta.json").write_text(json.dumps({"documents": len(offsets) - 1}))
        started = clock()
        found = count_pieces(TokenStore(folder).batches(), encoder.get_vocab_size())
        return counted(found.tokens, found.documents, texts, started)


def given(options: argparse.Namespace) -> "tuple[Tokenizer, list[str]]":
    """The tokenizer and the documents of a counting side."""
    from tokenizers import Tokenizer

    from monoglot.tokenizer_json import to_json

    texts = list(corpus(options))
    return Tokenizer.from_str(to_json(tokenizer_of(options))), texts


def counted(tokens, holding, texts: list[str], started: tuple[float, float]) -> Measured:
    """Figures of a counting side; `counts` is a digest, the same for all sides."""
    found = seconds_since(started)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    digest = hashlib.sha256(b"".join(c.astype("int64").tobytes() for c in (tokens, holding)))
    speed = megabytes / found["cpu_seconds"]
    found |= {"megabytes": megabytes, "mb_per_cpu_second": speed}
    return found | {"counts": digest.hexdigest()[:16]}
