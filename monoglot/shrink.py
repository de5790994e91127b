"""`monoglot shrink`: the chain for one model and one text, as a configuration.

Adaptation to the language, fewer layers, distillation, fewer feed-forward neurons, a smaller hidden
size, distillation again, a smaller vocabulary (Gurgurov et al. 2025, section 2), in the paper's way
or in a better one: a few variants, which Snakemake runs as it runs those of every experiment. What
loads a model is in `one_model`.
"""

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, compress, count, islice
from math import ceil
from pathlib import Path
from typing import Any

import yaml

from monoglot.checkpoints import FILES, read_config
from monoglot.data.readers import FieldError, lines_of
from monoglot.data.sources import is_held_out, texts
from monoglot.errors import UserError, advising
from monoglot.files import alone, sha256, try_out, whole_file, whole_folder
from monoglot.graph import Graph
from monoglot.paths import ANY, Checkpoint, Paths
from monoglot.sentence_encoders import SentenceEncoder
from monoglot.workflow import running_here

PRESETS = {
    "paper-small": (1 / 2, 2 / 3, 312 / 768),
    "paper-medium": (1 / 2, 2 / 3, 456 / 768),
    "paper-large": (1 / 2, 2 / 3, 564 / 768),
}
"""Shares of the layers, feed-forward neurons and hidden size to keep: of a model of 12 layers, 3072
and 768, the paper's 6, 2048 and 312, 456 or 564."""
VOCAB = 40_000

RECIPES = ("best", "paper")
"""`paper`: the vocabulary is trimmed last, students are taught by logits, the hidden size is
truncated. `best`: the vocabulary is trimmed first, so that training is cheaper and spent on the
language; students are taught by hidden states, which keep what logits of masked LM do not ask for,
and both times by the model of all layers; the hidden size keeps the leading directions of the
hidden states. docs/results/best.md compares them."""
OF_HIDDEN_STATES = {"loss": "mse", "hidden_weight": 1, "alpha": 0.2}
"""A teacher without a masked-LM head of its own may teach so."""
HEAD = {"learning_rate": 1e-3, "trains": "head"}
"""How a fresh head learns alone, before its gradients reach the encoder."""

_SHORT = {"batch_size": 16, "max_length": 128, "documents": "pack", "warmup": 0.05}
_LONGER = {**_SHORT, "batch_size": 32}
BUDGETS: dict[str, dict[str, dict[str, Any]]] = {
    "small": {
        "head": {**_SHORT, "steps": 100, **HEAD},
        "adapt": {**_SHORT, "steps": 600, "learning_rate": 5e-5},
        "distil": {**_SHORT, "steps": 600, "learning_rate": 2e-4},
    },
    "medium": {
        "head": {**_LONGER, "steps": 300, **HEAD},
        "adapt": {**_LONGER, "steps": 6000, "learning_rate": 1e-4},
        "distil": {**_LONGER, "steps": 6000, "learning_rate": 2e-4},
    },
    "paper": {
        "head": {**_LONGER, "steps": 1000, **HEAD},
        "adapt": {
            "steps": 100_000,
            "batch_size": 32,
            "max_length": 512,
            "learning_rate": 1e-4,
            "keep": "best",
        },
        "distil": {"epochs": 10, "batch_size": 8, "max_length": 512, "learning_rate": 5e-5},
    },
}
"""Settings of a fresh head, of adaptation and of each distillation. `paper` has those of
config.yaml, but pads batches no further than to their longest sequence, and compares no padding."""

BASE = "model"
"""The name of what a chain starts from."""
CONFIG = "shrink.yaml"
RESULTS = "results/shrink"
"""Where the configuration says that results go; that is in the folder of unfinished work."""
ACCOUNT, TRIM_REPORT, CARD = "shrink.json", "trim_report.json", "README.md"

STANDARD_INPUT = "-"
FORMATS = {".jsonl": "jsonl", ".parquet": "parquet", ".txt": "lines"}
COPY = "text.jsonl"
MARK = "unfinished"
"""A file that says that a folder is one of unfinished work, and may be removed with all in it."""
SAID = "What `monoglot shrink` has made so far; it is removed at the end.\n"
"""Its contents; a file of that name that says anything else is somebody's own."""


@dataclass(frozen=True)
class ChainShape:
    """What a model is to be: layers, feed-forward neurons, hidden size, and pieces of vocabulary
    besides the special tokens."""

    layers: int
    ffn: int
    hidden: int
    vocab: int


def target(whole: ChainShape, unit: int, preset: str, given: Mapping[str, int]) -> ChainShape:
    """Return the shape to make: what is `given`, else the preset's share of the whole.

    Args:
        whole: the shape of the model.
        unit: what the hidden size must be a multiple of, for its attention heads.
        preset: one of `PRESETS`.
        given: any of `layers`, `ffn`, `hidden` and `vocab`.

    Raises:
        UserError: a number is larger than the model's, or the hidden size is no such multiple.
    """
    sizes = whole.layers, whole.ffn, whole.hidden / unit
    parts = zip(sizes, PRESETS[preset], strict=True)
    layers, ffn, hidden = (max(1, round(size * share)) for size, share in parts)
    wanted = {"layers": layers, "ffn": ffn, "hidden": hidden * unit}
    wanted |= {"vocab": max(1, min(VOCAB, whole.vocab)), **given}
    for name, number in wanted.items():
        if not 1 <= number <= getattr(whole, name):
            raise UserError(
                f"--{name} is {number}; the model has {getattr(whole, name)}, give a number from 1 "
                "to that"
            )
    if wanted["hidden"] % unit:
        raise UserError(
            f"--hidden is {wanted['hidden']}; for the model's attention heads it must be a "
            f"multiple of {unit}"
        )
    return ChainShape(**wanted)


def training(budget: str, options: Mapping[str, Any], longest: int) -> dict[str, dict[str, Any]]:
    """Return the settings of adaptation and of distillation that a budget and options mean.

    Evaluations are a fifth of a training apart, but for trainings of many thousand steps.

    Args:
        options: `adapt_steps`, `distil_steps`, `precision` and `micro_batch`, None if not chosen.
        longest: the most tokens that the model has positions for.
    """
    more = {key: options[key] for key in ("precision", "micro_batch") if options.get(key)}
    found = {}
    for key, settings in BUDGETS[budget].items():
        how = {"positions": "unpadded", **settings, **more}
        if (steps := options.get(f"{key}_steps")) is not None:
            how["steps"] = steps
            how.pop("epochs", None)
        how["max_length"] = min(how["max_length"], longest)
        if "steps" in how:
            how["evaluate_every"] = min(500, max(1, how["steps"] // 5))
        found[key] = how
    return found


def variants(
    strategy: str,
    before: ChainShape,
    after: ChainShape,
    how: Mapping[str, Mapping[str, Any]],
    longest: int,
    recipe: str = "best",
    fresh: bool = False,
    heads: str = "low_rank",
    keep: Sequence[str] = (),
) -> dict[str, dict[str, Any]]:
    """Return the variants from one shape to another, the model first; what stays needs none.

    Args:
        strategy: which layers stay.
        how: settings of the trainings `head`, `adapt` (without `steps` 0) and `distil`.
        longest: the most tokens that the model has positions for.
        recipe: one of `RECIPES`.
        fresh: whether the model comes without a masked-LM head.
        heads: what the recipe `best` makes of attention heads in a smaller hidden size.
        keep: texts that stay segmented as they are.
    """
    found: dict[str, dict[str, Any]] = {BASE: {"operation": "pretrained"}}
    best = recipe == "best"

    def add(name: str, operation: str, **settings: Any) -> str:
        parent = list(found)[-1]
        found[name] = {"operation": operation, "parent": parent, **settings}
        return name

    by_states = OF_HIDDEN_STATES if best else {"loss": "mse", "alpha": 0.5}
    distil, teacher = {**by_states, **how["distil"]}, BASE
    trim = {"size": after.vocab} if after.vocab < before.vocab else None
    if trim and keep:
        trim["keep"] = list(keep)
    if best and trim:
        teacher = add("vocab", "trim_vocab", **trim)
    if fresh:
        teacher = add("head", "train", loss="none", **how["head"])
    if how["adapt"].get("steps") != 0:
        # A fresh head would pull an encoder that was made for other ends away from them.
        under = {**OF_HIDDEN_STATES, "teacher": teacher} if best and fresh else {"loss": "none"}
        teacher = add("adapted", "train", **under, **how["adapt"])
    if after.layers < before.layers:
        add("layers", "select_layers", layers=after.layers, strategy=strategy)
        taught = add("distilled", "train", teacher=teacher, **distil)
        teacher = teacher if best else taught
    if after.ffn < before.ffn:
        # As in the paper's code, see config.yaml.
        paper = {"importance": "gradient_weight", "head_order": "cumulative_importance"}
        length = min(512, longest)
        order = {} if best else paper
        pruned = add("ffn", "prune_ffn", size=after.ffn, max_length=length, **order)
        teacher = teacher if best else pruned
    if after.hidden < before.hidden:
        cut = ("hidden_states", heads) if best else ("truncate", "cut")
        add("hidden", "reduce_hidden", size=after.hidden, method=cut[0], heads=cut[1])
        add("distilled-again", "train", teacher=teacher, **distil)
    if trim and not best:
        add("vocab", "trim_vocab", **trim)
    return found


def configuration(
    model: Mapping[str, Any],
    text: Mapping[str, Any],
    language: str,
    steps: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the configuration of a chain; raise `UserError` if it cannot be run.

    Args:
        model: its block: `name`, `family`, `shape`, and `hub` with `revision`, or `folder`.
        text: source of the text, of which one document in fifty is held out.
        language: its name in print.
        steps: the variants.
    """
    code = _key(language, "language")
    held_out = {code: {**text, "part": "heldout"}}
    found = {
        "results": RESULTS,
        "data": {
            "text": {code: {**text, "part": "training"}},
            "validation": held_out,
            "heldout": held_out,
        },
        "models": {_key(model["name"], "model"): dict(model)},
        "languages": {code: {"name": language}},
        "tasks": {},
        "seeds": [42],
        "variants": {name: dict(block) for name, block in steps.items()},
        "tables": {},
    }
    graph = Graph(found)
    for node in checkpoints(found).values():
        graph.settings(node)  # refuses what does not fit
    return found


def _key(name: str, otherwise: str) -> str:
    """A name as a configuration may have it as a key."""
    key = re.sub("[^a-z0-9]+", "-", name.rpartition("/")[2].lower()).strip("-")[:60]
    return otherwise if key in ("", ANY) else key


def checkpoints(config: Mapping[str, Any]) -> dict[str, Checkpoint]:
    """Return the checkpoint of each variant of a chain."""
    graph, (model,), (language,) = Graph(dict(config)), config["models"], config["languages"]
    return {name: graph.checkpoint(model, language, name) for name in config["variants"]}


def folders(work: Path, config: Mapping[str, Any]) -> dict[str, Path]:
    """Return where the checkpoint of each variant of a chain lies or will lie."""
    paths = Paths(RESULTS)
    return {name: work / paths.checkpoint(node) for name, node in checkpoints(config).items()}


def targets(config: Mapping[str, Any]) -> list[str]:
    """Return what Snakemake is to make: the last checkpoint's files and card, and held-out text."""
    last, paths = list(checkpoints(config).values())[-1], Paths(RESULTS)
    heldout = [paths.data(language, "heldout") for language in config["languages"]]
    return [*paths.checkpoint_files(last), f"{paths.checkpoint(last)}/{CARD}", *heldout]


def write(config: Mapping[str, Any], work: Path) -> None:
    """Write a configuration into the folder of unfinished work, unless it is there already."""
    # Through JSON, for YAML has anchors for what stands in two places.
    plain = json.loads(json.dumps(config))
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    last = list(checkpoints(config).values())[-1]
    about = (
        "# Written by `monoglot shrink`. It runs again, and can be changed and grown, as\n"
        f"#   monoglot run {CONFIG} {last}\n\n"
    )
    with whole_file(work / CONFIG) as aside:
        aside.write_text(about + text, encoding="utf-8")


def deliver(
    work: Path,
    config: Mapping[str, Any],
    out: Path,
    account: Mapping[str, Any],
    sentences: SentenceEncoder,
) -> None:
    """Copy the last checkpoint, its card and the configuration to `out`, with the account.

    The files that said how the first model makes vectors of texts come too.
    """
    made = list(folders(work, config).values())
    files = [made[-1] / name for name in (*FILES, CARD)] + [folder / TRIM_REPORT for folder in made]
    with whole_folder(out) as aside:
        sentences.write(aside, read_config(made[-1], str(made[-1])).hidden_size)
        for file in files:
            if file.is_file():
                shutil.copyfile(file, aside / file.name)
        shutil.copyfile(work / CONFIG, aside / CONFIG)
        (aside / ACCOUNT).write_text(json.dumps(account, indent=1) + "\n", encoding="utf-8")


def check_files(files: Sequence[str]) -> None:
    """Raise `UserError` for a file that is not there or whose name says no known format.

    Of standard input there must be one, and only once.
    """
    if files.count(STANDARD_INPUT) > 1:
        raise UserError("standard input (-) is given twice; it can be read only once")
    for name in files:
        if name == STANDARD_INPUT:
            if sys.stdin is None:
                raise UserError("standard input (-) is closed; give it some text, or name a file")
            continue
        if Path(name).is_dir():
            raise UserError(f"{name}: is a folder; name the files in it")
        _format(name)
        if not Path(name).is_file():
            raise UserError(f"{name}: there is no such file")


def read(files: Iterable[str], field: str, limit: int | None = None) -> Iterator[str]:
    """Yield the documents of text files, at most `limit`.

    A line of a .txt or of standard input is a document; of a .jsonl or .parquet the field `field`
    of an object or row is one. Files may be compressed with gzip. Raises `UserError` for bad input.
    """
    return islice(chain.from_iterable(_documents(name, field) for name in files), limit)


def with_share(given: str) -> tuple[str, float]:
    """Return the file and the share that FILE or FILE=SHARE names; raise `UserError` for others."""
    name, _, share = given.rpartition("=")
    if not name or Path(given).exists():
        return given, 1.0
    try:
        found = float(share)
    except ValueError:
        found = 0.0
    if not 0 < found <= 1:
        raise UserError(
            f"{given}: there is no such file, and '{share}' is no share of one; a share is a "
            "number above 0 and up to 1"
        )
    return name, found


def mixture(
    texts: Iterable[tuple[str, float]], field: str, limit: int | None = None
) -> Iterator[tuple[int, str]]:
    """Yield documents as `read` does, of each file its share, evenly spread, at least one.

    With each comes its number within the share of its file.
    """
    parts = (
        compress(_documents(name, field), (ceil((n + 1) * s) > ceil(n * s) for n in count()))
        for name, s in texts
    )
    return islice(chain.from_iterable(map(enumerate, parts)), limit)


def _documents(name: str, field: str) -> Iterator[str]:
    if name == STANDARD_INPUT:
        lines = lines_of(sys.stdin.buffer, "standard input")
        yield from (line.rstrip("\r\n") for line in lines if line.strip())
        return
    with advising(FieldError, "name the one of the text with --field"):
        yield from texts({"format": _format(name), "files": [name], "field": field}, Path())


def _format(name: str) -> str:
    ending = Path(name.removesuffix(".gz")).suffix
    if ending not in FORMATS:
        raise UserError(
            f"{name}: its format cannot be told from its name; it must end in "
            f"{', '.join(FORMATS)} (with .gz if it is compressed), or be - for standard input"
        )
    return FORMATS[ending]


def source(files: Sequence[str], field: str, limit: int | None, work: Path) -> dict[str, Any]:
    """Return a configuration's source of some text files.

    What a configuration cannot say is copied into `work` first, if it is not there yet: standard
    input, files of several formats together, names in brackets, which stand for codes.
    """
    formats = {STANDARD_INPUT if name == STANDARD_INPUT else _format(name) for name in files}
    if len(formats) == 1 and STANDARD_INPUT not in formats and "{" not in "".join(files):
        found = {"format": formats.pop(), "files": [os.path.abspath(name) for name in files]}
        return found | {"field": field} | ({"limit": limit} if limit else {})
    if not (work / COPY).is_file():
        with whole_file(work / COPY) as aside, open(aside, "w", encoding="utf-8") as file:
            for document in read(files, field, limit):
                file.write(json.dumps({"text": document}, ensure_ascii=False) + "\n")
    return {"format": "jsonl", "files": [COPY], "field": "text"}


def held_out(numbered: Iterable[tuple[int, str]], aside: list[str]) -> Iterator[str]:
    """Yield documents, but put one in fifty, at most 500 and the first at least, into `aside`.

    They come with their numbers within the text that they are of: of each text as many are held
    out. Raises `UserError` at the end if there were not two of them.
    """
    total = 0
    for number, document in numbered:
        total += 1
        if is_held_out(number):
            aside.append(document)
        else:
            yield document
    if total < 2:
        raise UserError(
            "the text has fewer than two documents, one of which is held out; give more (each line "
            "of a .txt is one)"
        )


def identify(work: Path, about: object) -> None:
    """Keep in `work` what a chain starts from; drop what was made there from anything else.

    Snakemake sees that a file has become newer, and not that its contents are others.
    """
    file = work / "made_from"
    found = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    if file.is_file() and file.read_text(encoding="utf-8") != found:
        (work / COPY).unlink(missing_ok=True)
        shutil.rmtree(work / RESULTS, ignore_errors=True)
    with whole_file(file) as aside:
        aside.write_text(found, encoding="utf-8")


def started_from(model: Path, texts: Iterable[str]) -> list:
    """Return what tells a model and texts from others: the hashes of their files.

    Standard input is what it was when it was first read.
    """
    files = [*sorted(model.glob("*.safetensors")), *sorted(model.glob("*.json"))]
    hashes = [[name, name if name == STANDARD_INPUT else sha256(name)] for name in texts]
    return [[[file.name, sha256(file)] for file in files], hashes]


def check_free(folder: Path) -> None:
    """Raise `UserError` if a folder holds a model already, or is something else than a folder.

    Raises OSError if nothing can be written to it.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise UserError(f"{folder}: is not a folder; give the name of a new one")
    if (folder / "config.json").exists():
        raise UserError(f"{folder}: holds a model already; give another folder, or remove it")
    try_out(folder)
    try_out(folder / "model.safetensors")


def check_apart(work: Path, out: Path, inputs: Iterable[Path]) -> None:
    """Raise `UserError` if removing `work` at the end would remove `out` or an input as well.

    Nor may `work` lie in `out`, of which it would become a part.
    """
    folder = _real(work)
    for path in (out, *inputs):
        if _real(path).is_relative_to(folder):
            raise UserError(
                f"{path}: lies in {work}, the folder of unfinished work, which is removed at the "
                "end; name a folder of its own with --work"
            )
    if folder.is_relative_to(_real(out)):
        raise UserError(
            f"{work}: lies in {out}, which the model is written to; name another folder with --work"
        )


def _real(path: Path) -> Path:
    """The path without links; unlike `Path.resolve`, also of one that links to itself."""
    return Path(os.path.realpath(path))


@contextmanager
def claimed(work: Path) -> Iterator[None]:
    """Make a folder of unfinished work, or take up that of an earlier run, and lock it.

    Raises `UserError` if it is a file, holds anything else, or another process is at work in it.
    """
    if work.exists() and not _is_ours(work) and (work.is_file() or any(work.iterdir())):
        raise UserError(
            f"{work}: holds something else than unfinished work; name another folder with --work"
        )
    with whole_file(work / MARK) as aside:
        aside.write_text(SAID, encoding="utf-8")
    with alone(work) as ours:
        # A Snakemake whose `monoglot shrink` was killed may still be going on.
        if not ours or running_here(work):
            raise UserError(
                f"{work}: another `monoglot shrink` is at work in it; wait for it to end, or name "
                "another folder with --work"
            )
        yield


def clear(work: Path) -> None:
    """Remove a folder of unfinished work."""
    if _is_ours(work):
        shutil.rmtree(work, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    mark = folder / MARK
    return mark.is_file() and mark.read_bytes() == SAID.encode()
