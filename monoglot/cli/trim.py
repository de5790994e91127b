"""`monoglot trim`: one model with a vocabulary of one language."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monoglot.cli import terminal as text
from monoglot.cli.model_options import field, files, limit, model_argument, out_argument, revision
from monoglot.cli.terminal import note

if TYPE_CHECKING:
    from monoglot.one_model import LoadedModel


@click.command()
@model_argument
@out_argument
@files
@click.option(
    "--size",
    type=click.IntRange(1),
    default=40_000,
    show_default=True,
    help="Pieces to keep, the most frequent ones; special tokens come on top.",
)
@click.option(
    "--count",
    type=click.Choice(["documents", "tokens"]),
    help="What makes a piece frequent: the documents it occurs in, or how often it occurs."
    "  [default: documents for WordPiece, else tokens]",
)
@click.option("--keep-characters", is_flag=True, help="Keep all single characters that occur.")
@revision
@field
@limit
def trim(model: str, out: Path, **given: Any) -> None:
    """Keep the pieces of a vocabulary that a language uses, and drop the rest of the embeddings.

    MODEL is the folder of an encoder (BERT, RoBERTa, XLM-R, CamemBERT, DistilBERT; masked LM,
    classifier or none) or, with --revision, its id on the Hub; OUT the folder to write. Nothing is
    trained: text whose pieces are kept gives the same outputs as before.

    \b
    Examples:
      monoglot trim models/xlmr small --text maltese.txt.gz
      monoglot trim FacebookAI/xlm-roberta-base small --text mt.jsonl --text more.parquet \\
        --revision e73636d4f797dec63c3081bb6ed5c7b0bb3f2089 --size 20000
      zcat corpus.gz | monoglot trim models/mbert small --text -
    """
    from monoglot.shrink import check_files, check_free, read

    check_free(out)
    check_files(given["text"])
    from monoglot import provenance
    from monoglot.advice import advising
    from monoglot.one_model import find, load, trim_folder
    from monoglot.operations.trim_tokenizer import TooFewPiecesError

    folder, where = find(model, given["revision"])
    arguments = Namespace(model=model, out=out, **given)
    inputs = [folder, *(Path(name) for name in given["text"] if name != "-")]
    with provenance.of_folder(__file__, arguments, inputs):
        source = load(folder, where)
        note(f"{where}: {source.model.config.model_type}, {len(source.tokenizer):,} pieces")
        documents = read(given["text"], given["field"], given["limit"])
        with advising(TooFewPiecesError, "give a smaller --size"):
            report = trim_folder(
                source, out, documents, given["size"], given["count"], given["keep_characters"]
            )
    click.echo(_account(report, source, out))


def _account(report: dict[str, Any], source: "LoadedModel", out: Path) -> str:
    heldout = report["heldout"]
    rows = [
        ("pieces", report["vocab"], "{:,}".format),
        ("parameters", report["parameters"], "{:,}".format),
        ("disk", report["bytes"], text.size),
        ("unknown tokens", heldout["unknown_rate"], "{:.3%}".format),
        ("tokens a word", heldout["fertility"], "{:.3f}".format),
    ]
    lines = [[name, shown(both["before"]), shown(both["after"])] for name, both, shown in rows]
    kept = report["text"]
    spare = report["size"] - kept["pieces"]
    return "\n".join(
        [
            text.table(["", "before", "after"], lines, text.width()),
            "",
            f"The kept pieces are {kept['coverage']:.3%} of the text's "
            f"{text.count(kept['tokens'], 'token')}; {heldout['changed_words']:.2%} of "
            f"{text.count(heldout['words'], 'held-out word')} are segmented in another way.",
            *(
                [f"{spare:,} pieces or more are not in the text; a smaller --size loses nothing."]
                if spare > 0
                else []
            ),
            "",
            *loading(type(source.model).__name__, out),
        ]
    )


def loading(class_name: str, out: Path) -> list[str]:
    """Return the lines of Python that load a model."""
    return [
        f"from transformers import AutoTokenizer, {class_name}",
        f'model = {class_name}.from_pretrained("{out}")',
        f'tokenizer = AutoTokenizer.from_pretrained("{out}")',
    ]
