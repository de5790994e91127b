"""The blocks of the configuration, one class each; and the JSON Schema that follows from them.

Keys of variants are with their operations, those of tables and figures with their kinds. For
planning too: imports nothing heavy.
"""

import inspect
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, create_model

from monoglot.cluster import DEFAULTS
from monoglot.evaluate import task_schema
from monoglot.evaluate.task import SeedsAffect, Subtokens, TuningSettings
from monoglot.families import FAMILIES
from monoglot.keys import (
    HOME,
    UNIQUE,
    Count,
    FilePath,
    HubId,
    Name,
    Names,
    Number,
    Parameters,
    Revision,
    Seed,
    json_schema,
)
from monoglot.operations import OPERATIONS
from monoglot.operations.pretrained import Pretrained
from monoglot.operations.scratch import ScratchShape

License = Annotated[str, Field(max_length=200, pattern=r"^[^|\x00-\x1f]+$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Url = Annotated[str, Field(pattern=r"^https?://[^@\s\x00-\x1f]+$")]
SlurmName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.,-]*$")]
Positive = Annotated[Number, Field(gt=0)]


class File(Parameters):
    path: FilePath
    """A file or folder; any characters but control characters."""
    limit_megabytes: Positive | None = None
    """At most this much of the file, in millions of bytes of UTF-8."""
    sha256: Sha256 | None = None
    """SHA-256 of the file."""


class Source(Parameters):
    """Where files come from."""

    beside: ClassVar[Mapping[str, str]] = {"hub": "revision"}

    hub: HubId | None = None
    """Id of a repository on the Hub: OWNER/NAME."""
    revision: Revision | None = None
    """Commit on the Hub."""
    url: Url | None = None
    """Folder on the web that the files come from, each by the last part of its name; it holds a \
commit, or each file has its sha256, and no user or password."""
    license: License | None = None
    """Its licence, for cards: an SPDX-like identifier such as `cc-by-4.0`, or free text."""


class TextSource(Source):
    format: Literal["lines", "jsonl", "parquet"] | None = None
    """How the files are written."""
    field: str | None = None
    """Key (jsonl) or column (Hub) that holds the text."""
    files: Annotated[list[FilePath | File], Field(min_length=1)] | None = None
    """Files in their order; on the Hub, a name may have wildcards: `v1.0/{glotcc}/*.parquet`."""
    limit: Count | None = None
    """At most this many documents, the first ones."""
    part: Literal["training", "heldout"] | None = None
    """One document in fifty, at most 500, is held out; read only these, or only the others. So \
one text serves as `text`, `validation` and `heldout`."""
    exclude: Names | None = None
    """Tasks whose dev and test sentences are left out, with the documents that hold them."""


class Splits(Parameters):
    train: FilePath
    """Examples to train on."""
    dev: FilePath
    """Examples to choose an epoch by."""
    test: FilePath
    """Examples to score."""


class Sides(Parameters):
    source: FilePath
    """Sentences of the language, one a line."""
    target: FilePath
    """Their translations, line by line."""


def _parts(files: Any) -> str:
    """Say which of `Splits` and `Sides` is meant, which says what is wrong with it."""
    keys = files if isinstance(files, Mapping) else getattr(files, "__dict__", {})
    return "sides" if set(keys) & Sides.model_fields.keys() else "splits"


Parts = Annotated[
    Annotated[Splits, Tag("splits")] | Annotated[Sides, Tag("sides")], Discriminator(_parts)
]


def _by_name(name: str, kind: Any, said: Mapping[str, str]) -> type[Parameters]:
    """Return a block with an optional key for each name, with its description."""
    fields = {key: (kind | None, Field(default=None, description=said[key])) for key in said}
    return create_model(name, __base__=Parameters, **fields)


HASHED = ("train", "dev", "test", "source", "target")
Hashes = _by_name("Hashes", Sha256, dict.fromkeys(HASHED, "SHA-256 of the file."))


class LabelledSource(Source):
    format: (
        Literal[
            "sib200",
            "sentiment",
            "afrisenti",
            "wikiann",
            "conllu",
            "token_tag",
            "parquet",
            "parallel",
        ]
        | None
    ) = None
    """How the files are written."""
    files: Parts | None = None
    """A file, or on the Hub a name with wildcards, for each split; of the format `parallel`, for \
sentences (`source`) and their translations (`target`)."""
    names: list[str] | None = None
    """Labels by number, for a column of numbers that does not say them itself."""
    drop_labels: list[str] | None = None
    """Labels whose examples are left out."""
    sha256: Hashes | None = None
    """Hashes of the files of `url`, as far as they are known."""
    fields: dict[str, str] | None = None
    """Columns of a parquet file, text and label or tokens and tags."""


class Invented(Parameters):
    seed: Seed = 0
    """What the languages and texts are drawn from."""


TextSet = dict[Name, TextSource]
TEXT_SETS = ("text", "validation", "heldout")


class Data(Parameters):
    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[Name, dict[Name, LabelledSource]]
    """Labelled examples of the task of this name."""
    root: FilePath = "."
    """Folder that relative paths of files start from; by default the working folder."""
    invented: Invented | None = None
    """Make the raw files of three invented languages in `root` (the demo)."""
    text: TextSet
    """Raw text of a language; for training and for counting pieces."""
    validation: TextSet
    """Sentences for the masked-LM validation loss and for the importance of neurons."""
    heldout: TextSet
    """Sentences nothing is trained or counted on; for the report on a trimmed vocabulary."""


class ModelShape(ScratchShape):
    max_positions: Annotated[Count, Field(ge=8)] = 512
    """Longest sequence in tokens."""


class Model(Pretrained):
    name: str | None = None
    """The model's name in print, in figures; its key by default."""
    family: Literal[tuple(FAMILIES)]
    """Architecture, as in `model_type` of a checkpoint's configuration."""
    head: Literal["trained", "fresh"] = "trained"
    """`fresh` for a checkpoint that is an encoder alone, which gets an untrained masked-LM head."""
    license: License | None = None
    """The checkpoint's licence, for model cards: an SPDX-like identifier such as `mit`, or free \
text; `unknown` by default."""
    tokenizer: FilePath | None = None
    """A tokenizer for `scratch` variants (tokenizer.json, .json.gz or vocab.txt); trained on the \
text if not given."""
    shape: ModelShape
    """Shape of the model before any reduction; `scratch` makes it, checks use it."""


class LanguageBlock(Parameters):
    name: str
    """The language's name in print."""
    evaluated: bool = True
    """False for a language whose text is only part of a mixture."""
    tasks: Names | None = None
    """The tasks it is evaluated on, for a language that lacks a set; all by default."""
    codes: dict[str, str] = {}
    """Code by source; `{flores}` in a path stands for the code of that name."""


class Adapters(Parameters):
    """What a variant may set of its adapters, which changes no checkpoint."""

    reduction_factor: Count | dict[str, Count] | None = None
    """The adapter's, for this variant, in all tasks or by task."""
    label_subtokens: Subtokens | None = None
    """The task's, for this variant."""
    seeds_affect: SeedsAffect | None = None
    """What a seed changes, for this variant."""


class Variant(Adapters):
    model_config = ConfigDict(extra="allow")

    operation: Literal[tuple(OPERATIONS)]
    """What makes it from its parent; an alias is its parent, for adapters trained otherwise; a \
baseline has neither parent nor checkpoint and is only scored."""


class Deployment(Parameters):
    lengths: Annotated[list[Annotated[Count, Field(ge=4)]], Field(min_length=1), *UNIQUE] = [
        16,
        64,
        256,
    ]
    """Of a text, in tokens; those beyond what a model reads are cut to that."""
    threads: Annotated[list[Count | Literal["all"]], Field(min_length=1), *UNIQUE] = [1, "all"]
    """Numbers of threads on the CPU; `all` are those that the job may use."""
    batch: Count = 32
    """Texts answered at once, for throughput."""
    repeats: Count = 50
    """Answers to single texts that are timed, for each length."""
    warmup: Annotated[int, Field(ge=0)] = 5
    """Answers to single texts before those that are timed."""
    batch_repeats: Count = 3
    """Batches that are timed, for each length, after one that is not."""


class EnergyBlock(Parameters):
    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """Where jobs ran, ISO 3166 alpha-3 (DEU); the world's average electricity if null."""


class Amounts(Parameters):
    memory: Positive | None = None
    """Gigabytes."""
    hours: Positive | None = None
    """Time limit."""


class Resources(_by_name("Rules", Amounts, {rule: f"Of the rule {rule}." for rule in DEFAULTS})):
    most: Amounts = Amounts()
    """What no job asks more than, unless its own first attempt does; for partitions that have no \
more."""


Defaults = _by_name(
    "Defaults",
    dict[str, Any],
    {n: f"Of all variants of the operation {n}." for n, o in OPERATIONS.items() if o.checkpoint},
)


class Slurm(Parameters):
    account: SlurmName | None = None
    """Account that jobs are charged to."""
    partition: SlurmName | None = None
    """Partition of jobs."""
    gpu_partition: SlurmName | None = None
    """Of jobs that use a GPU; `partition` if not given."""


class Config(Parameters):
    """monoglot configuration"""

    extends: str | None = None
    """Another configuration that this one is laid over; mappings merge, null takes a key away."""
    targets: Annotated[
        list[Literal["tables", "figures", "cards", "deployment", "report"]],
        Field(min_length=1),
        *UNIQUE,
    ] = ["tables"]
    """What a run makes if its command names no target."""
    results: Annotated[str, Field(pattern=r"^[^{}\x00-\x1f]+$"), HOME] = "results"
    """Folder that everything is written to; its name has no curly brackets, which Snakemake would \
fill in."""
    data: Data
    """Where raw files come from, set by set and language by language."""
    models: Annotated[dict[Name, Model], Field(min_length=1)]
    """Model families by name; the name is a folder in the results."""
    languages: Annotated[dict[Name, LanguageBlock], Field(min_length=1)]
    """Languages by short name, each with its code in every source that needs one."""
    tasks: dict[Name, dict[str, Any]]
    """Tasks by name, with their labels and the adapter's training (Table 4); none if nothing is \
scored."""
    seeds: Annotated[list[Seed], Field(min_length=1), *UNIQUE]
    """One adapter is trained for each seed; tables show the mean."""
    seeds_affect: SeedsAffect = TuningSettings.default("seeds_affect")
    """What a seed changes; the paper's code changes the initialisation alone."""
    defaults: Defaults = Defaults()
    """Default parameters by operation."""
    variants: Annotated[dict[Name, Variant], Field(min_length=1)]
    """Checkpoints by name, each made from its parent by one operation."""
    tables: dict[Name, dict[str, Any]]
    """Tables by name."""
    figures: dict[Name, dict[str, Any]] = {}
    """Figures by name."""
    deployment: Deployment = Deployment()
    """How checkpoints are measured where they are used (target `deployment`)."""
    energy: EnergyBlock = EnergyBlock()
    """How energy becomes CO2."""
    resources: Resources = Resources()
    """What a job asks a cluster for, by rule; each further attempt asks for twice as much."""
    slurm: Slurm = Slurm()
    """Where jobs go on a SLURM cluster; the cluster's own defaults if not given."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a configuration, with the keys of each kind of block in `$defs`."""
    from monoglot import figures, tables  # which read the configuration

    found = json_schema(Config) | {"title": "monoglot configuration"}
    keys = found["properties"]
    kinds = {
        family: {
            name: {"description": " ".join(inspect.getdoc(kind.block).split())}
            | json_schema(kind.block)
            for name, kind in one.kinds().items()
        }
        for family, one in (("tables", tables), ("figures", figures))
    }
    keys["tasks"]["additionalProperties"] = task_schema()
    for family, default in (("tables", "scores"), ("figures", None)):
        kind = {"description": "What is shown; the other keys are those of its kind."}
        kind |= {"enum": list(kinds[family])} | ({"default": default} if default else {})
        about = {"type": "object", "properties": {"kind": kind}}
        keys[family]["additionalProperties"] = about | ({} if default else {"required": ["kind"]})
    operations = {name: json_schema(entry.parameters) for name, entry in OPERATIONS.items()}
    return found | {"$defs": {"operations": operations} | kinds}
