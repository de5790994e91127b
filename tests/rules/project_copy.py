"""A copy of the project that tests may edit, and what Snakemake plans there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEMO = "configs/demo.yaml"
PARTS = ("Snakefile", "config.yaml", "configs", "rules", "scripts", "schemas", "monoglot")
PARTS += ("profiles", "envs", "resources", "README.md")
MADE = re.compile(r"(models|scores|tables|tokens|data)/(\S+)")


class Project:
    """A copy of the project that tests may edit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, folder / part, symlinks=True)
            else:
                shutil.copy2(ROOT / part, folder / part)

    def snakemake(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        """Run Snakemake in the copy and return what it printed."""
        return self.run(sys.executable, "-m", "snakemake", *arguments, **variables)

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess:
        """Run a command in the copy, which finds the copy's package."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": ""} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self) -> None:
        """Let every output of the demo exist, and let Snakemake take it for its own work."""
        listed = self.snakemake("--configfile", DEMO, "--summary").stdout.splitlines()
        for line in listed:
            name = line.split("\t")[0]
            if name.startswith("results/"):
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name).touch()
        done = self.snakemake("--configfile", DEMO, "--cores", "1", "--touch", "--forceall")
        assert done.returncode == 0, done.stdout

    def planned(self, config: str = DEMO) -> set[str]:
        """Return what a dry run would make: `models/...`, `scores/...`, `tables/...` folders."""
        return self.plan(config)[0]

    def plan(self, config: str = DEMO) -> tuple[set[str], set[str]]:
        """Return what a dry run would make, as `planned` does, and the rules of its jobs."""
        plan = self.snakemake("--configfile", config, "--dry-run")
        assert plan.returncode == 0, plan.stdout
        outputs = re.findall(r"^    output: (.*)$", plan.stdout, flags=re.MULTILINE)
        made = {
            str(Path(kind, name.rstrip(",")).parent) if kind != "tables" else f"tables/{name}"
            for kind, name in MADE.findall(" ".join(outputs))
        }
        rules = re.findall(r"^(?:local)?rule (\w+):$", plan.stdout, flags=re.MULTILINE)
        return made, set(rules) - {"all"}

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text of a file; it must be there."""
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        (self.folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    def edit_code(self, old: str, new: str) -> None:
        """Replace text of the library or a script, in whichever file has it; just one may."""
        files = [*(self.folder / "monoglot").rglob("*.py"), *(self.folder / "scripts").glob("*.py")]
        found = [file for file in files if old in file.read_text(encoding="utf-8")]
        assert len(found) == 1, f"{len(found)} files have {old!r}"
        self.edit(str(found[0].relative_to(self.folder)), old, new)
