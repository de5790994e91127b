"""A Snakemake that only prints, so that commands about runs are tested in a moment."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monoglot import workflow
from monoglot.cli.main import main
from monoglot.workflow import PlannedJob

FAKE = """\
import sys
from pathlib import Path
here = Path(__file__).parent
with open(here / "asked", "a") as file:
    print(*sys.argv[1:], file=file)
print((here / "screen").read_text(), end="", flush=True)
sys.exit(int((here / "status").read_text()))
"""


@pytest.fixture
def monoglot(monkeypatch: pytest.MonkeyPatch):
    """Run the command and return what it said."""
    monkeypatch.setenv("COLUMNS", "100")
    return lambda *arguments: CliRunner().invoke(main, arguments)


def output(result: Result, status: int = 0) -> str:
    """Return what a command printed; its exit status must be this one."""
    assert result.exit_code == status, (result.output, result.exception)
    return result.stdout


class FakeSnakemake:
    """What the next Snakemake plans, prints, and ends with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "snakemake.py").write_text(FAKE)
        self.prints("")
        self.jobs: list[PlannedJob] = []

    def prints(self, screen: str, status: int = 0) -> None:
        (self.folder / "screen").write_text(screen)
        (self.folder / "status").write_text(str(status))

    @property
    def started(self) -> bool:
        return (self.folder / "asked").exists()

    @property
    def asked(self) -> list[str]:
        """Its arguments, a line for each time it was started."""
        return (self.folder / "asked").read_text().splitlines()


@pytest.fixture
def snakemake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSnakemake:
    folder = tmp_path / "fake"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    fake = FakeSnakemake(folder)
    command = [sys.executable, "-m", "snakemake"]
    monkeypatch.setattr(workflow, "_child", lambda task, arguments: [*command, *arguments])
    monkeypatch.setattr(workflow, "planned", lambda *_: fake.jobs)
    return fake


@pytest.fixture
def config(tmp_path: Path) -> str:
    """The paper's configuration, with results of its own."""
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: config.yaml\nresults: {tmp_path}/out\n")
    return str(path)
