"""`monoglot shrink`, `trim` and `export`: one model."""

import logging
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from monoglot.cli import terminal as text
from monoglot.cli.terminal import note, say, verbose
from monoglot.shrink import BASE, BUDGETS, PRESETS, RECIPES

if TYPE_CHECKING:
    from monoglot.one_model import ChainPlan, ChainRow, LoadedModel


# Arguments and options of commands that take one model and text of one language.

model_argument = click.argument("model")
out_argument = click.argument("out", type=click.Path(path_type=Path))
TEXT = (
    "Text: .txt (a document a line), .jsonl or .parquet, also with .gz, or - for standard input; "
    "may be given several times."
)
files = click.option("--text", multiple=True, required=True, metavar="FILE", help=TEXT)
revision = click.option(
    "--revision", metavar="COMMIT", help="MODEL is on the Hub: 40 hexadecimal digits."
)
field = click.option(
    "--field",
    default="text",
    show_default=True,
    metavar="NAME",
    help="Field or column of the text in .jsonl and .parquet.",
)
limit = click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="Take the first N documents alone."
)

keep = click.option(
    "--keep",
    multiple=True,
    metavar="PROMPT",
    help="Text that stays segmented as it is, such as 'query: '; may be given several times.",
)


# `monoglot trim`: one model with a vocabulary of one language.


@click.command()
@model_argument
@out_argument
@click.option(
    "--text",
    multiple=True,
    required=True,
    metavar="FILE[=SHARE]",
    help=f"{TEXT} For several languages at once, each file may have the share of its documents to "
    "count, above 0 and up to 1.",
)
@click.option(
    "--heldout",
    multiple=True,
    metavar="FILE",
    help="Text to report on, in the same formats; best from another domain.  [default: one "
    "document in fifty of each --text]",
)
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
@click.option(
    "--keep-scripts",
    is_flag=True,
    help="Keep all letters of the text's scripts, digits and punctuation, whether they occur or "
    "not.",
)
@keep
@click.option(
    "--multiple-of",
    "pad_to_multiple_of",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Keep as many more pieces as make the whole vocabulary a multiple of N, such as 64.",
)
@revision
@field
@limit
def trim(model: str, out: Path, **given: Any) -> None:
    """Keep the pieces of a vocabulary that a language uses, and drop the rest of the embeddings.

    MODEL is the folder of an encoder (BERT, RoBERTa, XLM-R, CamemBERT, DistilBERT, ELECTRA,
    DeBERTa-v3, ModernBERT; masked LM, classifier, tagger, question answering, sentence encoder) or,
    with --revision, its id on the Hub; OUT the folder to write. Nothing is trained: text whose
    pieces are kept gives the same outputs as before. What a sentence encoder has for
    sentence-transformers comes along.

    \b
    Examples:
      monoglot trim models/xlmr small --text maltese.txt.gz
      monoglot trim FacebookAI/xlm-roberta-base small --text mt.jsonl --text more.parquet \\
        --revision e73636d4f797dec63c3081bb6ed5c7b0bb3f2089 --size 20000
      zcat corpus.gz | monoglot trim models/mbert small --text -
      monoglot trim models/e5 small --text mt.txt --text sk.txt=0.5 --heldout news.txt
    """
    from monoglot.shrink import (
        CARD,
        check_files,
        check_free,
        held_out,
        mixture,
        read,
        with_share,
    )

    check_free(out)
    texts = [with_share(one) for one in given["text"]]
    names = [*(name for name, _ in texts), *given["heldout"]]
    check_files(names)
    from monoglot import provenance
    from monoglot.cards import render_trimmed
    from monoglot.errors import advising
    from monoglot.files import whole_file
    from monoglot.one_model import find, load, trim_folder
    from monoglot.operations.trimming import TooFewPiecesError

    folder, where = find(model, given["revision"])
    arguments = Namespace(model=model, out=out, **given)
    inputs = [folder, *(Path(name) for name in names if name != "-")]
    with provenance.of_folder(__file__, arguments, inputs):
        source = load(folder, where)
        note(f"{where}: {source.model.config.model_type}, {len(source.tokenizer):,} pieces")
        numbered = mixture(texts, given["field"], given["limit"])
        heldout = list(read(given["heldout"], given["field"]))
        documents = (document for _, document in numbered)
        if not given["heldout"]:
            documents = held_out(numbered, heldout)
        with advising(TooFewPiecesError, "give a smaller --size"):
            how = ("count", "keep_characters", "keep_scripts", "keep", "pad_to_multiple_of")
            chosen = {name: given[name] for name in how}
            report = trim_folder(source, out, documents, given["size"], heldout=heldout, **chosen)
        card = render_trimmed(
            os.path.basename(os.path.abspath(out)),
            folder,
            model if given["revision"] else None,
            type(source.model).__name__,
            bool(source.sentences.modules),
            report,
            [os.path.basename(name) for name, _ in texts],
            map(os.path.basename, given["heldout"]),
            _loading_trimmed(source, "."),
        )
        with whole_file(out / CARD) as file:
            file.write_text(card, encoding="utf-8")
    say(_account(report, source, out))


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
    kept, vectors = report["text"], report["vectors"]
    spare = report["size"] - kept["pieces"]
    return "\n".join(
        [
            text.table(["", "before", "after"], lines),
            "",
            f"The kept pieces are {kept['coverage']:.3%} of the text's "
            f"{text.count(kept['tokens'], 'token')}; {heldout['changed_words']:.2%} of "
            f"{text.count(heldout['words'], 'held-out word')} are segmented in another way.",
            f"Vectors of {text.count(vectors['texts'], 'held-out text')} ({vectors['pooling']} "
            f"pooling) have a mean cosine of {vectors['mean_cosine']:.4f} to those before; "
            f"{vectors['below']:.1%} are below {vectors['threshold']}.",
            *(
                [f"{spare:,} pieces or more are not in the text; a smaller --size loses nothing."]
                if spare > 0
                else []
            ),
            "",
            *_loading_trimmed(source, str(out)),
        ]
    )


def _loading_trimmed(source: "LoadedModel", out: str) -> list[str]:
    if source.sentences.modules:
        return [
            "from sentence_transformers import SentenceTransformer",
            f'model = SentenceTransformer("{out}")',
        ]
    return loading(type(source.model).__name__, out)


def loading(class_name: str, out: str | Path) -> list[str]:
    """Return the lines of Python that load a model."""
    return [
        f"from transformers import AutoTokenizer, {class_name}",
        f'model = {class_name}.from_pretrained("{out}")',
        f'tokenizer = AutoTokenizer.from_pretrained("{out}")',
    ]


# `monoglot export`: one model as ONNX graphs.


@click.command()
@model_argument
@out_argument
@click.option("--int8", is_flag=True, help="Also in int8, with a scale for each output.")
@click.option(
    "--text",
    multiple=True,
    metavar="FILE",
    help="Sentences to answer in each form: says the cosine of their vectors to those of PyTorch, "
    "and how long one takes. In the formats of `monoglot trim`.",
)
@revision
@field
@limit
def export(model: str, out: Path, int8: bool, **given: Any) -> None:
    """Write an encoder as an ONNX graph, in fp32 and on request in int8, and say what it is worth.

    MODEL is the folder of an encoder, with any head or none, or with --revision its id on the Hub;
    OUT the folder to write: `model.onnx`, `model.int8.onnx`, the tokenizer, `export.json`, and
    what a sentence encoder has beside it. The output of a graph is the last layer's states.

    \b
    Examples:
      monoglot export small small-onnx --int8
      monoglot export small small-onnx --int8 --text sentences.txt --limit 100
    """
    from monoglot import errors, provenance
    from monoglot.shrink import check_files, check_free, read

    check_free(out)
    check_files(given["text"])
    errors.need("onnx")
    from monoglot.deploy.export import exported_forms, make_onnx_folder
    from monoglot.one_model import find

    folder, where = find(model, given["revision"])
    arguments = Namespace(model=model, out=out, int8=int8, **given)
    texts = list(read(given["text"], given["field"], given["limit"]))
    inputs = [folder, *(Path(name) for name in given["text"] if name != "-")]
    with provenance.of_folder(__file__, arguments, inputs):
        note(f"{where}: writing ONNX graphs")
        report = make_onnx_folder(folder, out, int8)
    forms = exported_forms(folder, out, texts)
    heads = ["form", "disk", *(["mean cosine", "lowest", "one text"] if texts else [])]
    rows = [[form.name, text.size(form.bytes) if form.bytes else ""] for form in forms]
    for row, form in zip(rows, forms, strict=True):
        if texts:
            row += [f"{form.mean_cosine:.4f}", f"{form.lowest_cosine:.4f}"]
            row.append(f"{form.milliseconds:.1f} ms")
    lines = [text.table(heads, rows), ""]
    if texts:
        lines.append(
            f"Cosines are those of the vectors of {text.count(len(texts), 'text')} to PyTorch's; "
            "times are medians on one thread, without the tokenizer."
        )
    largest = report["difference"]["fp32"]["largest"]
    lines.append(
        f"In fp32, no state of random tokens differs from PyTorch's by more than {largest:.2g}."
    )
    say("\n".join(lines))


# `monoglot shrink`: one model made small for one language.

positive = click.IntRange(1)


@click.command()
@model_argument
@out_argument
@files
@click.option("--language", required=True, metavar="NAME", help="What the text is in: Maltese.")
@click.option(
    "--recipe",
    type=click.Choice(RECIPES),
    default=RECIPES[0],
    show_default=True,
    help="The paper's chain, or a better one of the same sizes: vocabulary first, taught by hidden "
    "states.",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default="paper-small",
    show_default=True,
    help="How small, as a share of the model; the next four say it in numbers.",
)
@click.option("--layers", type=positive, metavar="N", help="Layers to keep.")
@click.option("--ffn", type=positive, metavar="N", help="Feed-forward neurons of each layer.")
@click.option(
    "--hidden",
    type=positive,
    metavar="N",
    help="Hidden size, a multiple of the heads; of a ModernBERT, of their width.",
)
@click.option("--vocab", type=positive, metavar="N", help="Pieces, special tokens not counted.")
@click.option(
    "--budget",
    type=click.Choice(list(BUDGETS)),
    help="How long to train.  [default: paper on a GPU, else small]",
)
@click.option("--adapt-steps", type=click.IntRange(0), metavar="N", help="Of adaptation; 0: none.")
@click.option("--distil-steps", type=positive, metavar="N", help="Of each distillation.")
@click.option(
    "--micro-batch",
    type=positive,
    metavar="N",
    help="Sequences in memory at a time, if it is short.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16"]),
    default="fp32",
    show_default=True,
    help="Of the encoder in training.",
)
@click.option("-n", "--dry-run", is_flag=True, help="Show sizes and measure times; make nothing.")
@click.option(
    "--work",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where unfinished work is kept.  [default: OUT.unfinished]",
)
@keep
@revision
@field
@limit
def shrink(
    model: str,
    out: Path,
    dry_run: bool,
    work: Path | None,
    **given: Any,
) -> None:
    """Make a multilingual encoder small for one language: the whole chain.

    MODEL is the folder of an encoder (BERT, RoBERTa, XLM-R, CamemBERT, DistilBERT, ELECTRA,
    DeBERTa-v3, ModernBERT) or, with --revision, its id on the Hub; OUT the folder to write. It gets
    the vocabulary of the text, is adapted to it, gets fewer layers, is distilled, gets fewer
    feed-forward neurons and a smaller hidden size, and is distilled again. What stays as it is
    takes no step; an encoder without a masked-LM head gets one.

    Snakemake does the work, from a configuration that is written for it and left beside the result.
    The same command goes on where an ended one was. docs/shrink.md has more.

    \b
    Examples:
      monoglot shrink models/xlmr small --text maltese.txt.gz --language Maltese --dry-run
      monoglot shrink FacebookAI/xlm-roberta-base small --text mt.parquet --language Maltese \\
        --revision e73636d4f797dec63c3081bb6ed5c7b0bb3f2089 --preset paper-medium --budget medium
      monoglot shrink models/mbert small --text mt.txt --language Maltese --layers 4 --vocab 20000
    """
    from monoglot.shrink import check_apart, check_files, check_free, claimed

    folder = work or Path(f"{os.path.abspath(out)}.unfinished")
    check_apart(folder, out, map(Path, [model, *given["text"]]))
    check_free(out)
    check_files(given["text"])
    if dry_run:
        with TemporaryDirectory() as empty:
            _begin(model, Path(empty), given)
        return
    with claimed(folder):
        plan = _begin(model, folder, given)
        _make(plan, Namespace(model=model, out=out, **given), folder)


def _begin(model: str, work: Path, given: dict[str, Any]) -> "ChainPlan":
    from monoglot.one_model import begin, release

    note("reading the text and measuring a few steps of each training")
    log = logging.getLogger("monoglot.training.loop")
    before = log.level
    log.setLevel(before if verbose() else logging.WARNING)
    try:
        plan = begin(model, list(given["text"]), given["language"], work, given)
    finally:
        log.setLevel(before)
    release()
    say(_show_plan(plan, given["language"]))
    return plan


def _make(plan: "ChainPlan", arguments: Namespace, work: Path) -> None:
    """Let Snakemake make the chain, and deliver its last checkpoint; end as Snakemake does."""
    from monoglot import provenance, shrink
    from monoglot.one_model import account

    note(f"\nunfinished work is kept in {work}; the same command goes on from there\n")
    shrink.write(plan.config, work)
    out, files = arguments.out, [Path(name) for name in arguments.text if name != "-"]
    with provenance.of_folder(__file__, arguments, [plan.folder, *files]):
        if status := _run(work, shrink.targets(plan.config)):
            raise click.exceptions.Exit(status)  # of what is not done, there is no provenance
        rows = account(work, plan.config, plan.bytes)
        about = {name: getattr(arguments, name) for name in ("model", "revision", "language")}
        about["rows"] = [row._asdict() for row in rows]
        shrink.deliver(work, plan.config, out, about, plan.sentences)
    shrink.clear(work)
    say("\n".join(["", _show_account(rows), "", *loading("AutoModelForMaskedLM", out)]))


def _run(work: Path, targets: Sequence[str]) -> int:
    """Run Snakemake as `monoglot run` does, in the folder of unfinished work."""
    from monoglot import workflow
    from monoglot.cli.experiments import watch
    from monoglot.cli.options import ChosenExperiment
    from monoglot.config import WORKFLOW
    from monoglot.shrink import CONFIG

    if not (work / "scripts").exists():
        (work / "scripts").symlink_to(WORKFLOW / "scripts")
    # The steps of a chain run one after the other, each on all cores.
    cores = str(len(os.sched_getaffinity(0)))
    alone = [f"{rule}={cores}" for rule in ("train", "prune_ffn", "reduce_hidden")]
    # The folder is ours alone: a lock in it is that of a run that was killed.
    more = ["--snakefile", str(WORKFLOW / "Snakefile"), "--nolock", "--set-threads", *alone]
    config = os.path.abspath(work / CONFIG)
    words = workflow.command(config, targets, cores=cores, more=more)
    return watch(words, ChosenExperiment(work, config, work))


def _show_plan(plan: "ChainPlan", language: str) -> str:
    """Return the sizes of a chain before and after, step by step, and how long it takes."""
    rows = []
    for name, block in plan.config["variants"].items():
        training, count = plan.training.get(name), plan.parameters[name]
        about = f"about {text.duration(training.seconds)}" if training else ""
        # What is made is in fp32, four bytes each.
        size = text.size(plan.bytes if name == BASE else 4 * count)
        rows.append([name, _what(name, block, plan), f"{count:,}", size, about])
    times = ["Nothing is trained."]
    if plan.training:
        tokens = sum(amount.tokens for amount in plan.training.values())
        seconds = sum(amount.seconds for amount in plan.training.values())
        times = [
            f"Training on {tokens / 1e6:.3g} M tokens takes about {text.duration(seconds)} on this "
            f"{plan.device}; evaluations come on top."
        ]
        times += [
            f"--budget {name} would train on {more.tokens / 1e6:.3g} M tokens, in about "
            f"{text.duration(more.seconds)}."
            for name, more in plan.more.items()
        ]
    first, *_, last = plan.parameters.values()
    read, about = plan.material, "" if plan.material.exact else "about "
    return "\n".join(
        [
            f"{plan.name}, for {language}: {first / 1e6:.1f} M parameters to "
            f"{last / 1e6:.1f} M, {last / first:.1%}",
            f"Text: {text.count(read.documents, 'document')}, {about}"
            f"{text.count(read.tokens, 'token')}; {text.count(read.held_out, 'document')} held out",
            "",
            text.table(["step", "", "parameters", "disk", "time"], rows, left=2),
            "",
            *times,
        ]
    )


def _what(name: str, block: Mapping[str, Any], plan: "ChainPlan") -> str:
    before, after = plan.before, plan.after
    if block["operation"] == "train":
        under = f" under `{block['teacher']}`" if "teacher" in block else " of masked LM"
        under += ", the head alone" if block.get("trains") == "head" else ""
        return f"{plan.training[name].steps:,} steps{under}"
    return {
        "pretrained": plan.family,
        "select_layers": f"{before.layers} to {after.layers} layers ({block.get('strategy')})",
        "prune_ffn": f"{before.ffn:,} to {after.ffn:,} feed-forward neurons",
        "reduce_hidden": f"hidden size {before.hidden} to {after.hidden}",
        "trim_vocab": f"{before.vocab:,} to {after.vocab:,} pieces",
    }[block["operation"]]


def _show_account(rows: Sequence["ChainRow"]) -> str:
    """Return what each step made, as a table."""
    lines = [
        [
            row.name,
            f"{row.parameters:,}",
            text.size(row.bytes),
            f"{row.accuracy:.1%}",
            f"{row.loss:.3f}",
            f"{row.tokens:,}" if row.tokens else "",
            text.duration(row.seconds) if row.name != BASE else "",
        ]
        for row in rows
    ]
    heads = ["step", "parameters", "disk", "accuracy", "loss", "tokens trained on", "time"]
    about = f"Accuracy and loss: masked tokens of held-out text ({max(r.masked for r in rows):,})"
    if any(row.name == "vocab" for row in rows):
        about += "; from `vocab` on there are other tokens to find"
    return "\n".join([text.table(heads, lines), "", about + "."])
