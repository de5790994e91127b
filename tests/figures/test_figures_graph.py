"""What figures need of the graph, and which of them are refused."""

import pytest
from test_config import DEMO, changed

from monoglot.errors import UserError
from monoglot.graph import Checkpoint, Graph, Run

CURVES = {"kind": "curves", "lines": [{"variant": "kd", "label": "KD"}]}
SCORES = {
    "kind": "scores",
    "task": "tc",
    "x_label": "pieces",
    "lines": [{"label": "trimmed", "points": [{"variant": "hidden24-vocab400", "x": 400}]}],
    "references": [{"variant": "hidden24", "label": "untrimmed"}],
}
DROP = {"kind": "drop", "points": [{"teacher": "adapted", "student": "kd"}]}


def with_figure(figure: dict, **other: object) -> dict:
    return changed("figures", {"f": figure | other})


def alone(figure: dict, **other: object) -> Graph:
    """The graph of a configuration with one figure and no table."""
    return Graph(with_figure(figure, **other) | {"tables": {}})


def variants(graph: Graph, model: str = "xlmr") -> set[str]:
    return {node.variant for node in graph.checkpoints if node.model == model}


def test_a_curve_needs_its_checkpoint_with_all_it_is_made_from_and_no_scores():
    graph = alone(CURVES, models=["xlmr"])
    assert variants(graph) == {"init", "base", "adapted", "kd-init", "kd"}
    assert graph.runs == []
    assert variants(graph, "mbert") == set()


def test_scores_need_runs_of_points_and_references_on_one_task():
    graph = alone(SCORES, models=["mbert"])
    names = ("hidden24", "hidden24-vocab400")
    assert graph.runs == [Run("mbert", "qaa", name, "tc") for name in names]


def test_a_drop_needs_teacher_and_student_on_all_tasks():
    runs = alone(DROP).runs
    assert len(runs) == 2 * 2 * 4
    assert {run.variant for run in runs} == {"adapted", "kd"}


def test_published_numbers_need_nothing():
    graph = alone(DROP, published="resources/paper/tables_1_and_6.csv", volumes={"qaa": 1})
    assert graph.runs == graph.checkpoints == []


def test_figures_add_to_what_tables_need():
    plain, more = Graph(DEMO), Graph(with_figure(CURVES))
    assert more.checkpoints == plain.checkpoints
    assert more.runs == plain.runs
    assert Graph(DEMO).figure_needs == {}


def test_a_curve_of_an_alias_is_that_of_its_parent():
    config = with_figure(CURVES, lines=[{"variant": "other", "label": "KD"}])
    by_model = {"by_model": {"mbert": "kd", "xlmr": "hidden48"}}
    config["variants"]["other"] = {"operation": "alias", "parent": by_model}
    graph = Graph(config)
    found = graph.figure("f").histories(graph)
    assert found["mbert/qaa/other"] == Checkpoint("mbert", "qaa", "kd")
    assert found["xlmr/qaa/other"] == Checkpoint("xlmr", "qaa", "hidden48")


def test_teachers_of_a_part_of_the_text_are_told_apart():
    config = with_figure(DROP, points=[{"teacher": "part", "student": "kd"}])
    text = {"by_language": {"qaa": {"qaa": 0.25}}}
    part = config["variants"]["adapted"] | {"text": text}
    config["variants"]["part"] = part
    graph = Graph(config)
    (node, _) = graph.figure("f").teachers(graph).values()
    assert graph.text(node) == {"qaa": 0.25}


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (CURVES | {"kind": "pie"}, r"figures\.f\.kind: 'pie' must be one of curves, drop, scores"),
        ({"lines": []}, r"figures\.f: the key 'kind' is missing"),
        (CURVES | {"task": "tc"}, r"figures\.f: unknown key 'task'"),
        (CURVES | {"models": ["gpt"]}, r"figures\.f\.models: 'gpt' is not one of the models"),
        (
            CURVES | {"languages": ["qab"]},
            r"'qab' is not one of the evaluated languages; these are",
        ),
        (CURVES | {"column": "step"}, r"column: 'step' must be one of validation_accuracy"),
        (
            CURVES | {"lines": [{"variant": "kdd", "label": "x"}]},
            r"f\.lines: 'kdd' is not one of the v",
        ),
        (
            CURVES | {"lines": [{"variant": "kd-init", "label": "x"}]},
            r"f\.lines: 'kd-init' is made by select_layers, which trains nothing; name a",
        ),
        (
            CURVES | {"lines": [CURVES["lines"][0], {"variant": "hidden48", "label": "KD"}]},
            r"f\.lines: the label 'KD' appears twice; rename one",
        ),
        (SCORES | {"task": "qa"}, r"figures\.f\.task: 'qa' is not one of the tasks; these are tc"),
        (SCORES | {"score": "word_f1"}, r"figures\.f\.score: 'word_f1' is not one of macro_f1"),
        (
            SCORES | {"references": [{"variant": "bas", "label": "x"}]},
            r"figures\.f\.references: 'bas' is not one of the variants",
        ),
        (SCORES | {"lines": [{"label": "x", "points": []}]}, r"figures\.f\.lines\.0\.points"),
        (
            DROP | {"points": [{"teacher": "ffn128", "student": "kd"}]},
            r"f\.points: 'ffn128' is made by prune_ffn, which trains nothing",
        ),
        (DROP | {"tasks": ["qa"]}, r"figures\.f\.tasks: 'qa' is not one of the tasks"),
        (DROP | {"scores": {"tc": "word_f1"}}, r"figures\.f\.scores\.tc: 'word_f1' is not one of"),
        (DROP | {"volumes": {"mt": 188}}, r"f\.volumes: 'qaa' is not one of the languages given"),
        (DROP | {"published": "no.csv"}, r"figures\.f\.published: there is no file no\.csv"),
    ],
)
def test_faults_are_refused_each_in_its_own_words(figure, message):
    with pytest.raises(UserError, match=message) as refused:
        Graph(changed("figures", {"f": figure}))
    assert "\n" not in str(refused.value)


def test_a_language_without_the_task_is_refused():
    config = with_figure(SCORES)
    config["languages"]["qaa"] = config["languages"]["qaa"] | {"tasks": ["sa"]}
    with pytest.raises(UserError, match=r"figures\.f: the language 'qaa' has no task 'tc'"):
        Graph(config | {"tables": {}})
