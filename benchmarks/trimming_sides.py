"""Ways to trim a vocabulary with counts at hand, each a side of benchmarks/vocabulary.py."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from comparison import CannotRunError, Measured
from vocabulary_inputs import clock, corpus, seconds_since, tokenizer_of


def with_folder(parser: argparse.ArgumentParser, run: Callable[[], None]) -> None:
    """Make the model, its token store and its counts once, for all sides and runs."""
    if "--side" in sys.argv:
        run()
        return
    options, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MONOGLOT_TRIMMING"] = folder
        make_parent(options, Path(folder))
        run()


def make_parent(options: argparse.Namespace, folder: Path) -> None:
    """A random model over the tokenizer, a store of the text, and counts as the peer keeps them."""
    from monoglot.operations.scratch import scratch
    from monoglot.operations.trimming import count_pieces
    from monoglot.tokenizer_json import to_json
    from monoglot.tokens.store import TokenStore, build_store

    found = tokenizer_of(options)
    (folder / "tokenizer.json").write_text(to_json(found), encoding="utf-8")
    shape = {"hidden_size": options.hidden, "layers": 6, "heads": 12, "ffn_size": 2048}
    given = {"tokenizer_from": folder / "tokenizer.json", "max_positions": 512, "seed": 0}
    scratch([], folder / "parent", "xlm-roberta", **shape, **given)
    build_store(corpus(options), folder / "parent", folder / "store")
    rows = TokenStore(folder / "store").meta["vocab"]
    counts = count_pieces(TokenStore(folder / "store").batches(), rows).tokens
    # One more of each, so that the peer, too, finds as many pieces as asked for.
    frequencies = {str(i): int(count) + 1 for i, count in enumerate(counts)}
    (folder / "frequencies.json").write_text(json.dumps(frequencies))


def vocabtrimmer(options: argparse.Namespace) -> Measured:
    """The package, given the file of frequencies that it would make of a text."""
    try:
        from vocabtrimmer import VocabTrimmer
    except ImportError as error:
        raise CannotRunError(f"{error}; make .venv-peers/.ready") from None
    folder = Path(os.environ["MONOGLOT_TRIMMING"])
    started = clock()
    trimmer = VocabTrimmer(str(folder / "parent"))
    trimmer.trim_vocab(
        language="xx",
        path_to_save=str(folder / "vocabtrimmer"),
        target_vocab_size=options.size,
        min_frequency=1,
        cache_file_frequency=str(folder / "frequencies.json"),
        cache_file_vocab=str(folder / "vocabulary.json"),
        overwrite=True,
    )
    return seconds_since(started)


def lists(options: argparse.Namespace) -> Measured:
    """Kept pieces looked up in lists: `in` for each piece, `index` for each kept one."""
    from tokenizers import Tokenizer

    from monoglot.checkpoints import load_model, save_weights
    from monoglot.operations.surgery import gather_rows
    from monoglot.tokenizer_json import read_settings, read_tokenizer, to_json, write_files

    folder = Path(os.environ["MONOGLOT_TRIMMING"])
    started = clock()
    model = load_model(folder / "parent")
    found = read_tokenizer(folder / "parent", "xlm-roberta")
    frequencies = json.loads((folder / "frequencies.json").read_text())
    names = [piece for piece, _ in found["model"]["vocab"]]
    special = [token["content"] for token in found["added_tokens"]]
    ranked = (names[int(i)] for i in sorted(frequencies, key=frequencies.get, reverse=True))
    frequent = list(islice((name for name in ranked if name not in special), options.size))
    kept = [name for name in names if name in special or name in frequent]
    rows = [names.index(name) for name in kept]
    found["model"]["vocab"] = [found["model"]["vocab"][i] for i in rows]
    for token in found["added_tokens"]:
        token["id"] = kept.index(token["content"])
    out = folder / "lists"
    out.mkdir(exist_ok=True)
    save_weights(gather_rows(model, rows), out)
    write_files(out, to_json(found), read_settings(folder / "parent"))
    Tokenizer.from_file(str(out / "tokenizer.json"))
    return seconds_since(started)


def trimmed(options: argparse.Namespace) -> Measured:
    """The operation `trim_vocab`: it counts in a store, and reports on held-out text."""
    from monoglot import script

    with script.loading():
        from transformers import AutoModelForMaskedLM  # noqa: F401

        from monoglot.operations.trim_vocab import Trimming, trim_vocab
        from monoglot.tokens.store import TokenStore

    folder = Path(os.environ["MONOGLOT_TRIMMING"])
    heldout = list(islice(corpus(options), 1000))
    started = clock()
    stores, report = [TokenStore(folder / "store")], folder / "report.json"
    how = Trimming(size=options.size)
    trim_vocab(folder / "parent", folder / "monoglot", stores, heldout, how, report)
    return seconds_since(started)
