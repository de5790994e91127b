"""What the tables of each kind need of the graph."""

import pytest
from test_config import DEMO, changed
from test_graph import XLMR_KD

from monoglot.errors import UserError
from monoglot.graph import Checkpoint, Graph, Run
from monoglot.tables.deployment import deployed, deployed_runs


def only(name: str, **table: object) -> Graph:
    """Return the graph of the demo with one table alone."""
    return Graph(DEMO | {"tables": {name: table}})


def columns(*variants: str, **more: str) -> list[dict]:
    return [{"variant": variant, "label": variant} | more for variant in variants]


def test_retention_needs_the_runs_of_one_task():
    both = [*columns("adapted"), *columns("kd", model="mbert")]
    graph = only("kept", kind="retention", model="xlmr", task="sa", columns=both)
    teacher, student = Run("xlmr", "qaa", "adapted", "sa"), Run("mbert", "qaa", "kd", "sa")
    assert graph.needs["kept"].runs == [teacher, student]
    with pytest.raises(UserError, match=r"kept\.score: 'word_f1' is not one of macro_f1"):
        only("kept", kind="retention", model="xlmr", task="sa", columns=both, score="word_f1")


def test_adapters_need_checkpoints_and_no_runs():
    models = [{"model": "xlmr", "label": "X"}]
    graph = only("sizes", kind="adapters", columns=models, rows=columns("base", "kd"))
    assert graph.runs == []
    base, kd = Checkpoint("xlmr", "any", "base"), XLMR_KD
    assert graph.needs["sizes"].checkpoints == [base, kd]
    assert {base, kd, Checkpoint("xlmr", "qaa", "adapted")} <= set(graph.checkpoints)


def test_corpora_need_text_and_for_tokens_the_tokenizer():
    block = {"kind": "corpora", "model": "xlmr", "columns": columns("kd", "base")}
    graph = only("text", **block, languages=["qaa", "qab"])
    assert graph.needs["text"].sets == [("qaa", "text"), ("qab", "text")]
    assert graph.checkpoints == []
    graph = only("text", **block, languages=["qaa", "qab"], tokens=True)
    base = Checkpoint("xlmr", "any", "base")
    assert graph.needs["text"].stores == [(XLMR_KD, "qaa"), (base, "qaa"), (base, "qab")]
    assert graph.checkpoints == [Checkpoint("xlmr", "any", "init")]


def test_examples_need_the_sets_of_tasks_and_hyperparameters_nothing():
    graph = only("three", kind="examples", tasks=["tc", "ner"])
    assert graph.needs["three"].sets == [("qaa", "tc"), ("qaa", "ner")]
    graph = only("four", kind="hyperparameters")
    assert (graph.needs["four"].sets, graph.checkpoints, graph.runs) == ([], [], [])


def test_a_baseline_has_neither_adapters_nor_text():
    config = changed("variants.majority", {"operation": "baseline", "method": "majority"})
    config["tables"]["table5"]["rows"] = columns("majority")
    with pytest.raises(UserError, match=r"table5\.rows: 'majority' is a baseline"):
        Graph(config)
    config["tables"].pop("table5")
    config["tables"]["table2"]["columns"] = columns("majority")
    with pytest.raises(UserError, match="'majority' is made by baseline, from no text"):
        Graph(config)


def test_examples_leave_out_the_tasks_that_a_language_lacks():
    config = changed("languages.qaa.tasks", ["tc", "pos"])
    assert Graph(config).needs["table3"].sets == [("qaa", "tc"), ("qaa", "pos")]
    config["tables"] = {"three": {"kind": "examples", "tasks": ["sa"]}}
    with pytest.raises(UserError, match="three: none of its languages is evaluated on one of its"):
        Graph(config)


def test_deployment_shows_what_tables_of_scores_show():
    config = changed("variants.majority", {"operation": "baseline", "method": "majority"})
    rows = [*columns("base", "majority"), *columns("kd", model="mbert")]
    one = {"model": "xlmr", "rows": rows, "tasks": ["tc"]}
    config["tables"] = {"one": one, "served": {"kind": "deployment"}}
    graph = Graph(config)
    shown = graph.table("served").shown(graph)
    assert [(row.model, row.variant, row.languages) for row in shown] == [
        ("xlmr", "base", ["qaa"]),
        ("mbert", "kd", ["qaa"]),
    ]
    assert {run.variant for run in deployed_runs(graph)} == {"base", "kd"}
    base = Checkpoint("xlmr", "any", "base")
    assert deployed(graph) == [Checkpoint("mbert", "qaa", "kd"), base]
    config["tables"]["served"]["models"] = ["xlmr"]
    assert {run.variant for run in Graph(config).needs["served"].runs} == {"base"}
    config["tables"]["served"]["rows"] = columns("adapted")
    assert {run.variant for run in Graph(config).needs["served"].runs} == {"adapted"}
    del config["tables"]["one"], config["tables"]["served"]["rows"]
    assert Graph(config).needs["served"].runs == []


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"rows": columns("none")}, "served.rows: 'none' is not one of the variants"),
        ({"models": ["bart"]}, "served.models: 'bart' is not one of the models"),
        (
            {"length": 20},
            r"served\.length: 20 is not one of deployment\.lengths, which are 8, 16, 48",
        ),
    ],
)
def test_a_table_of_deployment_that_cannot_be_is_refused(block, message):
    with pytest.raises(UserError, match=message):
        only("served", kind="deployment", **block)
