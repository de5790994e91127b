"""A task without training in the plan: its records, what it compares with, what is refused."""

from copy import deepcopy

import pytest
from test_config import DEMO

from monoglot.errors import UserError
from monoglot.evaluate import task_schema
from monoglot.experiment import Experiment
from monoglot.graph import Checkpoint, Graph, Run

BITEXT = {"kind": "retrieval", "metric": "bitext_f1", "max_length": 48}
SOURCE = {"format": "parallel", "files": {"source": "a.txt", "target": "b.txt"}}


def grid(source: dict = SOURCE, rows: tuple = ("base", "kd"), **task: object) -> dict:
    """Return the demo with a table of retrieval alone."""
    config = deepcopy(DEMO)
    config["tasks"]["bitext"] = BITEXT | task
    config["data"]["bitext"] = {"default": source}
    table = {"model": "xlmr", "tasks": ["bitext"], "rows": [{"variant": one} for one in rows]}
    return config | {"tables": {"table": table}, "figures": {}, "targets": ["tables"]}


class Cell:
    """What Snakemake reads off a name."""

    model, language, variant, task = "xlmr", "qaa", "kd", "bitext"


def test_it_has_one_record_and_no_adapters():
    experiment = Experiment(grid())
    assert experiment.graph.seeds("kd", "bitext") == DEMO["seeds"][:1]
    assert experiment.graph.seeds("kd", "tc") == DEMO["seeds"]
    assert experiment.untrained_tasks == "bitext"
    assert "bitext" not in experiment.tasks_by("adapter")
    flags = experiment.score_flags(Cell)
    assert "--kind retrieval" in flags
    assert f"--seed {DEMO['seeds'][0]}" in flags
    assert "--other" not in flags
    assert experiment.other_files(Cell) == experiment.sentence_files(Cell) == []
    assert experiment.exported_records(Cell) == []


def test_files_on_vectors_are_those_of_the_model_on_the_hub():
    config = grid()
    config["variants"]["base"] = {"operation": "pretrained", "hub": "some/model"}
    config["variants"]["base"]["revision"] = "a" * 40
    experiment = Experiment(config)
    assert f"--hub some/model --revision {'a' * 40}" in experiment.score_flags(Cell)
    assert experiment.sentence_files(Cell) == []


def test_the_other_variant_is_made_too():
    config = grid(rows=("kd",), targets_from="adapted")
    graph, experiment = Graph(config), Experiment(config)
    other = Checkpoint("xlmr", "qaa", "adapted")
    assert graph.other(Run("xlmr", "qaa", "kd", "bitext")) == other
    assert other in graph.checkpoints
    assert "--other results/demo/models/xlmr/qaa/adapted" in experiment.score_flags(Cell)
    assert len(experiment.other_files(Cell)) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets_from": "nobody"}, "tasks.bitext.targets_from: there is no variant 'nobody'"),
        (
            {"targets_from": "hidden48"},
            "tasks.bitext.targets_from: 'hidden48' makes vectors of 48 dimensions, 'base' of xlmr",
        ),
        ({"metric": "cosine_kept"}, "tasks.bitext.metric: 'cosine_kept' is to the vectors of"),
        ({"epochs": 3}, "tasks.bitext: unknown key 'epochs'"),
        ({"max_length": 4096}, "tasks.bitext.max_length: 4096 is more than the"),
        ({"source": SOURCE | {"files": {s: s for s in ("train", "dev", "test")}}}, "data.bitext.d"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(change, message):
    with pytest.raises(UserError) as refused:
        Graph(grid(**change))
    assert message in str(refused.value)


def test_files_of_another_kind_are_refused():
    config = deepcopy(DEMO)
    config["data"]["tc"]["default"] = SOURCE
    with pytest.raises(UserError, match=r"data\.tc\.default\.files: names source, target; for"):
        Graph(config)


@pytest.mark.parametrize("key", ["rows", "targets_from"])
def test_a_baseline_has_nothing_to_do(key):
    config = grid(
        **({"rows": ("base", "majority")} if key == "rows" else {"targets_from": "majority"})
    )
    config["variants"]["majority"] = {"operation": "baseline", "method": "majority"}
    with pytest.raises(UserError, match="'majority' is a baseline, which has no"):
        Graph(config)


def test_tables_of_adapters_leave_it_out():
    config = grid()
    config["tables"] |= {"how": {"kind": "hyperparameters"}, "use": {"kind": "deployment"}}
    graph, experiment = Graph(config), Experiment(config)
    assert "bitext" not in graph.table("how").spec(graph, experiment.paths)["tasks"]
    assert "bitext" not in graph.table("use").spec(graph, experiment.paths)["tasks"]
    config["tables"]["use"]["tasks"] = ["bitext"]
    with pytest.raises(UserError, match=r"tables\.use\.tasks: 'bitext' has no adapters"):
        Graph(config)


def test_the_schema_asks_of_all_kinds_what_all_need():
    assert set(task_schema()["required"]) == {"kind", "metric", "max_length"}
