"""Do tests notice changes to the code? `make mutants` changes it in many small ways and looks.

Each change is tried in a process of its own, forked from one that has the libraries loaded. It runs
only tests that run the changed line, the fastest first, and ends with the first that fails. Which
tests are asked about which module is in `pyproject.toml`; changes that no test can notice, because
they change no behaviour, are in `equivalent.yaml` with the reason.
"""

import argparse
import hashlib
import importlib
import importlib.abc
import importlib.util
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path

import coverage
import pytest
import yaml
from changes import Change, changes_of

ROOT = Path(__file__).parents[2]
KNOWN = Path(__file__).with_name("equivalent.yaml")
CACHE = ROOT / "results" / "mutants"
PYTEST = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist"]
OURS = ("monoglot", "tests", "conftest", "test_", "__main__", "changes")


def in_a_fork(task: Callable[[Path], int], seconds: int, say: Path | None = None) -> int:
    """Run a task in a fork with a folder of its own; return its exit status, below 0 if killed."""
    folder = Path(tempfile.mkdtemp(prefix="mutant"))
    if (child := os.fork()) == 0:
        signal.alarm(seconds)
        said = os.open(say or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(said, stream)
        status = 9
        with suppress(BaseException):
            status = int(task(folder))
        os._exit(status)
    _, status = os.waitpid(child, 0)
    shutil.rmtree(folder, ignore_errors=True)
    return os.waitstatus_to_exitcode(status)


class Watch:
    """A plugin that notes which test runs which lines, and how long it takes."""

    def __init__(self, modules: list[str]) -> None:
        self.measured = coverage.Coverage(data_file=None, include=modules, config_file=False)
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.measured.switch_context(item.nodeid)
        started = time.perf_counter()
        found = yield
        self.seconds[item.nodeid] = time.perf_counter() - started
        self.measured.switch_context("")
        return found

    def lines(self) -> dict[str, dict[str, list[str]]]:
        data = self.measured.get_data()
        return {
            str(Path(file).relative_to(ROOT)): {
                str(line): sorted(filter(None, tests))
                for line, tests in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }


def watched(file: str, modules: list[str], leave_out: str) -> dict:
    """Return what each test of a file runs; it is kept until that file or others it uses change."""
    digest = hashlib.sha256(json.dumps([file, modules, leave_out]).encode())
    tests = (path for path in ROOT.glob("tests/**/*.py") if not path.name.startswith("test_"))
    for path in sorted([*ROOT.glob("monoglot/**/*.py"), *tests, ROOT / file]):
        digest.update(path.read_bytes())
    kept = CACHE / f"{digest.hexdigest()[:16]}.json"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        print(f"Running {file} once, to see which lines its tests run ...", flush=True)
        log = kept.with_suffix(".log")

        def task(folder: Path) -> int:
            watch = Watch([str(ROOT / module) for module in modules])
            watch.measured.start()
            options = [*PYTEST, "-k", f"not ({leave_out})", f"--basetemp={folder}/t"]
            status = pytest.main([*options, file], [watch])
            watch.measured.stop()
            loaded = [name for name in sys.modules if not name.startswith(OURS)]
            found = {"lines": watch.lines(), "seconds": watch.seconds, "loaded": loaded}
            if not status:
                kept.write_text(json.dumps(found))
            return status

        if status := in_a_fork(task, 3600, log):
            sys.exit(f"error: without any change {file} ends with status {status}; see {log}")
    found = json.loads(kept.read_text())
    # Forks to come need not load these.
    for name in found["loaded"]:
        with suppress(Exception):
            importlib.import_module(name)
    return found


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module with its changed code."""

    def __init__(self, change: Change) -> None:
        self.change = change
        name = ".".join(change.file.relative_to(ROOT).with_suffix("").parts)
        self.name = name.removesuffix(".__init__")

    def find_spec(self, name, path, target=None):
        if name == self.name:
            return importlib.util.spec_from_file_location(name, self.change.file, loader=self)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(compile(self.change.code, str(self.change.file), "exec"), module.__dict__)


def outcome(change: Change, seen: list[dict]) -> str:
    """Return `noticed`, `not noticed` or `not run` for a change."""
    seconds: dict[str, float] = {}
    for found in seen:
        lines = found["lines"].get(str(change.file.relative_to(ROOT)), {})
        names = {test for line in change.lines for test in lines.get(str(line), ())}
        for name in found["seconds"] if change.top else names:
            seconds[name] = found["seconds"][name]
    if not seconds:
        return "not run"
    order = sorted(seconds, key=seconds.get)
    limit = int(60 + 5 * sum(seconds.values()))

    def task(folder: Path) -> int:
        sys.meta_path.insert(0, Changed(change))
        return pytest.main([*PYTEST, "-x", f"--basetemp={folder}/t", *order])

    return "not noticed" if in_a_fork(task, limit) == 0 else "noticed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, help="changes to try of each module; all by default")
    parser.add_argument("--seed", default="1", help="of the sample")
    parser.add_argument("modules", nargs="*", help="modules to change; all by default")
    given = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    settings = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutants"]
    plan = {m: files for m, files in settings["tests"].items() if m in (given.modules or [m])}
    modules = list(settings["tests"])
    known = yaml.safe_load(KNOWN.read_text(encoding="utf-8"))
    reasons = {(one["module"], one["was"], one["is"]): one["why"] for one in known}
    counts: dict[str, Counter] = defaultdict(Counter)
    for module, files in plan.items():
        seen = [watched(file, modules, settings["leave_out"]) for file in files]
        found = changes_of(ROOT / module)
        counts[module]["changes"] = len(found)
        random.Random(f"{given.seed} {module}").shuffle(found)
        for change in islice((one for one in found if one.says_something_else), given.sample):
            result = outcome(change, seen)
            if result != "noticed" and (module, *change.difference) in reasons:
                result = "explained"
            counts[module][result] += 1
            if result not in ("noticed", "explained"):
                was, now = change.difference
                print(f"{module}:{change.lines[0]}: {result}\n  - {was}\n  + {now}", flush=True)
        print(f"{module}: {dict(counts[module])}", flush=True)
    total = sum(counts.values(), Counter())
    lost = total["not noticed"] + total["not run"]
    tried = total["noticed"] + total["explained"] + lost
    print(f"{tried} of {total['changes']} changes tried: {total['noticed']} noticed, ", end="")
    print(f"{total['explained']} that change no behaviour, {lost} not noticed")
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main())
