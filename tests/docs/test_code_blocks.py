"""The code in the documentation: configurations fit, commands exist, Python runs."""

import ast
import doctest
import itertools
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache

import pytest
import yaml
from pages import ROOT, Block, blocks

from monoglot.errors import UserError
from monoglot.graph import Graph

YAML = blocks("yaml")
PYTHON = blocks("python")
TEXT = blocks("")
BASES = ("config.yaml", "configs/ablations.yaml")
"""What a block of the documentation may be laid over: the paper's tables, and its figures."""
MINE = "configs/mine.yaml"
"""How pages call a configuration of the reader's own."""
KEYS = (None, "tables", "figures", "data", "tasks", "variants")
COMMANDS = ("monoglot", "python", "snakemake", "make")
VARIABLE = re.compile(r"[A-Z_]+=\S*")


@pytest.mark.parametrize("block", YAML, ids=str)
def test_configurations_fit_the_papers(block, monkeypatch):
    """A block is a configuration, or what stands under one of its keys."""
    monkeypatch.chdir(ROOT)
    said = yaml.safe_load(block.text)
    faults = []
    for base, key in itertools.product(BASES, KEYS):
        whole = said if key is None else {key: said}
        try:
            Graph({"extends": base} | whole)
            return
        except UserError as error:
            faults.append(f"{key or 'as it is'}, over {base}: {error}")
    pytest.fail("\n".join(faults))


def added_models(block: Block) -> list[str]:
    said = yaml.safe_load(block.text)
    return [m for m, about in said.get("models", {}).items() if about] if "extends" in said else []


@pytest.mark.parametrize("block", [b for b in YAML if added_models(b)], ids=str)
def test_a_whole_configuration_makes_something_of_the_models_that_it_adds(block, monkeypatch):
    monkeypatch.chdir(ROOT)
    made = {node.model for node in Graph(yaml.safe_load(block.text)).checkpoints}
    assert made >= set(added_models(block))


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_compiles(block):
    examples = doctest.DocTestParser().get_examples(block.text)
    ast.parse("".join(example.source for example in examples) or block.text)


PATHS = re.compile(r'"(results/[^"]+)"')
LOADING = [
    block
    for block in PYTHON
    if (paths := PATHS.findall(block.text)) and all("/models/" in path for path in paths)
]
"""Those that need nothing but checkpoints; others have tests of their own."""


@pytest.mark.parametrize("block", LOADING, ids=str)
def test_examples_that_load_a_checkpoint_run(block, tiny_checkpoint, tmp_path, monkeypatch):
    for name in PATHS.findall(block.text):
        shutil.copytree(tiny_checkpoint("xlm-roberta"), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    exec(block.text, {})


def commands(block: Block) -> list[list[str]]:
    """Return the words of each command in a block, without what is set before it."""
    found = []
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True) if line.strip().startswith(COMMANDS) else []
        if words and words[0] in COMMANDS:
            found.append(words)
    return found


RUN = [(block, words) for block in TEXT for words in commands(block)]


@pytest.mark.parametrize(("block", "words"), RUN, ids=lambda value: str(value)[:60])
def test_commands_exist_and_have_their_options(block, words):
    name, *rest = words
    if name == "make":
        targets = [word for word in rest if not VARIABLE.fullmatch(word)]
        makefile = (ROOT / "Makefile").read_text()
        assert all(re.search(rf"^{re.escape(t)}:", makefile, re.MULTILINE) for t in targets)
        return
    command = [name] if name in ("snakemake",) else [name, rest[0]]
    if name == "python" and rest[0] == "-m":
        return
    said = help_of(*command)
    options = [word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)]
    assert [option for option in options if not re.search(rf"(?<![\w-]){option}\b", said)] == []


@pytest.mark.parametrize(("block", "words"), RUN, ids=lambda value: str(value)[:60])
def test_configurations_that_commands_name_exist_or_are_shown(block, words):
    page = block.page.read_text(encoding="utf-8")
    for word in words:
        named = re.fullmatch(r"configs/[\w-]+\.yaml", word) and word != MINE
        if named and not (ROOT / word).exists():
            assert "```yaml" in page, f"{word} is neither in the repository nor on the page"


@cache
def help_of(*command: str) -> str:
    """What a command says of itself."""
    start = {"monoglot": ["-m", "monoglot"], "snakemake": ["-m", "snakemake"], "python": []}
    words = [sys.executable, *start[command[0]], *command[1:], "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_something_to_test():
    assert len(YAML) > 15
    assert len(RUN) > 30
    assert len(LOADING) >= 2
