"""An operation is added by a module with its entry, a script and a rule, and nothing else."""

import json
import re

import pytest
import yaml
from project_copy import Project

MODULE = '''"""The parent with all weights multiplied by a number."""

from typing import Annotated

from pydantic import Field

from monoglot.operations import OfParent, Operation
from monoglot.keys import Number


class ScaleWeights(OfParent):
    """Parameters of `scale_weights`."""

    factor: Annotated[Number, Field(gt=0)] = 0.5
    """What weights are multiplied by."""


OPERATION = Operation(
    name="scale_weights",
    parameters=ScaleWeights,
    done="smaller weights",
    summary="all weights multiplied by a number",
)


def scale_weights(model, factor):
    """Return `model` with its weights multiplied, in place."""
    import torch

    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(factor)
    return model
'''
SCRIPT = '''"""Make a checkpoint with scaled weights out of its parent."""

from pathlib import Path

from monoglot import provenance, script
from monoglot.operations.scale_weights import ScaleWeights
from monoglot.keys import add_flags, from_flags


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument("--parent", type=Path, required=True, help="checkpoint to start from")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    add_flags(parser, ScaleWeights)
    args = parser.parse_args()
    settings = from_flags(ScaleWeights, args, parent=str(args.parent))

    with script.loading():
        from monoglot.checkpoints import load_model, save_checkpoint
        from monoglot.operations.scale_weights import scale_weights

    with provenance.of_folder(__file__, args, [args.parent]):
        model = scale_weights(load_model(args.parent), settings.factor)
        save_checkpoint(model, args.parent, args.out)


if __name__ == "__main__":
    script.run(main)
'''
GRID = {
    "extends": "configs/demo.yaml",
    "results": "results/new",
    "targets": ["tables", "cards", "report"],
    "data": {"root": "results/new/raw"},
    "seeds": [1],
    "resources": {"scale_weights": {"memory": 3}},
    "models": {"mbert": None},
    "tasks": {"pos": None, "tc": None, "ner": None, "sa": {"epochs": 1}},
    "variants": {"scaled": {"operation": "scale_weights", "parent": "init", "factor": 0.25}},
    "tables": {
        **{f"table{number}": None for number in (2, 3, 4, 5, 6)},
        "table1": {
            "baseline": "init",
            "rows": [{"variant": "init", "label": "Init"}, {"variant": "scaled", "label": "Half"}],
        },
    },
}
CHECKPOINT = "results/new/models/xlmr/any/scaled"


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Project:
    """A copy of the project with exactly these files: a module, a script, a rule."""
    project = Project(tmp_path_factory.mktemp("new") / "project")
    (project.folder / "monoglot/operations/scale_weights.py").write_text(MODULE)
    (project.folder / "scripts/scale_weights.py").write_text(SCRIPT)
    rules = project.folder / "rules/checkpoints.smk"
    text = rules.read_text(encoding="utf-8")
    rule = re.search(r"^rule select_layers:.*?(?=\n\n\n)", text, re.MULTILINE | re.DOTALL)[0]
    new = rule.replace("select_layers", "scale_weights")
    rules.write_text(f"{text}\n\n{new}\n", encoding="utf-8")
    (project.folder / "configs/new.yaml").write_text(yaml.safe_dump(GRID))
    return project


def run(project: Project, *arguments: str) -> str:
    done = project.snakemake("--configfile", "configs/new.yaml", *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_its_parameters_are_checked(extended):
    spoilt = GRID | {"variants": {"scaled": GRID["variants"]["scaled"] | {"factro": 2}}}
    (extended.folder / "configs/spoilt.yaml").write_text(yaml.safe_dump(spoilt))
    found = extended.snakemake("--configfile", "configs/spoilt.yaml", "--dry-run")
    assert found.returncode != 0
    assert "variants.scaled: unknown key 'factro'; known keys are factor, parent" in found.stdout


def test_it_is_planned_and_its_resources_can_be_set(extended):
    plan = run(extended, "--dry-run")
    assert re.search(r"^scale_weights +1$", plan, re.MULTILINE)
    assert re.search(r"^rule scale_weights:.*?mem_mb=3000", plan, re.MULTILINE | re.DOTALL)


def test_it_runs_into_a_table_a_card_and_the_report_and_is_not_run_again(extended):
    run(extended, "--cores", "2")
    made = json.loads((extended.folder / CHECKPOINT / "provenance.json").read_text())
    assert made["arguments"]["factor"] == 0.25
    table = (extended.folder / "results/new/tables/table1.csv").read_text()
    assert "scaled" in table
    card = (extended.folder / CHECKPOINT / "README.md").read_text(encoding="utf-8")
    assert "smaller weights" in card
    assert "factor" in card
    report = (extended.folder / "results/new/report.html").read_text(encoding="utf-8")
    assert "all weights multiplied by a number" in report
    assert "Nothing to be done" in run(extended, "--dry-run")


def test_a_change_of_its_module_runs_it_again_and_what_hangs_below(extended):
    extended.edit("monoglot/operations/scale_weights.py", "weight.mul_(factor)", "weight.mul_(2)")
    plan = run(extended, "--dry-run")
    rules = set(re.findall(r"^(\w+) +\d+$", plan, re.MULTILINE)) - {"total", "all", "tables"}
    assert rules == {"scale_weights", "evaluate", "table", "card", "report"}
