"""The experiment graph: what follows from a configuration, and what is refused before any job."""

from copy import deepcopy

import pytest
from test_config import DEMO, changed

from monoglot.errors import UserError
from monoglot.graph import Checkpoint, Graph, Run

XLMR_KD = Checkpoint("xlmr", "qaa", "kd")


@pytest.fixture(scope="module")
def graph():
    return Graph(DEMO)


def test_parents_and_teachers(graph):
    assert graph.parent(XLMR_KD) == Checkpoint("xlmr", "qaa", "kd-init")
    assert graph.teacher(XLMR_KD) == Checkpoint("xlmr", "qaa", "adapted")
    assert graph.parent(Checkpoint("xlmr", "any", "init")) is None


def test_what_no_language_touches_is_kept_once(graph):
    assert graph.checkpoint("xlmr", "qaa", "base") == Checkpoint("xlmr", "any", "base")
    assert graph.checkpoint("xlmr", "qaa", "adapted").language == "qaa"


def test_a_tokenizer_belongs_to_the_ancestor_that_made_it(graph):
    assert graph.tokenizer(XLMR_KD) == Checkpoint("xlmr", "any", "init")
    trimmed = next(v for v in DEMO["variants"] if "vocab" in v)
    checkpoint = Checkpoint("mbert", "qaa", trimmed)
    assert graph.tokenizer(checkpoint) == checkpoint


def test_text_of_a_language_and_of_a_mixture(graph):
    assert graph.text(XLMR_KD) == {"qaa": 1.0}
    assert set(graph.text(Checkpoint("xlmr", "any", "base"))) == {"qaa", "qab", "qac"}


def test_shapes_follow_from_operations(graph):
    shape = DEMO["models"]["xlmr"]["shape"]
    assert graph.shape(XLMR_KD)["layers"] == DEMO["variants"]["kd-init"]["layers"]
    assert graph.shape(Checkpoint("xlmr", "qaa", "adapted")) == shape


def test_the_plan_holds_every_row_and_its_ancestors_once(graph):
    names = [checkpoint.variant for checkpoint in graph.checkpoints if checkpoint.model == "xlmr"]
    assert sorted(names) == sorted(DEMO["variants"])


def test_a_table_has_a_run_for_each_cell(graph):
    assert len(graph.table_runs("table1")) == 10 * 4


def with_alias(parent: object) -> dict:
    config = changed("variants.adapted-r2", {"operation": "alias", "parent": parent})
    config["variants"]["adapted-r2"]["reduction_factor"] = 2
    config["tables"] = {
        "few": {"model": "xlmr", "rows": [{"variant": "adapted-r2", "label": "r = 2"}]}
    }
    return config


def test_an_alias_is_its_parents_checkpoint_scored_under_its_own_name():
    graph = Graph(with_alias("adapted"))
    assert graph.checkpoint("xlmr", "qaa", "adapted-r2") == Checkpoint("xlmr", "qaa", "adapted")
    assert graph.runs[0] == Run("xlmr", "qaa", "adapted-r2", "ner")
    assert "adapted-r2" not in {checkpoint.variant for checkpoint in graph.checkpoints}


def test_an_alias_has_a_parent_and_nothing_else():
    with pytest.raises(UserError, match="there is no variant 'adptd'"):
        Graph(with_alias("adptd"))
    config = with_alias("adapted")
    config["variants"]["adapted-r2"]["steps"] = 3
    with pytest.raises(UserError, match="adapted-r2: unknown key 'steps'"):
        Graph(config)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("variants.kd.parent", "kd-inti", r"variants\.kd\.parent: there is no variant 'kd-inti'"),
        ("variants.kd.teacher", "nobody", r"variants\.kd\.teacher: there is no variant 'nobody'"),
        ("variants.kd.parent", None, r"variants\.kd: the key 'parent' is missing"),
        ("variants.adapted.parent", "kd", r"is made from itself \(.*kd -> .*adapted.*break"),
        ("variants.init.parent", "kd", "'scratch' starts from nothing"),
        ("variants.kd.epochs", 2, "give either 'epochs' or 'steps'"),
        ("variants.kd.max_length", 4096, "4096 is more than the"),
        ("variants.kd.teacher", None, "has the loss 'mse' but no teacher"),
        ("variants.adapted.teacher", "base", "has a teacher but no loss"),
        ("variants.kd-init.layers", 40, "layers 40 is larger than the parent's"),
        ("variants.base.text", {"qzz": 1}, "there is no language 'qzz'"),
        ("tables.table1.model", "gpt", "'gpt' is none of the models; these are xlmr, mbert"),
        ("tables.table1.languages", ["qab"], "'qab' is none of the evaluated languages"),
        ("tables.table1.tasks", ["mt"], "'mt' is none of the tasks"),
        ("tables.table1.scores", {"tc": "word_f1"}, "'word_f1' is none of macro_f1"),
        ("tables.table1.baseline", "bse", "'bse' is none of the variants"),
        ("tables.table1.published", "no.csv", r"published: there is no file no\.csv"),
        ("tasks.tc.metric", "word_f1", "'word_f1' is not for classification; choose one of macro"),
        ("languages.any", {"name": "Any"}, "the name 'any' is taken"),
        ("languages.qaa.codes", {}, "asks for a code that language 'qaa' does not have"),
    ],
)
def test_faults_are_refused_each_in_its_own_words(path, value, message):
    with pytest.raises(UserError, match=message):
        Graph(changed(path, value))


def test_a_table_row_without_a_variant_is_refused():
    rows = [*DEMO["tables"]["table1"]["rows"], {"variant": "hidden7", "label": "?"}]
    with pytest.raises(UserError, match="'hidden7' is none of the variants"):
        Graph(changed("tables.table1.rows", rows))


def test_a_hidden_size_that_the_heads_do_not_divide_is_refused():
    name = next(v for v, about in DEMO["variants"].items() if about["operation"] == "reduce_hidden")
    with pytest.raises(UserError, match="hidden size 30 cannot be divided by the 4"):
        Graph(changed(f"variants.{name}.size", 30))


def test_a_teacher_with_another_vocabulary_is_refused():
    trimmed = next(v for v in DEMO["variants"] if "vocab" in v)
    config = deepcopy(DEMO)
    config["variants"]["again"] = {**config["variants"]["kd"], "teacher": trimmed}
    config["tables"]["table1"]["rows"].append({"variant": "again", "label": "again"})
    with pytest.raises(UserError, match=r"variants\.again\.teacher: .* must share the vocabulary"):
        Graph(config)
