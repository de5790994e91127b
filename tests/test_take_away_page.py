"""What docs/take-away.md tells users to run, run on a small results folder."""

import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from monoglot.cli.main import main
from monoglot.config import complete
from monoglot.evaluate.evaluation import evaluate
from monoglot.evaluate.task import Names, TuningSettings
from monoglot.evaluate.task_classification import Classification
from monoglot.evaluate.task_tagging import Tagging

ROOT = Path(__file__).parents[1]
PAGE, _ = (ROOT / "docs" / "take-away.md").read_text(encoding="utf-8").split("## What it costs")
"""The page without its part on deployment."""
PLACE = "xlmr/mt/hidden312-vocab40k"
SETTINGS = {
    **{"reduction_factor": 2, "learning_rate": 1e-2, "batch_size": 8, "epochs": 1},
    **{"max_length": 32, "weight_decay": 0.0, "warmup": 0.0, "checkpoint": "last"},
    **{"label_subtokens": "all", "seeds_affect": "everything"},
}
EXAMPLES = {
    "tc": (
        Classification(labels=["animal", "place"], metric="macro_f1").named("tc"),
        {"text": ["kelb", "belt"] * 2, "label": ["animal", "place"] * 2},
    ),
    "ner": (
        Tagging(labels=["PER", "LOC"], metric="word_f1", scheme="iob2").named("ner"),
        {"tokens": [["kelb"], ["belt"]] * 2, "tags": [["B-PER"], ["B-LOC"]] * 2},
    ),
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def results(tiny_checkpoint, tmp_path, monkeypatch) -> Path:
    """Fill a results folder as the page's checkpoint and its adapters would."""
    monkeypatch.chdir(tmp_path)
    checkpoint = tmp_path / "results" / "models" / PLACE
    shutil.copytree(tiny_checkpoint("xlm-roberta"), checkpoint)
    for name, (task, columns) in EXAMPLES.items():
        file = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({"split": ["train", "train", "test", "test"], **columns}), file)
        out, keep = (tmp_path / "results" / part / PLACE / name for part in ("scores", "adapters"))
        settings, names = TuningSettings(**SETTINGS), Names(*PLACE.split("/"))
        evaluate(checkpoint, file, task, settings, [1], names, out, keep)
    return tmp_path / "results"


def test_the_code_runs(results, capsys):
    *local, pushed = blocks("python")
    space: dict = {}
    for block in local:
        exec(block, space)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3
    assert printed[1] in ("animal", "place")
    assert set(re.findall(r"'([^']+)'", printed[2])) <= {"O", "B-PER", "I-PER", "B-LOC", "I-LOC"}
    assert "me/xlmr-maltese" in pushed


def test_the_dry_run_shows_the_adapters(results):
    card = results / "models" / PLACE / "README.md"
    card.write_text("---\nlanguage: mt\n---\n\n# A card\n")
    commands = [line.split()[1:] for line in PAGE.splitlines() if line.startswith("monoglot push")]
    dry, real = commands
    done = CliRunner().invoke(main, dry)
    assert done.exit_code == 0, done.output
    assert "model.safetensors" in done.output
    done = CliRunner().invoke(main, [*real, "--dry-run"])
    assert "adapters/mt/ner/seed1/adapter.safetensors" in done.output


def test_the_licences_are_keys_of_a_configuration():
    (block,) = blocks("yaml")
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    more = yaml.safe_load(block)
    config["models"]["xlmr"] |= more["models"]["xlmr"]
    config["data"]["tc"]["default"] |= more["data"]["tc"]["default"]
    assert complete(config)["models"]["xlmr"]["license"] == "mit"
