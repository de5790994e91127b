"""Old results in runs of the real Snakemake: what was replaced, and what a run would replace."""

import hashlib
import json
import os
import sys

import pytest
from project_copy import DEMO

TRAINED = "results/demo/models/xlmr/any/base"
FAILING = {
    "fails": "sys.exit(1)",
    "is killed": "os.kill(int(os.environ['MONOGLOT_STARTED_BY'].split()[0]), 9); time.sleep(600)",
}


def as_they_are(folder) -> dict[str, tuple]:
    found = {file: file.stat() for file in folder.iterdir()}
    return {file.name: (seen.st_size, seen.st_mtime_ns) for file, seen in found.items()}


@pytest.mark.parametrize("how", FAILING)
def test_a_run_with_other_settings_that_ends_early_loses_nothing(project, how):
    script = (project.folder / "scripts" / "train.py").read_text(encoding="utf-8")
    failing = script.replace(
        "    parser = ", f"    import os, sys, time; {FAILING[how]}\n    parser = ", 1
    )
    before = as_they_are(project.folder / TRAINED)
    (project.folder / TRAINED / "provenance.json").write_text('{"seconds": 7200}')
    os.utime(project.folder / TRAINED / "provenance.json", ns=(before["config.json"][1],) * 2)
    before = as_they_are(project.folder / TRAINED)

    project.edit("scripts/train.py", script, failing)
    project.edit(DEMO, "steps: 2000", "steps: 92000")
    target = f"{TRAINED}/model.safetensors"
    run = project.snakemake("--configfile", DEMO, "--cores", "1", target)
    assert run.returncode
    assert (
        f"note: results that took 2 h are made again: {TRAINED}; each old one stays" in run.stdout
    )
    project.edit("scripts/train.py", failing, script)

    # Still to be made as the new settings say, and there as the old ones said.
    planned, _ = project.plan()
    assert "models/xlmr/any/base" in planned
    project.edit(DEMO, "steps: 92000", "steps: 2000")
    assert project.planned() == set()
    assert as_they_are(project.folder / TRAINED) == before


def test_a_record_replaced_by_one_as_old_makes_its_tables_again(project):
    results = project.folder / "results" / "demo"
    record = next(results.glob("scores/*/*/base/*/seed1.json"))
    table = results / "tables" / "table1.provenance.json"
    nothing = hashlib.sha256(b"").hexdigest()
    read = os.path.relpath(record, table.parent)
    _write(table, json.dumps({"inputs": {read: nothing}, "outputs": {"table1.csv": nothing}}))
    assert project.planned() == set()
    _write(record, "{}")
    plan = project.snakemake("--configfile", DEMO, "--dry-run")
    assert f"note: {record.relative_to(project.folder)} was replaced or damaged" in plan.stdout
    assert "tables/table1.md," in project.planned()


def test_a_second_checkout_keeps_off_the_results(project):
    shared = f"results={project.folder / 'shared'}"
    (project.folder / "shared").mkdir()
    code = (
        "import subprocess, sys\n"
        "from pathlib import Path\n"
        "from monoglot.standing import claim\n"
        f"held = claim(Path({str(project.folder / 'shared')!r}))\n"
        "sys.exit(subprocess.run(sys.argv[1:]).returncode)\n"
    )
    run = project.run(
        sys.executable, "-c", code, sys.executable, "-m", "snakemake",
        "--configfile", DEMO, "--cores", "1", "--config", shared,
    )  # fmt: skip
    assert run.returncode
    assert "shared: another run works on these results (process " in run.stdout
    assert not (project.folder / "shared" / "models").exists()


def _write(file, text: str) -> None:
    before = file.stat()
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
