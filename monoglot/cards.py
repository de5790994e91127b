"""Model cards: what a checkpoint is, how it was made, what it scores, and what is not known.

A card is a pure function of files (the checkpoint, the provenance of all steps behind it, records,
a trim report) and of `CardSpec`, the experiment's part that no result holds. `CardPlan` says what
the rule asks for, `render` writes README.md by the template beside this module; the card's head is
the metadata that the Hub reads. Planning reads this: imports nothing heavy.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from monoglot import errors
from monoglot.checkpoints import FILES, parsed_config
from monoglot.config import source_of
from monoglot.data.overlap import read_overlaps, said_of
from monoglot.energy import Total, amount, making
from monoglot.errors import UserError
from monoglot.escapes import markdown
from monoglot.evaluate import kind_of
from monoglot.evaluate.metrics import LABELS, METRICS
from monoglot.families import FAMILIES
from monoglot.files import read_json
from monoglot.graph import Checkpoint, Graph
from monoglot.operations import OPERATIONS
from monoglot.paths import ANY, Paths, Run
from monoglot.provenance import NAME as PROVENANCE
from monoglot.provenance import read as read_provenance
from monoglot.tables.scores import Cell, collect
from monoglot.training.settings import OTHER_WEIGHTS

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCardData

TEMPLATE = Path(__file__).with_name("card.md.j2")
TRIM_TEMPLATE = Path(__file__).with_name("trim_card.md.j2")
PIPELINES = {
    "ForMaskedLM": "fill-mask",
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "Model": "feature-extraction",
}
"""What the Hub calls the use of a model, by the end of its class's name."""
TRIM_REPORT = "trim_report.json"
UNKNOWN = "unknown"
TEXTS = {"text": "training text", "validation": "validation text", "heldout": "held-out text"}
OF_KL = ("kl_mean", "temperature")
OF_ANY = ("alpha", "attention_projection", "positions", "teacher_layers", *OF_KL, *OTHER_WEIGHTS)
UNUSED = {"none": OF_ANY, "mse": OF_KL}
"""By loss: the settings that it does not look at."""

LICENSES = ("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-3.0")
LICENSES += ("cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-3.0", "cc-by-nc-4.0")
LICENSES += ("cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "cc-by-nd-4.0", "gpl-2.0")
LICENSES += ("gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "afl-3.0", "odc-by", "openrail", UNKNOWN)
"""Licences by the Hub's identifiers; any other is `other` there, with its name."""
DECIMALS = 4
CODE = re.compile("[a-z]{2,3}([-_].+)?")
"""Keys of languages that the Hub takes; others are names of the experiment's own."""

Key = tuple[str, str, str]
"""Language, variant and task."""


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CardStep(_Said):
    """One operation behind a checkpoint: what it made, from what, and with which settings.

    `origin` of a pretrained checkpoint has `hub` and `revision`, or `folder`. `text` maps the
    languages it was trained on to the share of each. `scored_as` names it in records: its own name
    first, then those of aliases.
    """

    variant: str
    operation: str
    folder: str
    parent: str | None
    teacher: str | None
    origin: dict[str, str]
    text: dict[str, float]
    settings: dict[str, Any]
    scored_as: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Say what it did, with all settings that count."""
        if self.operation == "pretrained":
            hub = f"`{self.origin.get('hub')}` at commit `{self.origin.get('revision')}`"
            where = hub if "hub" in self.origin else "a checkpoint of this machine"
            return f"`{self.variant}`: {where}, as it was published."
        entry = OPERATIONS[self.operation]
        done = f"distilled from `{self.teacher}`" if self.teacher else entry.done
        start = f"`{self.variant}`: " + (f"`{self.parent}`, " if self.parent else "") + done
        alone = list(self.text.values()) == [1]
        # What is made smaller for a language is so by its text.
        told = "text" in entry.parameters.model_fields and not (alone and entry.shrinks)
        if self.text and told:
            shares = ", ".join(f"{name} × {share:g}" for name, share in self.text.items())
            start += f", on text of {next(iter(self.text)) if alone else shares}"
        unused = UNUSED.get(self.settings.get("loss"), ())
        settings = ", ".join(
            markdown(f"{key} {value if isinstance(value, str) else json.dumps(value)}")
            for key, value in sorted(self.settings.items())
            if value is not None and key not in unused
        )
        return f"{start}. Settings: {settings or 'none'}."


class CardSource(_Said):
    """Where data came from; `used` says what for, `hub` is its id there, if it has one."""

    used: str
    name: str
    license: str
    hub: str | None
    revision: str | None


class CardSpec(_Said):
    """What the experiment says of a checkpoint."""

    model: str
    """Its name in print."""
    languages: dict[str, str]
    """Names by code, of those it is evaluated on."""
    shape: dict[str, int]
    head: str
    license: str
    """That of the model it was made from."""
    steps: tuple[CardStep, ...]
    """All operations behind it, its own last."""
    sources: tuple[CardSource, ...]
    """All data behind it and its scores."""
    tasks: dict[str, dict[str, Any]]
    """By name, the task's block of the configuration."""
    test_sources: dict[str, dict[str, CardSource]]
    """By language, and within by task, where the test set came from."""
    overlaps: dict[str, str]
    """By name of a language, the file that says what its text holds of test sentences."""
    seeds: tuple[int, ...]
    country: str | None
    """Where its jobs ran, ISO 3166 alpha-3."""
    invented: bool
    """Whether its languages are."""

    @property
    def variant(self) -> str:
        """What records of the checkpoint call it."""
        return (*self.steps[-1].scored_as, self.steps[-1].variant)[0]

    @property
    def title(self) -> str:
        return f"{self.model} for {', '.join(self.languages.values())}: {self.steps[-1].variant}"

    @property
    def folders(self) -> list[Path]:
        """The folders of all checkpoints behind the card, its own last."""
        return [Path(step.folder) for step in self.steps]

    @property
    def trim_reports(self) -> list[Path]:
        """The reports of all trimmings of the vocabulary behind the checkpoint."""
        steps = zip(self.folders, self.steps, strict=True)
        return [folder / TRIM_REPORT for folder, one in steps if one.operation == "trim_vocab"]


def parse_spec(text: str) -> CardSpec:
    """Return the spec that `text` holds as JSON; raise `UserError` if it does not."""
    try:
        return CardSpec.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise UserError(
            f"--spec: is no block of a card ({key}: {first['msg']}); the rule `card` makes one"
        ) from None


@dataclass(frozen=True)
class CardPlan:
    """What a checkpoint's card is made from, as the plan has it."""

    graph: Graph
    paths: Paths
    node: Checkpoint

    @cached_property
    def nodes(self) -> list[Checkpoint]:
        """The checkpoint, last, and all that it was made from, each once and after its parents."""
        return _behind(self.graph, self.node)

    @cached_property
    def runs(self) -> dict[Run, Checkpoint]:
        """The runs of the checkpoint, and of the steps behind it in the same languages."""
        runs = _encoder_runs(self.graph)
        languages = {run.language for run, node in runs.items() if node == self.node}
        return {r: n for r, n in runs.items() if r.language in languages and n in self.nodes}

    @property
    def provenance(self) -> list[str]:
        """What each step says of itself, and of its vocabulary if it trimmed one."""
        trimmed = [n for n in self.nodes if self.graph.operation(n.variant) == "trim_vocab"]
        said = [f"{self.paths.checkpoint(node)}/{PROVENANCE}" for node in self.nodes]
        reports = [f"{self.paths.checkpoint(node)}/{TRIM_REPORT}" for node in trimmed]
        return [*said, *reports, *self.overlaps.values()]

    @property
    def overlaps(self) -> dict[str, str]:
        """By language that it is trained on and scored in: test sentences in its text."""
        scored = {run.language for run in self.runs}
        read = {language for node in self.nodes for language in self.graph.text_languages(node)}
        shown = [one for one in self.graph.tested if one in scored & read]
        return {language: self.paths.overlap(language) for language in shown}

    @property
    def records(self) -> list[str]:
        """The records of its runs."""
        seeds = self.graph.seeds
        return [
            file
            for run in self.runs
            for file in self.paths.records(run, seeds(run.variant, run.task))
        ]

    @property
    def spec(self) -> CardSpec:
        """What the experiment says of it."""
        graph, config = self.graph, self.graph.config
        scored = {(r.language, r.task) for r, node in self.runs.items() if node == self.node}
        languages = [code for code in graph.evaluated if code in {code for code, _ in scored}]
        if not scored and self.node.language != ANY:  # the text says whom it is for
            languages = [self.node.language]
        names = {task for _, task in scored}
        tasks = {name: block for name, block in config["tasks"].items() if name in names}
        tests = {
            language: {
                task: self._source(f"task {task}", task, language)
                for task in tasks
                if (language, task) in scored
            }
            for language in languages
        }
        read = {
            (list(TEXTS).index(name), language, name)
            for node in self.nodes
            for language in graph.text_languages(node)
            for name in graph.sets(node)
        }
        texts = [self._source(TEXTS[name], name, one) for _, one, name in sorted(read)]
        model = config["models"][self.node.model]
        pretrained = [n for n in self.nodes if graph.operation(n.variant) == "pretrained"]
        # Not known of a checkpoint that a variant names itself.
        license = UNKNOWN if any(map(graph.settings, pretrained)) else model.get("license", UNKNOWN)
        return CardSpec(
            model=model.get("name", self.node.model),
            languages={code: config["languages"][code]["name"] for code in languages},
            shape=graph.shape(self.node),
            head=model["head"],
            license=license,
            steps=tuple(map(self._step, self.nodes)),
            sources=(*texts, *(s for found in tests.values() for s in found.values())),
            tasks=tasks,
            test_sources=tests,
            overlaps={config["languages"][c]["name"]: file for c, file in self.overlaps.items()},
            seeds=tuple(config["seeds"]),
            country=config["energy"]["country"],
            invented="invented" in config["data"],
        )

    def _step(self, node: Checkpoint) -> CardStep:
        graph, parent, teacher = self.graph, self.graph.parent(node), self.graph.teacher(node)
        operation = graph.operation(node.variant)
        apart = ("parent", "teacher", "text", "processes", "hub", "revision", "folder")
        names = {run.variant for run, scored in self.runs.items() if scored == node}
        return CardStep(
            variant=node.variant,
            operation=operation,
            folder=self.paths.checkpoint(node),
            parent=parent and parent.variant,
            teacher=teacher and teacher.variant,
            origin=graph.origin(node),
            text={language: graph.text(node)[language] for language in graph.text_languages(node)},
            settings={k: v for k, v in graph.settings(node).items() if k not in apart},
            scored_as=sorted(names, key=lambda name: (name != node.variant, name)),
        )

    def _source(self, used: str, name: str, language: str) -> CardSource:
        config = self.graph.config
        source, invented = source_of(config, name, language), "invented" in config["data"]
        where = source.get("hub") or source.get("url") or f"files of this experiment ({name})"
        return CardSource(
            used=f"{used}, {config['languages'][language]['name']}",
            name="invented by monoglot" if invented else where,
            license="none needed" if invented else source.get("license", UNKNOWN),
            hub=source.get("hub"),
            revision=source.get("revision"),
        )


def carded(graph: Graph) -> list[Checkpoint]:
    """Return the checkpoints that have a card: those that adapters are trained on."""
    return sorted(set(_encoder_runs(graph).values()))


def _encoder_runs(graph: Graph) -> dict[Run, Checkpoint]:
    runs = [run for run in graph.runs if not graph.is_baseline(run.variant)]
    return {run: graph.checkpoint(run.model, run.language, run.variant) for run in runs}


def _behind(graph: Graph, node: Checkpoint) -> list[Checkpoint]:
    found: dict[Checkpoint, None] = {}
    for link in (graph.parent(node), graph.teacher(node)):
        if link:
            found |= dict.fromkeys(_behind(graph, link))
    return list(found | {node: None})


def render(spec: CardSpec, records: Iterable[Mapping]) -> str:
    """Return the text of README.md.

    `records` are those of the checkpoint and of the steps behind it, or none where nothing is
    scored. Raises `UserError` if a file is missing or damaged, or no record is of the checkpoint.
    """
    from huggingface_hub import ModelCard

    scores = {
        (run.language, run.variant, run.task): cell for run, cell in collect(records, {}).items()
    }
    own = [found for (_, variant, _), found in scores.items() if variant == spec.variant]
    if scores and not own:
        raise UserError(f"no record is of the variant '{spec.variant}'; a card shows its scores")
    folder = spec.folders[-1]
    tuned = {task: block.get("tuning") for task, block in spec.tasks.items()}
    scored = [(code, task) for code, tasks in spec.test_sources.items() for task in tasks]
    adapters = [
        f"adapters/{language}/{task}/seed{spec.seeds[0]}"
        for language, task in scored[:1]
        if tuned[task] == "adapter"
    ]
    config, trimmed = parsed_config(folder, str(folder)), spec.trim_reports
    card = ModelCard.from_template(
        _metadata(spec, "-".join(folder.parts[-3:]), scores),
        template_str=TEMPLATE.read_text(encoding="utf-8"),
        spec=spec,
        parameters=_said(own[0], "parameters") if own else _parameters(folder),
        hub=next((step.origin["hub"] for step in spec.steps if "hub" in step.origin), None),
        first=next(
            (
                (variant, _said(found, "parameters"))
                for step in spec.steps[:-1]
                for (_, variant, _), found in scores.items()
                if variant in step.scored_as
            ),
            None,
        ),
        config=config,
        in_adapters=FAMILIES[config["model_type"]].in_adapters,
        bytes=sum((folder / name).stat().st_size for name in FILES),
        scored=_score_tables(spec, scores),
        seeds=max((len(found.percent) for found in scores.values()), default=0),
        tuned={tuned.get(task) for _, _, task in scores} - {None},
        untrained=list(map(str.upper, _untrained(spec))),
        # That of the last trimming of the vocabulary.
        trimmed=read_json(trimmed[-1], "trim the vocabulary again") if trimmed else None,
        adapter=next(iter(adapters), None),
        small_sets=_sets_of_texts(spec, scores),
        known=[
            said
            for language, file in spec.overlaps.items()
            for said in said_of(
                language, (row for row in read_overlaps(Path(file)) if row.task in spec.tasks)
            )
        ],
        energy=_energy(folder, spec.country),
        provenance=[read_provenance(folder / PROVENANCE) for folder in spec.folders],
        md=markdown,
        count=_count,
        amount=amount,
    )
    return f"{card}\n"


def _parameters(folder: Path) -> int:
    """Parameters of a masked LM as it was saved, where a tied decoder is stored once."""
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", framework="np") as tensors:
        return sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118


def _said(cell: Cell, key: str) -> Any:
    """Return what the records of a run, all alike, say beside their scores; None if nothing."""
    return next(iter(cell.records.values())).get(key)


def _score_tables(spec: CardSpec, scores: Mapping[Key, Cell]) -> list[dict[str, Any]]:
    """Return a table for each language: the checkpoint and the scored steps before it."""
    tables, untrained = [], set(_untrained(spec))
    for language, name in spec.languages.items():
        tasks = [task for task in spec.tasks if (language, spec.variant, task) in scores]
        own = [scores[language, spec.variant, task] for task in tasks]
        head = [
            f"{markdown(t.upper())}, {METRICS[o.metric].label}"
            for t, o in zip(tasks, own, strict=True)
        ]
        chances = [100 * _said(one, "scores").get("majority", 0) for one in own]
        rows = []
        for variant in (variant for step in spec.steps for variant in step.scored_as):
            found = [scores.get((language, variant, task)) for task in tasks]
            if sized := next(filter(None, found), None):
                name = markdown(variant)
                shown = f"**{name}**" if variant == spec.variant else name
                cells = [str(one) if one else "–" for one in found]
                rows.append([shown, _count(_said(sized, "parameters")), *cells])
        chance = "by chance" if untrained & {*tasks} else "most frequent class"
        rows.append([chance, "–", *(f"{one:.2f}" for one in chances)])
        rows.append(["test examples", "–", *(_said(one, "n_test") or "–" for one in own)])
        if tasks:
            tables.append({"language": name, "head": ["", "parameters", *head], "rows": rows})
    return tables


def _untrained(spec: CardSpec) -> list[str]:
    """Return the tasks that nothing is trained for."""
    return [task for task, block in spec.tasks.items() if not kind_of(block).trained]


def _sets_of_texts(spec: CardSpec, scores: Mapping[Key, Cell]) -> list[dict[str, Any]]:
    """Return the test sets of texts with one label each, whose accuracy has a simple error."""
    return [
        {"task": task.upper(), "language": language, "texts": _said(found, "n_test")}
        for language, tasks in spec.test_sources.items()
        for task in tasks
        if task not in _untrained(spec)
        and LABELS in kind_of(spec.tasks[task]).compares
        and (found := scores.get((language, spec.variant, task)))
        and _said(found, "n_test")
    ]


def _energy(folder: Path, country: str | None) -> Total | None:
    """Return what making the checkpoint in `folder` took.

    None if codecarbon is not installed, or no job says what it used.
    """
    try:
        errors.need("energy")
    except UserError:
        return None
    *_, model, language, variant = folder.parts
    total = making(folder.parents[3], f"{model}/{language}/{variant}", country)
    return None if total.jobs == total.unknown else total


def _count(number: int) -> str:
    """Return a number of parameters in words: `23.1 million`, or `29,595`."""
    return f"{number / 1e6:.1f} million" if number >= 10**6 else f"{number:,}"


def _metadata(spec: CardSpec, name: str, scores: Mapping[Key, Cell]) -> "ModelCardData":
    """Return a card's metadata; `name` is the model's in the index of results.

    Scores are means over seeds, from 0 to 1, with the deviation beside them.
    """
    from huggingface_hub import ModelCardData

    bases = [step.origin["hub"] for step in spec.steps if "hub" in step.origin]
    trained_on = {s.hub for s in spec.sources if s.hub and s.used.startswith("training")}
    distilled = any(step.teacher for step in spec.steps)
    results = [
        _result(spec, language, task, found, metric)
        for language, tasks in spec.test_sources.items()
        for task in tasks
        if (found := scores.get((language, spec.variant, task)))
        for metric in sorted(METRICS, key=lambda name: name != found.metric)
        if all(metric in record["scores"] for record in found.records.values())
    ]
    return ModelCardData(
        language=[code for code in spec.languages if CODE.fullmatch(code)] or None,
        **_license(spec.license),
        base_model=bases[0] if len(bases) == 1 else bases or None,
        pipeline_tag="fill-mask",
        library_name="transformers",
        tags=["monoglot", *(["knowledge-distillation"] if distilled else [])],
        datasets=sorted(trained_on) or None,
        model_name=name,
        eval_results=results or None,
    )


def _license(said: str) -> dict[str, str]:
    """Return a licence as the Hub takes it; its own words stand on the card."""
    name = said.lower()
    if name in LICENSES:
        return {"license": name}
    return {"license": "other", "license_name": re.sub(r"[^a-z0-9.]+", "-", name).strip("-")}


def _result(spec: CardSpec, language: str, task: str, found: Cell, metric: str) -> "EvalResult":
    from huggingface_hub import EvalResult

    source, cell = spec.test_sources[language][task], Cell.of(found.records, metric)
    about: dict[str, Any] = {"seeds": len(cell.percent)} if cell.has_seeds else {}
    if cell.std is not None:
        about["standard_deviation"] = round(cell.std / 100, DECIMALS)
    return EvalResult(
        task_type=kind_of(spec.tasks[task]).on_hub,
        task_name=task,
        dataset_type=source.hub or task,
        dataset_name=source.name,
        dataset_config=language,
        dataset_split="test",
        dataset_revision=source.revision,
        metric_type=METRICS[metric].on_hub,
        metric_name=METRICS[metric].label,
        metric_value=round(float(cell.mean / 100), DECIMALS),
        metric_args=about or None,
    )


# The card of a model that `monoglot trim` made, outside of an experiment.


def render_trimmed(
    name: str,
    source: Path,
    hub: str | None,
    class_name: str,
    sentences: bool,
    report: Mapping[str, Any],
    texts: Iterable[str],
    heldout: Iterable[str],
    loading: Iterable[str],
) -> str:
    """Return the text of the README.md of a model with a vocabulary of some texts.

    Args:
        name: of the model.
        source: folder of the model it was made from, whose card says its licence, if there is one.
        hub: that model's id on the Hub, if it came from there.
        class_name: what loads it.
        sentences: whether sentence-transformers does.
        report: what `trim_folder` returned.
        texts, heldout: names of the files that pieces were counted in and that it reports on.
        loading: lines of Python that load it.
    """
    from huggingface_hub import ModelCard, ModelCardData

    license = _stated_license(source / "README.md")
    uses = (use for end, use in PIPELINES.items() if class_name.endswith(end))
    data = ModelCardData(
        **_license(license),
        base_model=hub,
        pipeline_tag="sentence-similarity" if sentences else next(uses),
        library_name="sentence-transformers" if sentences else "transformers",
        tags=["monoglot"],
        model_name=name,
    )
    card = ModelCard.from_template(
        data,
        template_str=TRIM_TEMPLATE.read_text(encoding="utf-8"),
        name=name,
        base=f"`{hub}`" if hub else "A model of this machine",
        report=report,
        texts=list(texts),
        heldout=list(heldout),
        loading=list(loading),
        license=license,
        md=markdown,
    )
    return f"{card}\n"


def _stated_license(card: Path) -> str:
    """Return the licence in a card's metadata; unknown if there is none or it cannot be read."""
    from huggingface_hub import ModelCard

    try:
        data = ModelCard.load(card, ignore_metadata_errors=True).data.to_dict()
    except Exception:  # of YAML, of the library, of reading
        return UNKNOWN
    said = data.get("license_name") if data.get("license") == "other" else data.get("license")
    return said if isinstance(said, str) else UNKNOWN
