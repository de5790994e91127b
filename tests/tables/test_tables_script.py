"""The two commands, from records on disk to a table on the terminal."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from monoglot.evaluate.records import write_record

ROOT = Path(__file__).parents[2]
SPEC = {
    "model": "m",
    "caption": "Two rows",
    "languages": ["mt"],
    "tasks": ["tc"],
    "rows": [{"variant": "base", "label": "Base"}, {"variant": "kd", "label": "KD"}],
}


def run(script: str, *arguments: str | Path, hash_seed: str = "0") -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, str(ROOT / "scripts" / script), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def write_scores(folder: Path) -> None:
    counts = "n_train n_test n_test_words n_test_words_cut n_words_without_subtoken"
    counts += " adapter_parameters head_parameters parameters_encoder_pooler"
    rest = dict.fromkeys([*counts.split(), "seconds", "peak_memory_bytes"], 1)
    mappings = "errors shared_errors chance versions hardware inputs settings"
    rest |= {key: {} for key in mappings.split()}
    for variant, score in (("base", 0.5), ("kd", 0.25)):
        for seed in (1, 2):
            record = {"model": "m", "language": "mt", "variant": variant, "task": "tc"}
            record |= {"seed": seed, "metric": "accuracy", "score": score, "parameters": 10**6}
            record |= {"scores": {"accuracy": score}, "git_commit": None}
            write_record(folder / variant / "tc" / f"seed{seed}.json", record | rest)


def outputs(folder: Path) -> list[str | Path]:
    return [
        a for form in ("csv", "md", "tex") for a in (f"--out-{form}", folder / f"table1.{form}")
    ]


def make_table(folder: Path, records: list[Path], **options) -> subprocess.CompletedProcess:
    spec = json.dumps(SPEC)
    return run("table.py", "--records", *records, "--spec", spec, *outputs(folder), **options)


def test_from_records_to_the_terminal(tmp_path):
    write_scores(tmp_path / "scores")
    for seed, records in (
        ("1", [tmp_path / "scores"]),
        ("2", sorted((tmp_path / "scores").rglob("*.json"), reverse=True)),
    ):
        done = make_table(tmp_path / seed, records, hash_seed=seed)
        assert (done.returncode, done.stderr) == (0, "")
    for kind in ("csv", "md", "tex"):
        first, second = (tmp_path / seed / f"table1.{kind}" for seed in "12")
        assert first.read_bytes() == second.read_bytes()
    shown = subprocess.run(
        [sys.executable, "-m", "monoglot", "table", tmp_path / "1" / "table1.csv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout
    assert shown.splitlines()[0] == "Two rows"
    assert f"{tmp_path}/1/table1.{{csv,md,tex}}" in shown


def test_retained_scores_from_records(tmp_path):
    write_scores(tmp_path / "scores")
    columns = [{"variant": "base"}, {"variant": "kd"}]
    spec = {"model": "m", "task": "tc", "languages": {"mt": "Maltese"}, "columns": columns}
    arguments = ("--records", tmp_path / "scores", "--spec", json.dumps(spec))
    done = run("table.py", "--kind", "retention", *arguments, *outputs(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "table1.csv").read_text().splitlines()[1] == "mt,Maltese,50.00,25.00,50.0"


def test_a_table_without_records_with_published_numbers(tmp_path):
    (tmp_path / "paper.csv").write_text("row,tc\nepochs,20\n")
    spec = {"tasks": {"tc": {"epochs": 5}}, "rows": ["epochs"]}
    spec["published"] = str(tmp_path / "paper.csv")
    done = run(
        "table.py", "--kind", "hyperparameters", "--spec", json.dumps(spec), *outputs(tmp_path)
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "table1.csv").read_text().splitlines()[1] == "epochs,Epochs,5,20,-15"
    assert "| Epochs           | -15 (20) |" in (tmp_path / "table1.md").read_text()


@pytest.mark.parametrize("kind", ["corpora", "examples", "hyperparameters", "adapters"])
def test_a_bad_block_is_a_line_for_each_fault_and_leaves_nothing(tmp_path, kind):
    done = run("table.py", "--kind", kind, "--spec", "{}", *outputs(tmp_path / "out"))
    assert done.returncode == 1
    first, *faults = done.stderr.removeprefix("error: ").splitlines()
    assert first == f"{len(faults)} faults:" if faults else True
    for fault in faults or [first]:
        assert re.fullmatch(r" *the table: the key '\w+' is missing", fault)
    assert not (tmp_path / "out").exists()


def test_errors_are_one_line_and_leave_nothing(tmp_path):
    done = make_table(tmp_path / "out", [tmp_path / "none.json"])
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_planning_imports_no_heavy_library():
    heavy = ("torch", "transformers", "pandas", "matplotlib", "pyarrow", "scipy", "numpy")
    code = "import sys; from monoglot import figures, tables; tables.kinds(), figures.kinds()"
    code += f"; print(*[name for name in {heavy} if name in sys.modules])"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=False, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("\n", "")
