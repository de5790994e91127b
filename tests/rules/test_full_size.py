"""The paper's grid at true size with random weights: real tensors, tokenizers and jobs.

Marked `slow`: `make test-slow` runs it, within an hour on two free cores, with 8.2 GB of memory
and 8 GB of disk. `tests/test_sizes.py` checks the same numbers without weights.
"""

import csv
import json
import os
import shutil
from math import prod
from pathlib import Path

import pytest
from exact_sizes import ADAPTERS, PARAMETERS
from project_copy import ROOT, Project
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import AutoModelForMaskedLM

from monoglot.checkpoints import count_parameters

DATA = Path(os.environ.get("MONOGLOT_DATA", ROOT.parent / "shared" / "data"))
CONFIG = "configs/full-size.yaml"
TABLES = {"mbert": "table6", "xlmr": "table1"}
REDUCTIONS = {
    "mbert": [0, 0, -24, -29, -50, -75, -60, -80, -73, -87],
    "xlmr": [0, 0, -15, -19, -41, -84, -53, -87, -68, -92],
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_data,
    pytest.mark.skipif(not (DATA / "tokenizers").is_dir(), reason=f"{DATA} has no tokenizers"),
]


@pytest.fixture(scope="module", params=TABLES)
def road(request, tmp_path_factory):
    """Run one family's whole grid; return the model's name and the results."""
    project = Project(tmp_path_factory.mktemp(request.param) / "project")
    results = project.folder / "results" / "full-size"
    table = f"results/full-size/tables/{TABLES[request.param]}.csv"
    settings = ("--config", f"data={{'root': '{DATA}'}}")
    run = project.snakemake("--cores", "1", "--configfile", CONFIG, *settings, "--", table)
    assert run.returncode == 0, run.stdout
    yield request.param, results
    shutil.rmtree(results)


def checkpoint(road, row):
    model, results = road
    return results / "models" / model / ("any" if row == "base" else "mt") / row


def shape_of(folder):
    config = json.loads((folder / "config.json").read_text())
    return config["hidden_size"], config["num_hidden_layers"]


def test_the_table_prints_exact_sizes(road):
    model, results = road
    with open(results / "tables" / f"{TABLES[model]}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["row"]: int(row["parameters"]) for row in rows} == PARAMETERS[model]
    sizes = [round(parameters / 1e6) for parameters in PARAMETERS[model].values()]
    assert [int(row["size_millions"]) for row in rows] == sizes
    assert [int(row["reduction_percent"]) for row in rows] == REDUCTIONS[model]


def test_the_weights_on_disk_are_that_many_numbers(road):
    for row, parameters in PARAMETERS[road[0]].items():
        with safe_open(checkpoint(road, row) / "model.safetensors", framework="pt") as file:
            stored = sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
        assert stored == parameters, row


def test_adapters_have_the_size_of_table_5(road):
    """Topic adapters of the hidden-size rows have a reduction factor of 2, the others 16."""
    model, results = road
    for row in PARAMETERS[model]:
        record = json.loads((results / f"scores/{model}/mt/{row}/tc/seed1.json").read_text())
        factor = 2 if row.startswith("hidden") else 16
        assert record["settings"]["reduction_factor"] == factor
        assert record["adapter_parameters"] == ADAPTERS[shape_of(checkpoint(road, row))][factor]


@pytest.mark.parametrize("row", ["hidden564-vocab40k", "hidden456-vocab40k", "hidden312-vocab40k"])
def test_trimmed_checkpoints_load_with_stock_classes(road, row):
    folder = checkpoint(road, row)
    assert Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size() == 40_005
    model = AutoModelForMaskedLM.from_pretrained(folder)
    assert count_parameters(model) == PARAMETERS[road[0]][row]
