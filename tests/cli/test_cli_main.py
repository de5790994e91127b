"""The command `monoglot`: its help, its errors and exit statuses, what all commands share."""

import os
import signal
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from monoglot.cli.main import COMMANDS, CONTEXT, LazyGroup, main
from monoglot.cli.terminal import note
from monoglot.errors import UserError
from monoglot.script import InterruptionError

HEAVY = {"torch", "transformers", "adapters", "pandas", "sklearn", "onnxruntime", "snakemake"}
NAMES = [name for _, lines in COMMANDS.values() for name in lines]
MODULES = {f"monoglot.cli.{module}" for module, _ in COMMANDS.values() if module != "main"}


@click.command()
@click.argument("what")
def act(what: str) -> None:
    """Act."""
    note("a note")
    click.echo("the answer")
    faults = {
        "user": UserError("file.yaml: key 'x' is wrong"),
        "disk": OSError(28, "No space left on device", "out"),
        "ctrl-c": KeyboardInterrupt(),
        "saved": InterruptionError("SIGTERM asked training to end: it is saved", signal.SIGTERM),
        "bug": ValueError("a bug"),
    }
    if what == "term":
        signal.raise_signal(signal.SIGTERM)
    if what in faults:
        raise faults[what]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch):
    """Invoke a group with one command, `act`."""
    group = LazyGroup(
        "test",
        sections={"All": ("act", {"act": "Act."})},
        package=__name__,
        context_settings=CONTEXT,
    )
    module = type(sys)("act")
    module.act = act
    monkeypatch.setitem(sys.modules, f"{__name__}.act", module)

    def run(*arguments: str):
        return CliRunner().invoke(group, arguments)

    run.group = group
    return run


def test_help_names_every_command_without_importing_it() -> None:
    seen = "import sys; print(sorted(m for m in sys.modules if '.' not in m or 'cli.' in m))"
    code = f"from monoglot.cli.main import main; main(['--help'], standalone_mode=False); {seen}"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *text, modules = said.stdout.splitlines()
    loaded = set(eval(modules))
    assert all(any(line.strip().startswith(name) for line in text) for name in NAMES)
    assert not loaded & HEAVY
    assert not loaded & MODULES


@pytest.mark.parametrize("name", NAMES)
def test_each_command_has_help_with_examples(name: str) -> None:
    for flag in ("-h", "--help"):
        said = CliRunner().invoke(main, [name, flag], terminal_width=100)
        assert said.exit_code == 0, said.output
        assert f"monoglot {name} " in said.output.split("Example")[1]
        assert "--quiet" in said.output


def test_module_runs() -> None:
    command = [sys.executable, "-m", "monoglot", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.startswith("monoglot 0.")


def test_unknown_command_is_wrong_usage(invoke) -> None:
    said = invoke("atc")
    assert said.exit_code == 2
    assert "No such command" in said.output


def test_names_that_are_not_utf8_are_refused(invoke) -> None:
    said = invoke("act", "caf\udce9")
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr == "error: caf\\xe9: is not UTF-8; give it another name\n"
    assert invoke("act", "café \\xe9").exit_code == 0


def test_fault_of_the_user_is_one_line(invoke) -> None:
    said = invoke("act", "user")
    assert (said.exit_code, said.stdout) == (1, "the answer\n")
    assert said.stderr.splitlines()[-1] == "error: file.yaml: key 'x' is wrong"


def test_colours_are_for_those_who_want_them(invoke, monkeypatch) -> None:
    said = CliRunner().invoke(invoke.group, ["act", "user"], color=True)
    assert "\x1b[31merror:" in said.stderr
    monkeypatch.setenv("NO_COLOR", "1")
    said = CliRunner().invoke(invoke.group, ["act", "user"], color=True)
    assert "\x1b" not in said.stderr


def test_verbose_shows_where_an_error_arose(invoke) -> None:
    said = invoke("act", "user", "-v")
    assert "Traceback (most recent call last)" in said.stderr
    assert said.stderr.splitlines()[-1].startswith("error: file.yaml")


def test_full_disk_is_one_line(invoke) -> None:
    said = invoke("act", "disk")
    assert said.exit_code == 1
    assert said.stderr.splitlines()[-1].startswith("error: out: No space left on device; free")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["completion bash", "--help", "plan --help", "--version"])
def test_full_standard_output_is_named(unbuffered, words) -> None:
    command = [sys.executable, "-m", "monoglot", *words.split()]
    how = {"stderr": subprocess.PIPE, "text": True}
    how["env"] = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        said = subprocess.run(command, stdout=full, **how)
    assert said.returncode == 1
    assert said.stderr.startswith("error: the standard output: No space left on device; free")
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize("words", ["completion bash", "--help"])
def test_closed_pipe_ends_a_command_without_a_word(words) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "monoglot", *words.split()]
    said = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (said.returncode, said.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("encoding", "printed"), [("latin-1", b"\xd7 \\u2192"), ("utf-8", "× →".encode())]
)
def test_what_an_encoding_lacks_is_printed_by_its_number(
    invoke, monkeypatch, encoding, printed
) -> None:
    monkeypatch.setattr(act, "callback", lambda what: click.echo(what))
    said = CliRunner(charset=encoding).invoke(invoke.group, ["act", "× →"])
    assert said.exit_code == 0, said.exception
    assert said.stdout_bytes == printed + b"\n"


def test_a_name_that_the_locale_cannot_tell_is_refused(invoke, monkeypatch) -> None:
    monkeypatch.setattr(os, "fsencode", lambda word: word.encode("ascii", "surrogateescape"))
    said = invoke("act", "caf\udcc3\udca9")
    assert (said.exit_code, said.stdout) == (1, "")
    assert said.stderr.startswith("error: café: cannot be read as the locale says (")


def test_bug_keeps_its_traceback(invoke) -> None:
    assert isinstance(invoke("act", "bug").exception, ValueError)


def test_interruption(invoke) -> None:
    said = invoke("act", "ctrl-c")
    assert said.exit_code == 130
    assert said.stderr.splitlines()[-1] == "interrupted"
    said = invoke("act", "term")
    assert said.exit_code == 143
    assert said.stderr.splitlines()[-1] == "ended by SIGTERM"


def test_what_was_saved_before_the_end_is_said(invoke) -> None:
    said = invoke("act", "saved")
    assert said.exit_code == 143
    assert said.stderr.splitlines()[-1] == "SIGTERM asked training to end: it is saved"


@pytest.mark.parametrize("arguments", [("-q", "act", "x"), ("act", "-q", "x"), ("act", "x", "-q")])
def test_quiet_leaves_out_notes_wherever_it_stands(invoke, arguments) -> None:
    said = invoke(*arguments)
    assert (said.stdout, said.stderr) == ("the answer\n", "")
    assert "a note" in invoke("act", "x").stderr
