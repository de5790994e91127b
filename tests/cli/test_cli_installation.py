"""What the shell completes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from monoglot.cli.main import COMPLETE, main
from tests.cli.conftest import output


def offered(*words: str) -> list[str]:
    """What bash is offered for the last of some words."""
    line = " ".join(["monoglot", *words])
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words)), COMPLETE: "bash_complete"}
    said = CliRunner().invoke(main, env=asked, prog_name="monoglot")
    return [one.partition(",")[2] for one in said.stdout.splitlines()]


def test_commands_and_options():
    assert offered("pl") == ["plan"]
    assert "--slurm" in offered("run", "--")


def test_configurations_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs-of-mine").mkdir()
    (tmp_path / "configured.yaml").touch()
    found = offered("plan", "conf")
    assert found[:3] == ["configs-of-mine/", "configured.yaml", "config.yaml"]
    assert "configs/demo.yaml" in found


def test_targets_are_those_of_the_configuration():
    found = offered("run", "configs/demo.yaml", "t")
    assert found[:3] == ["tables", "table1", "table2"]
    assert offered("run", "configs/demo.yaml", "xlmr/qaa/kd") == ["xlmr/qaa/kd", "xlmr/qaa/kd-init"]
    assert offered("run", "no-such.yaml", "t") == [""]


def test_tables_that_are_finished(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("results/a/tables").mkdir(parents=True)
    Path("results/a/tables/table7.csv").touch()
    assert offered("table", "ta") == ["table7"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_for_their_shells(monoglot, shell, tmp_path):
    script = tmp_path / "script"
    script.write_text(output(monoglot("completion", shell)))
    assert COMPLETE in script.read_text()
    if shutil.which(shell):
        subprocess.run([shell, "-n", script], check=True, env=os.environ)
