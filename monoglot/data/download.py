"""What scripts/download.py does: fetch, say what would be fetched, or check what is there."""

import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path

from monoglot.config import source_of
from monoglot.config_schema import TEXT_SETS
from monoglot.data import hub
from monoglot.data.hub import FILES as MODEL_FILES
from monoglot.data.hub import Repository, UnreachableError, check
from monoglot.data.sources import files_of
from monoglot.errors import UserError, advising, size
from monoglot.files import sha256, whole_file
from monoglot.graph import Checkpoint, Graph

# The list of every downloaded file with its size and hash, for machines without a network.

WEB = "web"


@dataclass(frozen=True, order=True)
class Entry:
    """A file of the Hub or the web, as the manifest lists it.

    Args:
        kind: `models` or `datasets` of the Hub, or `web`.
        id: Hub id, or address.
        revision: commit on the Hub; empty for the web, whose addresses hold it.
        path: in the repository, or, for the web, on this machine.
        size: in bytes; None where only the download will tell.
        sha256: of its bytes, 64 hexadecimal digits; before the download it may be Git's hash (40
            digits), or None.
    """

    kind: str
    id: str
    revision: str
    path: str
    size: int | None
    sha256: str | None

    @property
    def file(self) -> Path:
        """Where the file lies, or will lie: in the Hub's cache, or for the web at its path."""
        if self.kind == WEB:
            return Path(self.path)
        return hub.snapshot(hub.Repository(self.kind, self.id, self.revision)) / self.path


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Write the manifest: the same files, the same bytes."""
    listed = [asdict(entry) for entry in sorted(set(entries))]
    with whole_file(path) as aside:
        aside.write_text(json.dumps({"files": listed}, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Entry]:
    """Return what `write` wrote; raise `UserError` if it is missing or something else."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["files"]
        return [Entry(*(about[field.name] for field in fields(Entry))) for about in listed]
    except FileNotFoundError:
        raise UserError(
            f"{path}: there is no such manifest; `python scripts/download.py` writes it"
        ) from None
    except (ValueError, KeyError, TypeError, OSError):
        raise UserError(
            f"{path}: is not a manifest; `python scripts/download.py` writes it anew"
        ) from None


def check_entry(entry: Entry) -> None:
    """Raise `UserError` if the file is missing, or is not the one of the manifest."""
    where, file = f"{entry.id}: {entry.path}", entry.file
    if not file.is_file():
        raise UserError(f"{where}: {file} is missing; run the download again")
    if (size := file.stat().st_size) != entry.size:
        said = f"has {size} bytes; it must have {entry.size}"
    elif (found := sha256(file)) != entry.sha256:
        said = f"has the hash {found}; it must have {entry.sha256}"
    else:
        return
    raise UserError(f"{where}: {file} {said}, so run the download again")


# What a configuration is made from: files of the Hub, of the web, and of this machine.


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
    needed |= {(code, task) for code, name in [*needed] for task in graph.excluded(name, code)}
    return sorted(needed | {(run.language, run.task) for run in graph.runs})


def pretrained_checkpoints(graph: Graph) -> list[Checkpoint]:
    """Return the checkpoints of the plan that are taken from the Hub or a folder."""
    names = graph.of_operation("pretrained")
    return [node for node in graph.checkpoints if node.variant in names]


def all_needs(graph: Graph) -> list[Need]:
    """Return what every set and every pretrained checkpoint of the plan is made from."""
    return needs_of(graph, needed_sets(graph), pretrained_checkpoints(graph))


def needs_of(
    graph: Graph, sets: Iterable[tuple[str, str]], nodes: Iterable[Checkpoint]
) -> list[Need]:
    """Return what sets (language, name) and pretrained checkpoints are made from.

    Files of this machine are left out where the run invents them itself.
    """
    config, models = graph.config, []
    for node in nodes:
        about, key = graph.origin(node), f"models.{node.model}"
        if "hub" in about:
            repository = Repository("models", about["hub"], about.get("revision"))
            models.append(HubFiles(key, repository, MODEL_FILES))
        else:  # of a folder, the configuration alone
            models.append(LocalFile(f"{key}.folder", Path(about["folder"], "config.json")))
    needs = [need for about in sets for need in needs_of_set(config, *about)]
    if "invented" in config["data"]:
        needs = [need for need in needs if not isinstance(need, LocalFile)]
    return [*models, *needs]


def needs_of_set(config: dict, language: str, name: str) -> list[Need]:
    """Return the files that a set of a language is read from."""
    source = source_of(config, name, language)
    key, files = f"data.{name}.{language}", list(files_of(source))
    if "hub" in source:
        repository = Repository("datasets", source["hub"], source.get("revision"))
        return [HubFiles(key, repository, tuple(path for path, _ in files))]
    root = config["data"]["root"]
    if "url" not in source:
        return [LocalFile(key, Path(os.path.join(root, path))) for path, _ in files]
    return [
        WebFile(key, hub.address(source["url"], path, sha256), Path(root, path), sha256)
        for path, sha256 in files
    ]


def wanted(needs: Iterable[Need]) -> list[Entry]:
    """Return every file of the Hub and the web once; asks the Hub for names, sizes and hashes."""
    found = {}
    for need in needs:
        for file in _wanted_files(need):
            found[file.kind, file.id, file.revision, file.path] = file
    return [found[name] for name in sorted(found)]


def fetch(file: Entry, progress: bool = False) -> Entry:
    """Fetch a file unless it is there and sound; return its line of the manifest.

    Raises `UserError` if it cannot be had, or is not what the Hub lists or the source says.
    """
    if file.kind == WEB:
        about = (file.id, file.file, file.sha256, progress)
        path = hub.renewed(lambda: hub.fetch_url(*about), file.file)
    else:
        repository = Repository(file.kind, file.id, file.revision)
        path = hub.renewed(lambda: hub.fetch(repository, file.path, progress), file.file)
        check(path, file.sha256, f"{repository}: {file.path}")
    return replace(file, size=path.stat().st_size, sha256=sha256(path))


def _wanted_files(need: Need) -> Iterator[Entry]:
    if isinstance(need, WebFile):
        yield Entry(WEB, need.url, "", str(need.path), None, need.sha256)
    elif isinstance(need, HubFiles):
        repository = need.repository
        files = hub.matching(repository, need.names, need.optional)
        weights = [file for file in files if file.path.endswith(".safetensors")]
        if repository.kind == "models" and not weights:
            raise UserError(
                f"{repository}: has no weights as safetensors, and pickle files are not read; "
                f"name a revision that has them as {need.key}.revision"
            )
        for file in files:
            yield Entry(*astuple(repository), file.path, file.size, file.hash)


CONNECT = (
    "either start again where there is a network, or put the files into local folders and name "
    "those in the configuration (data.root and files, models.NAME.folder)"
)


def download(needs: Collection[Need], listing: Path) -> None:
    """Fetch all files that are not there yet, check all, and write the manifest."""
    with advising(UnreachableError, CONNECT):
        files = wanted(needs)
        entries = []
        for number, file in enumerate(files, start=1):
            print(f"[{number}/{len(files)}] {_line(file)}", flush=True)
            entries.append(fetch(file, progress=sys.stderr.isatty()))
    write(listing, entries)
    print(f"{_total(entries)}, all as published; listed in {listing}")
    _say_what_is_local(needs)


def show(needs: Collection[Need]) -> None:
    """Print what `download` would fetch."""
    with advising(UnreachableError, CONNECT):
        files = wanted(needs)
    absent = [file for file in files if not file.file.is_file()]
    for file in files:
        print(f"{'to fetch' if file in absent else 'is there'}  {_line(file)}")
    print(f"to fetch: {_total(absent)}")
    _say_what_is_local(needs)


def check_listing(needs: Collection[Need], listing: Path) -> None:
    """Compare every file with the manifest; no network.

    Raises `UserError` for the first that is missing, changed, or not in the manifest, as a
    configuration that has changed since the download may need more.
    """
    entries = read(listing)
    listed = [(entry.kind, entry.id, entry.revision, entry.path) for entry in entries]
    for need in needs:
        about, names = (), []
        if isinstance(need, WebFile):
            about, names = (WEB, need.url, ""), [str(need.path)]
        elif isinstance(need, HubFiles):
            about = astuple(need.repository)
            names = need.names[:1] if need.optional else need.names
        for name in names:
            if not any(about == one[:3] and hub.fits(one[3], name) for one in listed):
                raise UserError(
                    f"{need.key}: {name} of {about[1]} is not in {listing}; run "
                    "`python scripts/download.py` for this configuration"
                )
    for entry in entries:
        check_entry(entry)
    print(f"{_total(entries)}, all as in {listing}")


def _say_what_is_local(needs: Iterable[Need]) -> None:
    absent = [need for need in needs if isinstance(need, LocalFile) and not need.path.is_file()]
    if absent:
        print(
            f"{len(absent)} files are to be put there by hand, first {absent[0].path} "
            f"({absent[0].key})"
        )


def _line(file: Entry) -> str:
    return f"{size(file.size):>8}  {file.id} {file.path}"


def _total(files: Collection[Entry]) -> str:
    more = "" if all(file.size is not None for file in files) else " and those of unknown size"
    return f"{len(files)} files, {size(sum(file.size or 0 for file in files))}{more}"


# What must be at hand before the first job: files of this machine, of the Hub, of the web.

HUB = "https://huggingface.co"


def check_needs(needs: Sequence[Need], root: str) -> None:
    """Raise `UserError` if something is neither at hand nor to be had; `root` is data.root."""
    absent = [need for need in needs if not at_hand(need)]
    local = [need for need in absent if isinstance(need, LocalFile)]
    if local:
        more = f" (and {len(local) - 1} more files are missing)" if len(local) > 1 else ""
        raise UserError(
            f"{local[0].key}: there is no file {local[0].path}{more}; put it there, or change the "
            f"path or data.root, which is '{root}'"
        )
    wanted = sorted({need.repository.id for need in absent if isinstance(need, HubFiles)})
    if wanted and isinstance(hub.answer(os.environ.get("HF_ENDPOINT", HUB)), str):
        raise UserError(
            f"{len(wanted)} repositories of the Hugging Face Hub ({wanted[0]}, ...) are not in the "
            "cache and the Hub cannot be reached; either connect and start once with a network "
            f"({hub.DOWNLOAD} fetches everything), after which the cache serves them, or put the "
            "files into local folders and name those in the configuration (data.root and files, "
            "models.NAME.folder)"
        )
    web = [need for need in absent if isinstance(need, WebFile)]
    if web and isinstance(hub.answer(web[0].url), str):
        raise UserError(
            f"{web[0].key}: there is no file {web[0].path}, and {web[0].url} cannot be "
            f"reached; either connect and start once with a network ({hub.DOWNLOAD} fetches "
            "everything), or put the file there"
        )


def warnings(needs: Iterable[Need]) -> list[str]:
    """Return, as lines, what a run would have to download first or would stop for."""
    absent = [need for need in needs if not at_hand(need)]
    missing = [need for need in absent if isinstance(need, LocalFile)]
    lines = []
    if missing:
        lines.append(
            f"{len(missing)} raw files are missing, first {missing[0].path} ({missing[0].key}); "
            "the run would stop before its first job"
        )
    remote = {need.key for need in absent if not isinstance(need, LocalFile)}
    if remote:
        lines.append(
            f"{len(remote)} sets or models would have to be downloaded first; {hub.DOWNLOAD} does "
            "it ahead of the run"
        )
    return lines


def at_hand(need: Need) -> bool:
    """Whether all files of a need lie on this machine; their content is checked when it is read."""
    if not isinstance(need, HubFiles):
        return os.path.isfile(need.path)  # no error where a name is too long
    if need.repository.kind == "datasets":
        return hub.at_hand(need.repository, need.names)
    snapshot = hub.snapshot(need.repository)
    return (snapshot / "config.json").is_file() and any(snapshot.glob("model*.safetensors"))
