"""What a configuration is made from: files of the Hub, of the web, and of this machine."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from monoglot.config import source_of
from monoglot.data import web
from monoglot.data.hub import Repository
from monoglot.graph import Checkpoint, Graph
from monoglot.operations.hub_model import FILES as MODEL_FILES

TEXT_SETS = ("text", "validation", "heldout")


@dataclass(frozen=True)
class HubFiles:
    """Names or patterns of files in a repository; `key` says where the configuration asks."""

    key: str
    repository: Repository
    names: tuple[str, ...]

    @property
    def optional(self) -> bool:
        """Whether a name may stand for no file: no model has files of every kind."""
        return self.repository.kind == "models"


@dataclass(frozen=True)
class WebFile:
    """A file of the web: its address, where it is kept, and its hash if that is known."""

    key: str
    url: str
    path: Path
    sha256: str | None


@dataclass(frozen=True)
class LocalFile:
    """A file that someone must put on this machine."""

    key: str
    path: Path


Need = HubFiles | WebFile | LocalFile


def needed_sets(graph: Graph) -> list[tuple[str, str]]:
    """Return (language, set) of all that a checkpoint, score or table of the plan is made from."""
    needed = {
        (language, name)
        for node in graph.checkpoints
        for language in graph.text_languages(node)
        for name in TEXT_SETS
    }
    needed |= {about for needs in graph.needs.values() for about in needs.sets}
    return sorted(needed | {(run.language, run.task) for run in graph.runs})


def pretrained_checkpoints(graph: Graph) -> list[Checkpoint]:
    """Return the checkpoints of the plan that are taken from the Hub or a folder."""
    names = graph.of_operation("pretrained")
    return [node for node in graph.checkpoints if node.variant in names]


def origin(graph: Graph, node: Checkpoint) -> dict[str, str]:
    """Return `hub` and `revision`, or `folder`: the variant's own keys, else the model's."""
    model = graph.config["models"][node.model]
    return graph.settings(node) or {
        key: model[key] for key in ("hub", "revision", "folder") if key in model
    }


def all_needs(graph: Graph) -> list[Need]:
    """Return what every set and every pretrained checkpoint of the plan is made from."""
    return needs_of(graph, needed_sets(graph), pretrained_checkpoints(graph))


def needs_of(
    graph: Graph, sets: Iterable[tuple[str, str]], nodes: Iterable[Checkpoint]
) -> list[Need]:
    """Return what sets (language, name) and pretrained checkpoints are made from.

    Files of this machine are left out where the run invents them itself.
    """
    config = graph.config
    needs = [need for about in sets for need in needs_of_set(config, *about)]
    if "invented" in config["data"]:
        needs = [need for need in needs if not isinstance(need, LocalFile)]
    return [*needs_of_models(graph, nodes), *needs]


def needs_of_models(graph: Graph, nodes: Iterable[Checkpoint]) -> list[Need]:
    """Return the files of pretrained checkpoints: of a local folder, the configuration alone."""
    needs: list[Need] = []
    for node in nodes:
        about, key = origin(graph, node), f"models.{node.model}"
        if "hub" in about:
            needs.append(HubFiles(key, _repository("models", about), MODEL_FILES))
        else:
            needs.append(LocalFile(f"{key}.folder", Path(about["folder"], "config.json")))
    return needs


def needs_of_set(config: dict, language: str, name: str) -> list[Need]:
    """Return the files that a set of a language is read from."""
    source = source_of(config, name, language)
    key = f"data.{name}.{language}"
    if "hub" in source:
        files = tuple(path for path, _ in _files(source))
        return [HubFiles(key, _repository("datasets", source), files)]
    root = config["data"]["root"]
    if "url" not in source:
        return [LocalFile(key, Path(os.path.join(root, path))) for path, _ in _files(source)]
    return [
        WebFile(key, web.address(source["url"], path, sha256), Path(root, path), sha256)
        for path, sha256 in _files(source)
    ]


def _repository(kind: str, about: dict) -> Repository:
    return Repository(kind, about["hub"], about.get("revision"))


def _files(source: dict) -> Iterator[tuple[str, str | None]]:
    """Yield (path, SHA-256 or None) of the files of a source."""
    files = source["files"]
    if isinstance(files, dict):
        for split, path in files.items():
            yield path, source.get("sha256", {}).get(split)
        return
    for file in files:
        yield (file, None) if isinstance(file, str) else (file["path"], file.get("sha256"))
