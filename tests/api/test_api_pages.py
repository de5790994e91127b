"""What docs/api.md and docs/shrink.md tell users to type."""

import inspect
import re
import shlex
from pathlib import Path

import pytest
from tiny_models import TEXTS, tiny
from transformers import AutoModelForMaskedLM, AutoTokenizer

import monoglot
from monoglot.cli.main import CONTEXT, main

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {name: (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("api", "shrink")}
SMALLER = {
    r"40_000": "60",
    r"layers=6": "layers=2",
    r"2048": "32",
    r"312": "16",
    r"100_000": "2",
    r"epochs=10": "epochs=1",
    r", revision=commit": "",
}
"""What of the examples does not fit a tiny model."""


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", PAGES[page], flags=re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


def test_the_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, tokenizer = tiny("xlm-roberta")
    model.save_pretrained("FacebookAI/xlm-roberta-base")
    tokenizer.save_pretrained("FacebookAI/xlm-roberta-base")
    Path("maltese.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    names = {}
    first, chain, refused = blocks("api", "python")
    for block in (first, chain):
        for large, small in SMALLER.items():
            block = re.sub(large, small, block)
        exec(compile(block.replace("size=60", "size=50"), "docs/api.md", "exec"), names)
    assert AutoModelForMaskedLM.from_pretrained("xlmr-maltese").config.vocab_size == 55
    assert len(AutoTokenizer.from_pretrained("xlmr-maltese")) == 55
    assert names["small"].config.hidden_size == 16
    call, said = refused.removeprefix(">>> ").strip().split("\n")
    with pytest.raises(monoglot.UserError) as raised:
        eval(call.replace("300", "18"), {"monoglot": monoglot, "model": model})
    words = said.removeprefix("UserError: ").replace("300", "18")
    assert str(raised.value) == re.sub(r"\b12\b", "4", words)


def test_the_table_has_every_function_with_its_defaults():
    rows = re.findall(r"^\| `(\w+)\((.*?)\)` \|", PAGES["api"], flags=re.MULTILINE)
    assert {name for name, _ in rows} == {name for name in dir(monoglot) if name.islower()}
    for name, given in rows:
        parameters = inspect.signature(getattr(monoglot, name)).parameters
        for word in given.split(", "):
            parameter, _, default = word.partition("=")
            assert parameter in parameters, (name, parameter)
            if default and default != "...":
                assert parameters[parameter].default == eval(default), (name, parameter)


def test_the_commands_are_understood():
    commands = [
        line
        for block in blocks("shrink", "")
        for line in block.replace("\\\n", " ").splitlines()
        if line.startswith("monoglot ")
    ]
    assert len(commands) == 2
    for line in commands:
        _, name, *words = shlex.split(line)
        command = main.get_command(None, name)
        # As the group does; click remembers the first help option that a command was given.
        context = command.make_context(name, words, **CONTEXT)
        assert context.params["revision"]
