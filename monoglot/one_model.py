"""What `monoglot shrink` and `monoglot trim` do with a loaded model: check, measure, trim."""

import copy
import csv
import gc
import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import transformers
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast

from monoglot import provenance, shrink
from monoglot.api import (
    check_model,
    encoded,
    on_tokens,
    parsed,
    rebuilt,
    special_tokens,
    trim_vocab,
)
from monoglot.checkpoints import (
    as_stored,
    check_safetensors,
    count_parameters,
    from_configured,
    parsed_config,
    weight_files,
)
from monoglot.data.hub import UnreachableError, download
from monoglot.data.parquet import read_texts
from monoglot.errors import UserError, advising, first_line
from monoglot.families import FAMILIES
from monoglot.files import whole_file, whole_folder
from monoglot.operations.reduce_hidden import heads_after
from monoglot.operations.select_layers import set_layers, strategies
from monoglot.operations.surgery import (
    config_ids,
    emptied,
    encode,
    family_of,
    ffn_size,
    gather_rows,
    longest_input,
    set_hidden_size,
)
from monoglot.operations.trimming import special_ids
from monoglot.paths import Paths
from monoglot.script import paused
from monoglot.sentence_encoders import SentenceEncoder, files_of, read_sentence_encoder
from monoglot.shrink import ChainShape
from monoglot.tokenizer_json import own_tokenizer, try_out
from monoglot.training.batches import Sequences
from monoglot.training.loop import train
from monoglot.training.processes import Processes
from monoglot.training.settings import Settings

Steps = Mapping[str, Mapping[str, Any]]
"""Variants of a chain, by name."""

CLASSES = {
    "ForSequenceClassification": "AutoModelForSequenceClassification",
    "ForTokenClassification": "AutoModelForTokenClassification",
    "ForQuestionAnswering": "AutoModelForQuestionAnswering",
    "Model": "AutoModel",
}
"""What loads an architecture, by the end of its name; all others are masked language models."""
MASKED_LM = "AutoModelForMaskedLM"
CONNECT = (
    "run this once with a network, after which the cache serves it, or give the folder of a copy "
    "as MODEL, without --revision"
)
MEASURED = 20_000
"""Documents, the first ones, that times and numbers of tokens are worked out from."""
STEPS = 4
"""Training steps that are timed; the first, which sets up, and the last are not counted."""
EVALUATED_LENGTH, SEED = 128, 42
"""Tokens of each held-out document that models are evaluated on, and the seed of their masks."""
MOST_COMPARED, LIKE = 500, 0.99
"""Held-out documents that vectors are compared on, and the cosine from which two are alike."""


@dataclass(frozen=True)
class LoadedModel:
    """A model with its tokenizer, and where both came from.

    Attributes:
        name: folder, or id on the Hub with the revision, for messages.
        folder: the files on this machine.
        sentences: how it makes vectors of texts.
        fresh: whether the masked-LM head is a random one, as the files have none.
    """

    name: str
    folder: Path
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    sentences: SentenceEncoder
    fresh: bool = False

    def vectors(self, texts: Sequence[str], longest: int | None = None) -> torch.Tensor:
        """Return what `SentenceEncoder.vectors` does, of texts of at most `longest` tokens."""
        most = longest_input(self.model.config)
        most = min(most, longest or most)
        return self.sentences.vectors(partial(encode, self.model), self.tokenizer, texts, most)


def find(name: str, revision: str | None) -> tuple[Path, str]:
    """Return the folder of a model, downloaded if `revision` is given, and its name for messages.

    Raises `UserError` if it is neither a folder nor to be had from the Hub, or as `try_out` does.
    """
    if revision is not None:
        with advising(UnreachableError, CONNECT):
            folder, where = download(name, revision), f"{name} at revision {revision}"
    elif Path(name).is_dir():
        folder, where = Path(name), name
    else:
        raise UserError(
            f"{name}: there is no such folder; give the folder of a checkpoint, or for a model of "
            "the Hub its id and, as --revision, the 40 hexadecimal digits of a commit"
        )
    try_out(folder, where)
    return folder, where


@paused()
def load(folder: Path, where: str, masked_lm: bool = False) -> LoadedModel:
    """Load an encoder in fp32, in evaluation mode, with its fast tokenizer.

    The head is the one that its configuration names, or with `masked_lm` that of masked LM, a
    fresh one if the files hold the encoder alone. An encoder may lack its pooler.

    Raises:
        UserError: it is no encoder of a known architecture, names code of its own, has weights in
            pickle files alone, is broken or incomplete, or has no tokenizer of its own; or it is a
            sentence encoder with modules that cannot be kept, with `masked_lm` dense layers too.
    """
    config = parsed_config(folder, where)
    if config["model_type"] not in FAMILIES:
        raise UserError(
            f"{where}: is a '{config['model_type']}'; it must be an encoder of one of these "
            f"architectures: {', '.join(FAMILIES)}"
        )
    check_safetensors(folder, where)
    architecture, name = (config.get("architectures") or [""])[0], MASKED_LM
    if not masked_lm:
        name = next((one for end, one in CLASSES.items() if architecture.endswith(end)), name)
    transformers.logging.set_verbosity_error()
    try:
        config = transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    # Each architecture checks its keys in its own way.
    except Exception as error:
        raise UserError(
            f"{where}: config.json is no configuration of a model ({first_line(error)})"
        ) from None
    tokenizer = own_tokenizer(folder, where)
    kept = () if masked_lm else files_of(folder, where)

    def read(name: str, **options: bool) -> tuple[PreTrainedModel, list[str]]:
        model_class = getattr(transformers, name)
        return from_configured(model_class, config, folder, where, kept=kept, **options)

    model, missing = read(name)
    if missing and not (architecture or masked_lm):  # DeBERTa-v3's names none, and has no such head
        model, missing = read("AutoModel")
    if missing and all(key.startswith("pooler.") for key in missing):
        model, missing = read("AutoModel", add_pooling_layer=False)
    encoder = f"{model.base_model_prefix}."
    fresh = bool(missing) and masked_lm and not any(key.startswith(encoder) for key in missing)
    if missing and not fresh:
        raise UserError(
            f"{where}: has no weights for {missing[0]}; "
            f"it must hold the whole model that {name} loads"
        )
    check_model(model.eval())
    tokenizer = rebuilt(tokenizer, parsed(tokenizer, model))
    if len(tokenizer) < model.config.vocab_size:  # embeddings of no piece
        model = gather_rows(model, range(len(tokenizer)))
    sentences = read_sentence_encoder(folder, where, model.config.hidden_size)
    return LoadedModel(where, folder, model, tokenizer, sentences, fresh)


def save(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    folder: Path,
    sentences: SentenceEncoder | None = None,
) -> None:
    """Write a model and its tokenizer into a folder that stock transformers loads.

    With `sentences`, also the files that say how it makes vectors of texts.
    """
    model = model.cpu()
    with whole_folder(folder) as aside:
        model.save_pretrained(aside, safe_serialization=True, max_shard_size="1TB")
        (aside / "generation_config.json").unlink(missing_ok=True)
        tokenizer.save_pretrained(aside)
        if sentences:
            sentences.write(aside)


def trim_folder(
    source: LoadedModel,
    out: Path,
    documents: Iterable[str],
    size: int,
    heldout: Sequence[str] | None = None,
    **how: Any,
) -> dict[str, Any]:
    """Write a model with the most frequent pieces of some documents; return the report.

    Documents count with the prompts that a sentence encoder's files put before them. The report,
    also written beside the model, has besides what `trim_vocab` reports `vectors`, see
    `compared_vectors`, and `parameters` and `bytes` of the weights, each `before` and `after`.

    Args:
        heldout: other documents, to report on, which may come to be there as `documents` are read;
            by default one in fifty of those, at most 500.
        how: what `trim_vocab` may be told besides.

    Raises:
        UserError: as `trim_vocab`, or there is but one document.
    """
    if heldout is None:
        heldout = []
        documents = shrink.held_out(enumerate(documents), heldout)
    given = source.sentences.as_given(documents)
    model, tokenizer, report = trim_vocab(
        source.model, source.tokenizer, given, size, heldout=heldout, **how
    )
    report["vectors"] = compared_vectors(source, model, tokenizer, heldout[:MOST_COMPARED])
    counts = {"before": count_parameters(source.model), "after": count_parameters(model)}
    sizes = {"before": _bytes(source.folder)}  # may be the folder that is written to
    save(as_stored(model, source.folder), tokenizer, out, source.sentences)
    report |= {"parameters": counts, "bytes": sizes | {"after": _bytes(out)}}
    with whole_file(out / shrink.TRIM_REPORT) as file:
        file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def compared_vectors(
    source: LoadedModel,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[str],
) -> dict[str, Any]:
    """Compare what one model and another made from it say of texts, each as one vector.

    Vectors are pooled as the first model's files say, of at most `EVALUATED_LENGTH` tokens.

    Returns:
        `texts`, their number; `pooling`; `mean_cosine` of the vectors before and after; and the
        share of texts whose cosine is `below` the `threshold`.
    """
    made = replace(source, model=model, tokenizer=tokenizer)
    cosines = torch.cosine_similarity(
        *(one.vectors(texts, EVALUATED_LENGTH) for one in (source, made))
    )
    return {
        "texts": len(texts),
        "pooling": "+".join(source.sentences.pooling),
        "mean_cosine": cosines.mean().item(),
        "threshold": LIKE,
        "below": (cosines < LIKE).float().mean().item(),
    }


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in weight_files(folder))


@dataclass(frozen=True)
class Amount:
    """What training takes: steps, tokens (no padding) and seconds, evaluations left out."""

    steps: int
    tokens: float
    seconds: float


@dataclass(frozen=True)
class TextNumbers:
    """Documents and tokens to train on and documents held out; `exact` if all were encoded."""

    documents: int
    tokens: int
    held_out: int
    exact: bool


@dataclass(frozen=True)
class ChainPlan:
    """A chain to be made.

    Attributes:
        name, folder, sentences, family: of the model, see `LoadedModel`; `bytes` of its weights.
        device: what trains here, in a word.
        before, after: shapes.
        parameters: exact, of the model and of what each step makes.
        training: what each training takes here, by step; `more` all, with each larger budget.
    """

    name: str
    folder: Path
    sentences: SentenceEncoder
    bytes: int
    family: str
    device: str
    before: ChainShape
    after: ChainShape
    config: dict[str, Any]
    parameters: dict[str, int]
    material: TextNumbers
    training: dict[str, Amount]
    more: dict[str, Amount]


def begin(
    model: str, text: list[str], language: str, work: Path, options: Mapping[str, Any]
) -> ChainPlan:
    """Load the model, plan the chain, read the text, and measure some steps.

    Args:
        model: folder, or id on the Hub.
        text: files.
        work: folder of unfinished work.
        options: `revision`, `field`, `limit`, `recipe`, `preset`, the keys of a shape, `budget`,
            `adapt_steps`, `distil_steps`, `micro_batch` and `precision`, None where not chosen;
            and `keep`, texts that stay segmented as they are.

    Raises:
        UserError: the model is none that can be made small, a number does not fit it, there is
            nothing to do, or the text is bad.
    """
    source = load(*find(model, options["revision"]), masked_lm=True)
    config, revision = source.model.config, options["revision"]
    if not config.tie_word_embeddings:
        raise UserError(f"{source.name}: its decoder is not tied to its embeddings, as it must be")
    contents = parsed(source.tokenizer, source.model)
    special = len(special_ids(contents, special_tokens(source.tokenizer), config_ids(config)))
    heads, longest, family = config.num_attention_heads, longest_input(config), config.model_type
    unit = config.hidden_size // heads if FAMILIES[family].rotary else heads
    before = ChainShape(
        config.num_hidden_layers, ffn_size(config), config.hidden_size, config.vocab_size - special
    )
    given = {name: options[name] for name in asdict(before) if options[name] is not None}
    after = shrink.target(before, unit, options["preset"], given)
    gpu = Processes().device.type == "cuda"
    budget, recipe = options["budget"] or ("paper" if gpu else "small"), options["recipe"]

    layers = strategies(config, after.layers)
    strategy = "stride" if "stride" in layers else "first_k"
    if recipe == "paper" and family == "bert":
        strategy = "last_k"
    more = recipe, source.fresh, "cut" if FAMILIES[family].rotary else "low_rank", options["keep"]

    def steps_of(budget: str, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        how = shrink.training(budget, options, longest)
        return shrink.variants(strategy, before, after, how, longest, *more)

    steps = steps_of(budget, options)
    if len(steps) == 1:
        raise UserError(f"{source.name}: has that shape already, and is not to be adapted")
    shape = {"layers": before.layers, "hidden_size": before.hidden, "heads": heads}
    shape |= {"ffn_size": before.ffn, "max_positions": longest}
    block: dict[str, Any] = {"family": family, "shape": shape}
    if revision:
        block |= {"name": model, "hub": model, "revision": revision}
    else:
        place = source.folder.resolve()
        block |= {"name": place.name, "folder": str(place)}
    block |= {"head": "fresh"} if source.fresh else {}
    read_as = options["field"], options["limit"]
    shrink.identify(work, [shrink.started_from(source.folder, text), read_as])
    where = shrink.source(text, *read_as, work)
    found = shrink.configuration(block, where, language, steps)
    if where["files"] == [shrink.COPY]:
        text, read_as = [str(work / shrink.COPY)], (where["field"], None)
    material = ChainText(shrink.read(text, *read_as), source)
    configs = configurations(source.model, steps, special)
    training = amounts(steps, source.model, configs, material)
    with torch.device("meta"):
        parameters = {
            name: count_parameters(emptied(source.model, one)) for name, one in configs.items()
        }
    larger = list(shrink.BUDGETS)[list(shrink.BUDGETS).index(budget) + 1 :]
    return ChainPlan(
        name=source.name,
        folder=source.folder,
        sentences=source.sentences,
        bytes=_bytes(source.folder),
        family=family,
        device="GPU" if gpu else "processor",
        before=before,
        after=after,
        config=found,
        parameters=parameters,
        material=material.about,
        training=training,
        more={name: _of_budget(steps_of(name, {}), training, material) for name in larger},
    )


class ChainText:
    """The text under a model's tokenizer: the first documents of it, in memory.

    Attributes:
        training, heldout: encoded documents.
        scale: all documents, as a multiple of those in `training`.
    """

    def __init__(self, documents: Iterable[str], source: LoadedModel) -> None:
        aside: list[str] = []
        first: list[str] = []
        number = 0
        kept = shrink.held_out(enumerate(documents), aside)
        for number, document in enumerate(kept, start=1):
            if number <= MEASURED:
                first.append(document)
        self.training = encoded(first, source.tokenizer, source.model)
        self.heldout = encoded(aside, source.tokenizer, source.model)
        self.scale = number / len(first)

    @property
    def about(self) -> TextNumbers:
        """Its numbers."""
        meta = self.training.meta
        documents, tokens = (round(meta[key] * self.scale) for key in ("documents", "tokens"))
        return TextNumbers(documents, tokens, len(self.heldout), self.scale == 1)

    def sequences(self, settings: Settings) -> tuple[Sequences, Sequences]:
        """Return what a training trains and validates on."""
        body = settings.max_length - 2
        training = Sequences(self.training, body, settings.documents)
        return training, Sequences(self.heldout, body, "truncate")

    def amount(self, settings: Settings) -> tuple[int, float]:
        """Return the steps of a training, and about how many tokens it sees."""
        sequences = round(len(self.sequences(settings)[0]) * self.scale)
        total, body = settings.total_steps(sequences), settings.max_length - 2
        lengths = np.full(1, body)
        if settings.documents == "truncate":
            lengths = np.minimum(np.diff(np.asarray(self.training.offsets)), body)
        return total, total * min(settings.batch_size, sequences) * float(lengths.mean() + 2)


def configurations(
    model: PreTrainedModel, steps: Steps, special: int
) -> dict[str, PretrainedConfig]:
    """Return the configuration of what each step makes, but for ids of `special` tokens."""
    config, found = model.config, {}
    for name, block in steps.items():
        config = found[name] = copy.deepcopy(config)
        if block["operation"] == "reduce_hidden":
            sizes = config.hidden_size, config.num_attention_heads, block["size"]
            config.num_attention_heads = heads_after(config.model_type, *sizes, block["heads"])
            set_hidden_size(config, block["size"])
        elif block["operation"] == "prune_ffn":
            setattr(config, family_of(config).ffn_size, block["size"])
        elif block["operation"] == "select_layers":
            set_layers(config, block["layers"])
        elif block["operation"] == "trim_vocab":
            config.vocab_size = block["size"] + special
    return found


def amounts(
    steps: Steps,
    model: PreTrainedModel,
    configs: Mapping[str, PretrainedConfig],
    material: ChainText,
) -> dict[str, Amount]:
    """Return what each training of a chain takes here.

    Measured on models of the right shapes, random in their weights.

    Args:
        model: what the chain starts from.
        configs: of what each step makes, as `configurations` returns them.
    """
    found = {}
    for name, settings in _trainings(steps):
        names = steps[name]["parent"], steps[name].get("teacher")
        with torch.random.fork_rng(), Processes().device:
            models = [emptied(model, configs[one]) if one else None for one in names]
        total, tokens = material.amount(settings)
        found[name] = Amount(total, tokens, total * _seconds_a_step(*models, material, settings))
    return found


def _trainings(steps: Steps) -> Iterator[tuple[str, Settings]]:
    links = ("operation", "parent", "teacher")
    for name, block in steps.items():
        if block["operation"] == "train":
            yield name, Settings.checked({k: v for k, v in block.items() if k not in links})


def _of_budget(steps: Steps, measured: Mapping[str, Amount], material: ChainText) -> Amount:
    """What all training of another budget takes, as fast as that which was measured."""
    tokens = seconds = 0.0
    for name, settings in _trainings(steps):
        if name in measured:
            more = material.amount(settings)[1]
            tokens += more
            seconds += more * measured[name].seconds / measured[name].tokens
    return Amount(0, tokens, seconds)


class _Timed:
    """Sequences that note when each is asked for, with ids below `vocab`.

    A vocabulary that is yet to be trimmed has no pieces; any ids take the same time.
    """

    def __init__(self, sequences: Sequences, vocab: int) -> None:
        self._sequences, self._vocab, self.times = sequences, vocab, []

    def __len__(self) -> int:
        return len(self._sequences)

    def __getitem__(self, index: int) -> np.ndarray:
        self.times.append(time.monotonic())
        return self._sequences[index] % self._vocab


def _seconds_a_step(
    student: PreTrainedModel,
    teacher: PreTrainedModel | None,
    material: ChainText,
    settings: Settings,
) -> float:
    training, heldout = material.sequences(settings)
    longest = max(range(len(heldout)), key=lambda i: len(heldout[i]))
    few = settings.changed(steps=STEPS, epochs=None, evaluate_every=STEPS, keep="last")
    vocab = student.config.vocab_size
    timed, last = _Timed(training, vocab), vocab - 1
    ids = {"special": [min(i, last) for i in material.training.meta["special"]], "vocab": vocab}
    ids |= {name: min(material.training.meta[name], last) for name in ("cls", "sep", "pad", "mask")}
    with torch.random.fork_rng():
        train(student, timed, ids, [heldout[longest] % vocab], few, teacher)
    an_epoch = math.ceil(len(timed) / settings.batch_size)
    taken = [
        min(settings.batch_size, len(timed) - step % an_epoch * settings.batch_size)
        for step in range(STEPS)
    ]
    starts = [timed.times[sum(taken[:step])] for step in range(STEPS)]
    return (starts[-1] - starts[1]) / (STEPS - 2)


def release() -> None:
    """Give back the GPU memory that measuring took, for the jobs that come."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


class ChainRow(NamedTuple):
    """What a step made, in numbers."""

    name: str
    parameters: int
    bytes: int
    """Of the weights on disk."""
    loss: float
    accuracy: float
    masked: int
    """These three of masked LM on held-out text, see `Evaluation`."""
    tokens: int
    """That the step was trained on."""
    seconds: float
    """That its last attempt took."""


def account(work: Path, config: Mapping[str, Any], given: int) -> list[ChainRow]:
    """Measure the checkpoints that a run has made of a chain, on the text that was held out.

    The model that the chain began with has `given` bytes of weights, in whatever precision.
    """
    (language,) = config["languages"]
    file = work / Paths(shrink.RESULTS).data(language, "heldout")
    documents, found = list(read_texts(file)), []
    for name, folder in shrink.folders(work, config).items():
        source = load(folder, str(folder), masked_lm=True)
        model = source.model.to(Processes().device)
        length = min(EVALUATED_LENGTH, longest_input(model.config))
        tokens = encoded(documents, source.tokenizer, model)
        evaluation = on_tokens(model, tokens, length, 0.15, SEED)
        trained = 0
        if (history := folder / "history.csv").is_file():
            with open(history, newline="") as lines:
                trained = int([*csv.DictReader(lines)][-1]["tokens"])
        seconds = provenance.read(folder / provenance.NAME)["seconds"]
        size = given if name == shrink.BASE else _bytes(folder)
        count = count_parameters(model)
        found.append(ChainRow(name, count, size, *evaluation, trained, seconds))
    return found
