"""What scripts/download.py does: fetch, say what would be fetched, or check what is there."""

import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from monoglot.advice import advising
from monoglot.amounts import size
from monoglot.data import hub_files
from monoglot.data.hub import UnreachableError
from monoglot.downloads import manifest
from monoglot.downloads.needs import HubFiles, LocalFile, Need, WebFile
from monoglot.downloads.wanted import Wanted, fetch, wanted
from monoglot.errors import UserError

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
    manifest.write(listing, entries)
    print(f"{_total(entries)}, all as published; listed in {listing}")
    _say_what_is_local(needs)


def show(needs: Collection[Need]) -> None:
    """Print what `download` would fetch."""
    with advising(UnreachableError, CONNECT):
        files = wanted(needs)
    for file in files:
        print(f"{'is there' if file.file.is_file() else 'to fetch'}  {_line(file)}")
    print(f"to fetch: {_total([file for file in files if not file.file.is_file()])}")
    _say_what_is_local(needs)


def check(needs: Collection[Need], listing: Path) -> None:
    """Compare every file with the manifest; no network.

    Raises `UserError` for the first that is missing, changed, or not in the manifest.
    """
    entries = manifest.read(listing)
    _check_listed(needs, entries, listing)
    for entry in entries:
        manifest.check(entry)
    print(f"{_total(entries)}, all as in {listing}")


def _check_listed(needs: Iterable[Need], entries: list[manifest.Entry], listing: Path) -> None:
    """A configuration that has changed since the download may need more."""
    listed = [(entry.kind, entry.id, entry.revision, entry.path) for entry in entries]
    for need in needs:
        for *about, name in _names(need):
            if not any(about == [*e[:3]] and hub_files.fits(e[3], name) for e in listed):
                raise UserError(
                    f"{need.key}: {name} of {about[1]} is not in {listing}; run "
                    "`python scripts/download.py` for this configuration"
                )


def _names(need: Need) -> Iterator[tuple[str, str, str, str]]:
    if isinstance(need, WebFile):
        yield manifest.WEB, need.url, "", str(need.path)
    elif isinstance(need, HubFiles):
        repository = need.repository
        for name in need.names[:1] if need.optional else need.names:
            yield repository.kind, repository.id, repository.revision, name


def _say_what_is_local(needs: Iterable[Need]) -> None:
    absent = [need for need in needs if isinstance(need, LocalFile) and not need.path.is_file()]
    if absent:
        print(
            f"{len(absent)} files are to be put there by hand, first {absent[0].path} "
            f"({absent[0].key})"
        )


def _line(file: Wanted) -> str:
    return f"{size(file.size):>8}  {file.id} {file.path}"


def _total(files: Collection[Wanted | manifest.Entry]) -> str:
    more = "" if all(file.size is not None for file in files) else " and those of unknown size"
    return f"{len(files)} files, {size(sum(file.size or 0 for file in files))}{more}"
