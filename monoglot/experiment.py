"""An experiment as the rules see it: what each job reads, what it is told, and what it asks for.

A rule's functions are methods of `Experiment`, so that rules are wiring and nothing else. Planning
reads this module, which therefore imports nothing heavy; it knows nothing of Snakemake either.
"""

import json
import os
import re
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from monoglot.cards import TEMPLATE as CARD_TEMPLATE
from monoglot.cards import CardPlan, carded
from monoglot.checkpoints import FILES as CHECKPOINT_FILES
from monoglot.checkpoints import TOKENIZER_FILES
from monoglot.cluster import memory_mb, minutes, note_run, place, stop_earlier_runs
from monoglot.config import WORKFLOW, adapter_settings, extended, merged_from, source_of
from monoglot.config_schema import TEXT_SETS
from monoglot.data import download
from monoglot.data.download import (
    LocalFile,
    Need,
    needed_sets,
    needs_of,
    needs_of_set,
    pretrained_checkpoints,
)
from monoglot.data.invented import LANGUAGES as INVENTED
from monoglot.evaluate import own_keys
from monoglot.evaluate.task import TuningSettings
from monoglot.figures.blocks import FigureBlock
from monoglot.files import sha256
from monoglot.fingerprint import code_of
from monoglot.gpus import WHOLE, small_job_share, visible
from monoglot.graph import ANY, Checkpoint, Graph
from monoglot.keys import flags
from monoglot.paths import KEPT_FILES as KEPT
from monoglot.paths import ONNX_FILES, Paths, Run
from monoglot.provenance import NAME as PROVENANCE
from monoglot.report.finished_run import NAME as REPORT
from monoglot.report.finished_run import in_use, made_from, reported, templates
from monoglot.sentence_encoders import files_of
from monoglot.standing import (
    claim,
    keep,
    look_over,
    making_again,
    put_back,
    trust_made,
    unclaimed,
)
from monoglot.tables.base import TableBlock
from monoglot.tables.deployment import deployed, deployed_runs
from monoglot.tokens.store import FILES as STORE_FILES
from monoglot.workflow import LOCKS

CHECKPOINT = (*CHECKPOINT_FILES, PROVENANCE)
"""What every operation writes into the folder of its checkpoint."""

STORE = (*STORE_FILES, PROVENANCE)
"""What is written into the folder of a token store."""

ONNX = (*ONNX_FILES, PROVENANCE)
"""What is written into the folder of a checkpoint's ONNX graphs."""

TABLE_FORMATS = ("csv", "md", "tex")
FIGURE_FORMATS = ("pdf", "png", "csv")


Wildcards = Any
"""What Snakemake reads off the name of an output: `model`, `language`, `variant`, `task`, `set`,
`home`, `table` and `figure`, of which a rule's jobs have some."""


class Experiment:
    """A configuration, its graph, and the machine that it is planned on.

    Args:
        config: the configuration, as Snakemake has merged it from `files`.
        files: the configuration files, which paths in them are relative to.
        is_local: whether jobs run on this machine, known only once all rules are read.
        cores: how many cores this run has.

    Raises:
        UserError: the configuration is wrong.
    """

    def __init__(
        self,
        config: dict,
        files: Iterable[str | Path] = (),
        is_local: Callable[[], bool] = lambda: True,
        cores: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.graph = Graph(_with_files_found(extended(merged_from(config, files))))
        self.config = self.graph.config
        self.paths = Paths(self.config["results"])
        self.root: str = self.config["data"]["root"]
        self._is_local, self._cores = is_local, cores
        self._jobs: list[list[str]] = []

    # Names

    def variants_of(self, operation: str) -> str:
        """A wildcard constraint: the variants that an operation makes."""
        return one_of(self.graph.of_operation(operation))

    @property
    def encoders(self) -> str:
        """A wildcard constraint: the variants that have a checkpoint."""
        return one_of([v for v in self.graph.variants if not self.graph.is_baseline(v)])

    @property
    def evaluated(self) -> str:
        """A wildcard constraint: the languages that are evaluated."""
        return one_of(self.graph.evaluated)

    def tasks_by(self, tuning: str) -> str:
        """A wildcard constraint: the tasks that are tuned by `adapter`, or in `full`."""
        tasks = self.config["tasks"].items()
        return one_of([name for name, about in tasks if about.get("tuning") == tuning])

    @property
    def untrained_tasks(self) -> str:
        """A wildcard constraint: the tasks that models are scored on as they are."""
        return one_of([name for name in self.config["tasks"] if not self.graph.is_trained(name)])

    @property
    def homes(self) -> str:
        """A wildcard constraint: what stands for the language in the folder of a checkpoint."""
        return one_of([*self.config["languages"], ANY])

    @property
    def constraints(self) -> dict[str, str]:
        """The wildcard constraints of all rules."""
        keys = {"model": "models", "variant": "variants", "task": "tasks"}
        keys |= {"table": "tables", "figure": "figures"}
        known = {wildcard: one_of(self.config[key]) for wildcard, key in keys.items()}
        return known | {"language": self.homes, "set": one_of(TEXT_SETS)}

    # Jobs

    def script(self, name: str) -> dict[str, str]:
        """Parameters of a rule that runs `scripts/NAME.py`: its path, and what its code says."""
        return {"script": _script(name), "code": code_of(f"scripts/{name}.py")}

    def gpu_script(self, name: str) -> dict[str, str]:
        """As `script`, with the path of the command that waits for the job's share of the GPUs."""
        return self.script(name) | {"on_gpu": _script("on_gpu")}

    def on_cluster(self, rule: str) -> dict[str, object]:
        """Resources of a rule's jobs: memory and time, which grow with each attempt, and place.

        On one machine none of it limits anything.
        """
        return {
            "mem_mb": lambda wildcards, attempt: memory_mb(self.config, rule, attempt),
            "runtime": lambda wildcards, attempt: minutes(self.config, rule, attempt),
        } | place(self.config, rule)

    @cached_property
    def gpus(self) -> list[str]:
        """The GPUs of this machine."""
        return visible()

    @cached_property
    def small_job_share(self) -> int:
        """The share of a GPU, per cent, that a job which trains adapters asks for."""
        return small_job_share() if self.gpus else WHOLE

    def whole_machine(self, wildcards: Wildcards) -> int:
        """All cores of this run; on a cluster, as many as the configuration names a number for."""
        if self._is_local():
            return self._cores() or 1
        return max([1, *(n for n in self.config["deployment"]["threads"] if n != "all")])

    def stop_earlier_runs(self) -> list[str]:
        """Cancel what runs that were killed have left in a cluster's queue, and return it.

        Where another Snakemake holds its locks the queue may have jobs of a run that is alive. Its
        files are not those of this run, or Snakemake would have refused to start.
        """
        locks = list(LOCKS.glob("*.output.lock"))
        return stop_earlier_runs(self._slurm_runs) if len(locks) <= 1 else []

    def look_over(self) -> list[str]:
        """Before a plan: put back what a killed run has lost, and find what was replaced.

        Returns sentences for the user. While another run works on the results, nothing is done.
        """
        results = Path(self.paths.results)
        with unclaimed(results) as free:
            found = (put_back(results), *look_over(results)) if free else ()
        return [said for said in found if said]

    def begin(self, jobs: Iterable[Iterable[str]]) -> str | None:
        """Before the first job: claim the results, and keep what the jobs will make again.

        Returns a sentence on results that took long and are about to be made again, if there are
        any. Raises `UserError` if another run works on the results.

        Args:
            jobs: the outputs of each.
        """
        results = Path(self.paths.results)
        self._claim = claim(results)  # which ends with this process
        self._jobs = [list(map(str, outputs)) for outputs in jobs]
        keep(self._jobs, results)
        return making_again(self._jobs)

    def end(self) -> str | None:
        """After the last job, whatever came of it: put back the old results that have no new ones.

        Returns a sentence on them, if there are any.
        """
        results = Path(self.paths.results)
        back = put_back(results)
        trust_made(results, (file for outputs in self._jobs for file in outputs))
        return back

    def note_run(self, name: str) -> None:
        """Note the name that this run's jobs have in a cluster's queue."""
        note_run(self._slurm_runs, name)

    @property
    def _slurm_runs(self) -> Path:
        return Path(self.paths.results, "unfinished", "slurm_runs.txt")

    # Data

    def raw_files(self, wildcards: Wildcards) -> list[str]:
        """Raw files that a set is read from; missing ones are left to `check_sources` to report."""
        files = self._local_files(wildcards.language, _set_or_task(wildcards))
        return [file for file in files if file in self.invented_files or os.path.isfile(file)]

    @cached_property
    def invented_files(self) -> list[str]:
        """The files of all sets of the invented languages.

        They do not depend on what is needed of them, so that evaluating one language more invents
        nothing again.
        """
        data = self.config["data"]
        if "invented" not in data:
            return []
        languages = [one.code for one in INVENTED if one.code in self.config["languages"]]
        sets = [(one, name) for one in languages for name in [*TEXT_SETS, *self.graph.tasks(one)]]
        sets = [(one, name) for one, name in sets if {one, "default"} & data[name].keys()]
        return sorted({file for one, name in sets for file in self._local_files(one, name)})

    @property
    def invent_flags(self) -> str:
        return flags(self.config["data"].get("invented", {}))

    def raw_root(self, wildcards: Wildcards) -> str:
        """The folder of raw data, as a function: braces in its name are no wildcards."""
        return self.root

    def source(self, wildcards: Wildcards) -> str:
        """Where a set comes from, as YAML on one line."""
        source = source_of(self.config, _set_or_task(wildcards), wildcards.language)
        for key in ("license", "exclude"):  # For cards, and a flag of its own: not for readers.
            source.pop(key, None)
        said = yaml.safe_dump(source, default_flow_style=True, width=10**6, allow_unicode=True)
        return said.strip()

    def task_flags(self, wildcards: Wildcards) -> str:
        task = self.config["tasks"][wildcards.task]
        limits = {f"limit_{split}": number for split, number in task["limit"].items()}
        return flags(own_keys(task) | {"metric": None} | limits)

    def excluded_files(self, wildcards: Wildcards) -> list[str]:
        """Examples of the tasks whose sentences are left out of a text."""
        language = wildcards.language
        tasks = self.graph.excluded(wildcards.set, language)
        return [self.paths.data(language, task) for task in tasks]

    def excluded_flags(self, wildcards: Wildcards) -> str:
        return flags({"exclude": self.excluded_files(wildcards)})

    def tested_files(self, wildcards: Wildcards) -> list[str]:
        """Examples of all tasks that models of a language are tested on."""
        language = wildcards.language
        return [self.paths.data(language, task) for task in self.graph.tested.get(language, [])]

    def tested_tasks(self, wildcards: Wildcards) -> str:
        return flags({"tasks": self.graph.tested.get(wildcards.language, [])})

    def tokenizer_files(self, wildcards: Wildcards) -> list[str]:
        return [f"{self.tokenizer_folder(wildcards)}/{name}" for name in TOKENIZER_FILES]

    def tokenizer_folder(self, wildcards: Wildcards) -> str:
        node = Checkpoint(wildcards.model, wildcards.home, wildcards.variant)
        return self.paths.checkpoint(node)

    def check_sources(self) -> None:
        """Raise `UserError` if what a run would be made from cannot be had."""
        download.check_needs(self._open_needs(), self.root)

    def warnings(self) -> list[str]:
        """What a run would have to download first, or would refuse to start for."""
        return download.warnings(self._open_needs())

    def _open_needs(self) -> list[Need]:
        """What must be at hand for the sets and pretrained checkpoints that do not exist yet."""
        isfile, nodes = os.path.isfile, pretrained_checkpoints(self.graph)
        sets = [one for one in needed_sets(self.graph) if not isfile(self.paths.data(*one))]
        nodes = [node for node in nodes if not isfile(self.paths.checkpoint_files(node)[0])]
        return needs_of(self.graph, sets, nodes)

    def _local_files(self, language: str, name: str) -> list[str]:
        """The raw files on this machine that a set is read from; none for the Hub and the web."""
        needs = needs_of_set(self.config, language, name)
        return [str(need.path) for need in needs if isinstance(need, LocalFile)]

    # Checkpoints

    def node(self, wildcards: Wildcards) -> Checkpoint:
        """The checkpoint that a job makes or scores."""
        return self.graph.checkpoint(wildcards.model, wildcards.language, wildcards.variant)

    def folder(self, wildcards: Wildcards) -> str:
        return self.paths.checkpoint(self.node(wildcards))

    def files(self, wildcards: Wildcards) -> list[str]:
        return self.paths.checkpoint_files(self.node(wildcards))

    def parent_files(self, wildcards: Wildcards) -> list[str]:
        return self._files_of(self.graph.parent(self.node(wildcards)))

    def teacher_files(self, wildcards: Wildcards) -> list[str]:
        return self._files_of(self.graph.teacher(self.node(wildcards)))

    def parent_tokenizer(self, wildcards: Wildcards) -> list[str]:
        """Tokenizer files of the parent; none if there is no parent."""
        parent = self.graph.parent(self.node(wildcards))
        return [f"{self.paths.checkpoint(parent)}/{name}" for name in TOKENIZER_FILES if parent]

    def text_files(self, wildcards: Wildcards) -> list[str]:
        return self._texts(wildcards, "text")

    def heldout_texts(self, wildcards: Wildcards) -> list[str]:
        return self._texts(wildcards, "heldout")

    def text_stores(self, wildcards: Wildcards) -> list[str]:
        """Files of the token stores that a job trains on or counts pieces in."""
        return _in_stores(self._store_folders(wildcards, "text"))

    def validation_stores(self, wildcards: Wildcards) -> list[str]:
        """Files of the token stores that a job is validated on."""
        return _in_stores(self._store_folders(wildcards, "validation"))

    def pretrained_flags(self, wildcards: Wildcards) -> str:
        model = self.config["models"][wildcards.model]
        about = {key: model[key] for key in ("family", "head")}
        return flags(self.graph.origin(self.node(wildcards)) | about)

    def scratch_flags(self, wildcards: Wildcards) -> str:
        """Text, shape and tokenizer of a randomly initialised model."""
        node, model = self.node(wildcards), self.config["models"][wildcards.model]
        settings = self.graph.settings(node)
        found = {"text": self.text_files(wildcards), "family": model["family"]}
        found |= self.graph.shape(node)
        found |= {key: settings[key] for key in ("dropout", "seed")}
        if parent := self.graph.parent(node):
            return flags(found | {"parent": self.paths.checkpoint(parent)})
        if tokenizer := model.get("tokenizer"):
            return flags(found | {"tokenizer": os.path.join(self.root, tokenizer)})
        shares = list(self.graph.text(node).values())
        return flags(found | {"vocab_size": settings["vocab_size"], "shares": shares})

    def operation_flags(self, wildcards: Wildcards) -> str:
        """Parent, teacher and parameters: all that an operation needs which reads no text."""
        return flags(self._links_and_settings(wildcards))

    def validated_flags(self, wildcards: Wildcards) -> str:
        """As `operation_flags`, with the token stores of validation sentences."""
        validation = {"validation": self._store_folders(wildcards, "validation")}
        return flags(self._links_and_settings(wildcards) | validation)

    def train_flags(self, wildcards: Wildcards) -> str:
        """As `validated_flags`, with the token stores to train on and the share of each to use."""
        validation = {"validation": self._store_folders(wildcards, "validation")}
        return flags(self._links_and_settings(wildcards) | self._tokens(wildcards) | validation)

    def trim_flags(self, wildcards: Wildcards) -> str:
        """As `operation_flags`, with the stores to count in, held-out texts, and the report."""
        heldout = {"heldout": self.heldout_texts(wildcards)}
        report = {"report": f"{self.folder(wildcards)}/trim_report.json"}
        found = self._links_and_settings(wildcards) | self._tokens(wildcards)
        return flags(found | heldout | report)

    def training_state(self, wildcards: Wildcards) -> str:
        """Where a training keeps what it needs to go on after it was stopped."""
        return f"{self.paths.results}/unfinished/{self.node(wildcards)}"

    def training_processes(self, wildcards: Wildcards) -> int:
        """As many as the variant says; on this machine no more than there are GPUs, if any."""
        processes = self.graph.settings(self.node(wildcards))["processes"]
        return min(processes, len(self.gpus) or processes) if self._is_local() else processes

    def training_gpus(self, wildcards: Wildcards, threads: int) -> int:
        """One for each process; `--set-threads` makes no more processes, only more threads."""
        return min(threads, self.training_processes(wildcards))

    def training_share(self, wildcards: Wildcards, threads: int) -> int:
        """The share of the GPUs, per cent, that all processes of a training take together."""
        return WHOLE * self.training_gpus(wildcards, threads)

    def _links_and_settings(self, wildcards: Wildcards) -> dict:
        """Folders of parent and teacher, and the parameters that are neither links nor texts.

        Nor `processes`: with more or fewer of them nothing needs to run again.
        """
        node = self.node(wildcards)
        links = {"parent": self.graph.parent(node), "teacher": self.graph.teacher(node)}
        found = {kind: self.paths.checkpoint(link) for kind, link in links.items() if link}
        others = ("parent", "teacher", "text", "processes")
        settings = self.graph.settings(node).items()
        return found | {key: value for key, value in settings if key not in others}

    def _files_of(self, node: Checkpoint | None) -> list[str]:
        return self.paths.checkpoint_files(node) if node else []

    def _texts(self, wildcards: Wildcards, name: str) -> list[str]:
        languages = self.graph.text_languages(self.node(wildcards))
        return [self.paths.data(language, name) for language in languages]

    def _store_folders(self, wildcards: Wildcards, name: str) -> list[str]:
        """The token stores of a set, under the tokenizer of the parent."""
        node = self.node(wildcards)
        tokenizer = self.graph.tokenizer(self.graph.parent(node))
        languages = self.graph.text_languages(node)
        return [self.paths.store(tokenizer, language, name) for language in languages]

    def _tokens(self, wildcards: Wildcards) -> dict[str, list]:
        shares = list(self.graph.text(self.node(wildcards)).values())
        return {"tokens": self._store_folders(wildcards, "text"), "shares": shares}

    # Scores

    def evaluation_flags(self, wildcards: Wildcards) -> str:
        block = self.config["tasks"][wildcards.task]
        own = block | adapter_settings(self.config, wildcards.variant, wildcards.task)
        tuning = {key: own[key] for key in TuningSettings.model_fields}
        run = _named(wildcards, "task") | {"seeds": self.config["seeds"]}
        return flags(run | own_keys(block) | tuning, TuningSettings)

    def score_flags(self, wildcards: Wildcards) -> str:
        """A task that nothing is trained for, the other variant's checkpoint, and files on vectors.

        The latter are those of the folder, or of the Hub, that the weights go back to.
        """
        run = Run(**_named(wildcards, "task"))
        found = _named(wildcards, "task") | own_keys(self.config["tasks"][run.task])
        found["seed"] = self.graph.seeds(run.variant, run.task)[0]
        if other := self.graph.other(run):
            found["other"] = self.paths.checkpoint(other)
        first = self.graph.origin(self.graph.first(self.node(wildcards)))
        if self.sentence_files(wildcards):
            found["files"] = first["folder"]
        return flags(found | {key: first[key] for key in ("hub", "revision") if key in first})

    def other_files(self, wildcards: Wildcards) -> list[str]:
        """Files of the checkpoint that a job compares its own with."""
        return self._files_of(self.graph.other(Run(**_named(wildcards, "task"))))

    def sentence_files(self, wildcards: Wildcards) -> list[str]:
        """Files that say how the model, which a checkpoint was made from, makes vectors of texts.

        Those of a model on the Hub are pinned by its revision and need not be watched.
        """
        folder = self.graph.origin(self.graph.first(self.node(wildcards))).get("folder")
        return [f"{folder}/{name}" for name in files_of(Path(folder), folder)] if folder else []

    def baseline_flags(self, wildcards: Wildcards) -> str:
        settings = own_keys(self.config["tasks"][wildcards.task])
        settings["method"] = self.graph.settings(self.node(wildcards))["method"]
        settings["seed"] = self.graph.seeds(wildcards.variant, wildcards.task)[0]
        return flags(_named(wildcards, "task") | settings)

    def kept_files(self, tuning: str) -> tuple[str, ...]:
        """What is kept of each seed: an adapter with its head, or in `full` a whole model."""
        return KEPT[tuning]

    # Tables and figures

    def block(self, wildcards: Wildcards) -> TableBlock | FigureBlock:
        """The block of the table or figure that a job makes."""
        name = getattr(wildcards, "table", None)
        return self.graph.table(name) if name else self.graph.figure(wildcards.figure)

    def block_kind(self, wildcards: Wildcards) -> str:
        return self.block(wildcards).kind

    def block_inputs(self, wildcards: Wildcards) -> list[str]:
        return self.block(wildcards).inputs(self.graph, self.paths)

    def block_records(self, wildcards: Wildcards) -> list[str]:
        return self.block(wildcards).records(self.graph, self.paths)

    def block_spec(self, wildcards: Wildcards) -> str:
        """The block, with all that the configuration leaves open, as JSON."""
        return _json(self.block(wildcards).spec(self.graph, self.paths))

    def block_labels(self, wildcards: Wildcards) -> dict[str, str]:
        """What Snakemake's own report lists a table or figure by."""
        # Snakemake would look for wildcards in braces.
        caption = self.block(wildcards).caption.translate({ord("{"): "(", ord("}"): ")"})
        kind = "table" if hasattr(wildcards, "table") else "figure"
        return {kind: getattr(wildcards, kind), "caption": caption}

    def table_code(self, wildcards: Wildcards) -> str:
        """The code of the script with one kind: a change in another kind makes no table again."""
        return code_of("scripts/table.py", f"monoglot.tables.{self.block_kind(wildcards)}")

    def figure_code(self, wildcards: Wildcards) -> str:
        return code_of("scripts/figure.py", f"monoglot.figures.{self.block_kind(wildcards)}_figure")

    def figure_sources(self, wildcards: Wildcards) -> str:
        """Names in print and files that a figure is drawn from, as JSON."""
        return _json(self.block(wildcards).sources(self.graph, self.paths))

    # Deployment

    def onnx_folder(self, wildcards: Wildcards) -> str:
        return self.paths.onnx(self.node(wildcards))

    def onnx_files(self, wildcards: Wildcards) -> list[str]:
        return [f"{self.onnx_folder(wildcards)}/{name}" for name in ONNX_FILES]

    def deployment_text(self, wildcards: Wildcards) -> str:
        return self.paths.data(self._deployment_language(wildcards), "heldout")

    def deployment_flags(self, wildcards: Wildcards) -> str:
        text = {"text_language": self._deployment_language(wildcards)}
        return flags(_named(wildcards) | text | self.config["deployment"])

    def exported_records(self, wildcards: Wildcards) -> list[str]:
        runs = self._exported_runs(wildcards)
        return [file for run in runs for file in self.paths.records(run, [self._scored_seed])]

    def exported_adapters(self, wildcards: Wildcards) -> list[str]:
        """What was kept of the adapters, or the whole models, that are exported."""
        return [
            f"{self.paths.results}/adapters/{run}/seed{self._scored_seed}/{name}"
            for run in self._exported_runs(wildcards)
            for name in KEPT[self.config["tasks"][run.task]["tuning"]]
        ]

    def exported_examples(self, wildcards: Wildcards) -> list[str]:
        runs = self._exported_runs(wildcards)
        return [self.paths.data(run.language, run.task) for run in runs]

    def exported_flags(self, wildcards: Wildcards) -> str:
        about = _named(wildcards)
        folder = "/".join(about.values())
        about["tasks"] = [run.task for run in self._exported_runs(wildcards)]
        about |= {"examples": self.exported_examples(wildcards), "seed": self._scored_seed}
        kinds = ("adapters", "scores")
        return flags(about | {kind: f"{self.paths.results}/{kind}/{folder}" for kind in kinds})

    @cached_property
    def _exported(self) -> list[Run]:
        return deployed_runs(self.graph)

    @property
    def _scored_seed(self) -> int:
        return self.config["seeds"][0]

    def _exported_runs(self, wildcards: Wildcards) -> list[Run]:
        """The runs of a variant that are scored after export, one for each task."""
        about = tuple(_named(wildcards).values())
        return [one for one in self._exported if (one.model, one.language, one.variant) == about]

    def _deployment_language(self, wildcards: Wildcards) -> str:
        """Whose held-out text is answered: the checkpoint's language, or the first one for all."""
        language = self.node(wildcards).language
        return self.graph.evaluated[0] if language == ANY else language

    # Targets

    def target_files(self, target: str) -> list[str]:
        """The files of a target: `targets` names them, and `snakemake TARGET` makes them."""
        results = self.paths.results
        if target == "tables":
            return self._tables(target)
        if target == "figures":
            names = self.config["figures"]
            return [f"{results}/figures/{name}.{form}" for name in names for form in FIGURE_FORMATS]
        if target == "deployment":
            # Of what tables of scores and of deployment show.
            runs = self._exported
            scored = {self.paths.onnx_scores(one.model, one.language, one.variant) for one in runs}
            measured = map(self.paths.measurement, deployed(self.graph))
            return [*measured, *sorted(scored), *self._tables(target)]
        if target == "cards":  # of the checkpoints that are scored for tables and figures
            return [f"{self.paths.checkpoint(node)}/README.md" for node in carded(self.graph)]
        return [self.report]

    @property
    def wanted_files(self) -> list[str]:
        """The files of all targets that the configuration names."""
        return [file for target in self.config["targets"] for file in self.target_files(target)]

    def place_of(self, target: str) -> str:
        """A sentence for the end of a run: where the files of a target are."""
        if target == "report":
            return f"The report is {self.report}."
        folder = {"cards": "models"}.get(target, target)
        return f"The {target} are in {self.paths.results}/{folder}."

    def _tables(self, target: str) -> list[str]:
        """Files of the tables that belong to a target."""
        names = [
            n for n in self.config["tables"] if self.graph.table(n).is_made(self.graph, target)
        ]
        folder = f"{self.paths.results}/tables"
        return [f"{folder}/{name}.{form}" for name in names for form in TABLE_FORMATS]

    # Cards

    def card_provenance(self, wildcards: Wildcards) -> list[str]:
        """What each step behind a checkpoint says of itself."""
        return self._card(wildcards).provenance

    def card_records(self, wildcards: Wildcards) -> list[str]:
        """The records that a card shows."""
        return self._card(wildcards).records

    def card_spec(self, wildcards: Wildcards) -> str:
        """What the experiment says of a checkpoint, as JSON."""
        return self._card(wildcards).spec.model_dump_json()

    @property
    def card_template(self) -> str:
        """A hash of the template, which is no Python."""
        return sha256(CARD_TEMPLATE)

    def _card(self, wildcards: Wildcards) -> CardPlan:
        return CardPlan(self.graph, self.paths, self.node(wildcards))

    # The report

    @property
    def report(self) -> str:
        return f"{self.paths.results}/{REPORT}"

    def report_inputs(self) -> list[str]:
        """What the report shows; measurements of deployment only if they are made anyway."""
        shown = [f"{self.paths.results}/{path}" for path in made_from(self._shown)]
        measured = self.target_files("deployment") if self._awaits_deployment else []
        return [*map(os.path.normpath, shown), *measured]

    def report_measured(self) -> list[str]:
        """Measurements that are there and no input: a report should not wait for new ones."""
        if self._awaits_deployment:
            return []
        found = [f"{self.paths.results}/{path}" for path in in_use(self._shown)]
        return [sha256(file) for file in found if os.path.isfile(file)]

    def report_config(self, wildcards: Wildcards) -> str:
        """The whole configuration: the report names models and languages, and prints it."""
        return _json(self.config)

    def report_templates(self) -> list[str]:
        """Hashes of the files that the report is filled into, which are no Python."""
        return [sha256(file) for file in templates()]

    @cached_property
    def _shown(self) -> Graph:
        return reported(self.config)

    @property
    def _awaits_deployment(self) -> bool:
        return "deployment" in self.config["targets"]


def one_of(names: Iterable[str]) -> str:
    """A wildcard constraint that matches exactly these names, or nothing."""
    return "|".join(map(re.escape, names)) or "(?!)"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _named(wildcards: Wildcards, *more: str) -> dict[str, str]:
    return {key: getattr(wildcards, key) for key in ("model", "language", "variant", *more)}


def _in_stores(folders: Iterable[str]) -> list[str]:
    return [f"{folder}/{file}" for folder in folders for file in STORE_FILES]


def _set_or_task(wildcards: Wildcards) -> str:
    """The set that a job reads: a text of a language, or the examples of a task."""
    return getattr(wildcards, "set", None) or wildcards.task


def _script(name: str) -> str:
    return _seen(WORKFLOW / "scripts" / f"{name}.py")


def _with_files_found(config: dict) -> dict:
    """Return `config` with each `published` file as it lies: here, or among the workflow's own."""
    for family in ("tables", "figures"):
        blocks = config.get(family)
        for block in blocks.values() if isinstance(blocks, dict) else ():  # unchecked as yet
            path = block.get("published") if isinstance(block, dict) else None
            if isinstance(path, str) and not os.path.isfile(path) and (WORKFLOW / path).is_file():
                block["published"] = _seen(WORKFLOW / path)
    return config


def _seen(path: Path) -> str:
    """Return a path as the current folder sees it: relative if it lies within.

    So results that are moved together with the workflow are not made again.
    """
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
