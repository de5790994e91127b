"""The experiment graph: what follows from a configuration, and what is refused before any job."""

import json
from copy import deepcopy

import pytest
from test_config import DEMO, changed

from monoglot.errors import UserError
from monoglot.graph import Checkpoint, Graph, Run
from monoglot.operations.trim_vocab import usable_pieces

XLMR_KD = Checkpoint("xlmr", "qaa", "kd")
SMALL = {"layers": 2, "hidden_size": 24, "heads": 3, "ffn_size": 30}


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
    assert len(graph.needs["table1"].runs) == 10 * 4


def test_what_the_text_is_searched_for(graph):
    assert graph.tested == {code: ["tc", "sa", "ner", "pos"] for code in ("qaa",)}
    assert graph.excluded("text", "qaa") == []
    config = changed("data.text.default.exclude", ["pos", "tc"])
    assert Graph(config).excluded("text", "qaa") == ["tc", "pos"]
    config = changed("data.text.default.exclude", ["topics"])
    with pytest.raises(UserError, match=r"exclude: 'topics' is not one of the tasks; these are tc"):
        Graph(config)


@pytest.mark.parametrize("method", [["svd"], {"x": 1}, {"by_model": 3}, {"by_model": {"xlmr": []}}])
def test_a_method_that_is_none_is_refused_in_a_sentence(method):
    name = next(v for v in DEMO["variants"] if DEMO["variants"][v]["operation"] == "reduce_hidden")
    with pytest.raises(UserError, match=f"variants.{name}.method"):
        Graph(changed(f"variants.{name}.method", method))


def test_what_a_smaller_hidden_size_reads_depends_on_its_method():
    graph = Graph(DEMO)
    (name, *_) = [
        v for v in DEMO["variants"] if DEMO["variants"][v]["operation"] == "reduce_hidden"
    ]
    assert graph.sets(Checkpoint("xlmr", "qaa", name)) == ()
    for method in ("hidden_states", {"by_model": {"xlmr": "activations", "mbert": "truncate"}}):
        graph = Graph(changed(f"variants.{name}.method", method))
        assert graph.sets(Checkpoint("xlmr", "qaa", name)) == ("validation",)
    assert graph.sets(Checkpoint("mbert", "qaa", name)) == ()


def test_layer_norms_are_refitted_only_where_text_is_looked_at():
    name = next(v for v in DEMO["variants"] if DEMO["variants"][v]["operation"] == "reduce_hidden")
    config = changed(f"variants.{name}.refit", True)
    words = f"variants.{name}: 'refit' needs a method that looks at text, hidden_states or activ"
    with pytest.raises(UserError, match=words):
        Graph(config)
    config["variants"][name]["method"] = "hidden_states"
    Graph(config)


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


def with_student(**changes: object) -> dict:
    student = {"operation": "scratch", "parent": "base", "shape": SMALL} | changes
    student = {key: value for key, value in student.items() if value is not None}
    config = changed("variants.student", student)
    config["variants"]["distilled"] = {
        "operation": "train",
        "parent": "student",
        "teacher": "base",
        "text": {"qaa": 1},
    }
    rows = [{"variant": "distilled", "label": "Distilled"}]
    config["tables"] = {"few": {"model": "xlmr", "rows": rows}}
    return config


def test_a_random_student_has_its_parents_tokenizer_and_a_shape_of_its_own():
    graph = Graph(with_student())
    student = Checkpoint("xlmr", "any", "student")
    assert graph.parent(student) == Checkpoint("xlmr", "any", "base")
    assert graph.tokenizer(student) == Checkpoint("xlmr", "any", "init")
    assert graph.shape(student) == {**SMALL, "max_positions": 48}
    assert graph.shape(Checkpoint("xlmr", "any", "distilled")) == graph.shape(student)
    assert graph.text_languages(student) == []
    assert {"init", "base", "student", "distilled"} == {c.variant for c in graph.checkpoints}


def test_a_random_student_may_be_larger_than_its_parent():
    shape = Graph(with_student(shape=SMALL | {"layers": 9})).shape
    assert shape(Checkpoint("xlmr", "any", "student"))["layers"] == 9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab_size": 99}, r"student\.vocab_size: the tokenizer is that of the parent 'base'"),
        ({"shape": None}, "student: has a parent for its tokenizer, but no 'shape'"),
        ({"shape": SMALL | {"heads": 5}}, "hidden size 24 cannot be divided by the 5 attention"),
        ({"shape": {"layers": 2}}, "student.shape: the key 'hidden_size' is missing"),
    ],
)
def test_faults_of_a_random_student_are_named(changes, message):
    with pytest.raises(UserError, match=message):
        Graph(with_student(**changes))


def of_a_modernbert(*variants: dict) -> dict:
    """A chain of variants of a ModernBERT of 6 layers and 4 heads of 12 dimensions."""
    config = changed("models.xlmr.family", "modernbert")
    shape = {"layers": 6, "hidden_size": 48, "heads": 4, "ffn_size": 40, "max_positions": 48}
    config["models"]["xlmr"]["shape"] = shape
    parent = "base"
    for number, one in enumerate(variants):
        config["variants"][f"smaller{number}"] = {"parent": parent, **one}
        parent = f"smaller{number}"
    rows = [{"variant": parent, "label": "Smaller"}]
    config["tables"] = {"few": {"model": "xlmr", "rows": rows}}
    return config


def layers(count: int, strategy: str) -> dict:
    return {"operation": "select_layers", "layers": count, "strategy": strategy}


def hidden(size: int, heads: str) -> dict:
    return {"operation": "reduce_hidden", "size": size, "heads": heads}


def test_heads_with_rotary_positions_stay_whole_or_are_thinned_out():
    chain = (layers(3, "stride"), hidden(36, "cut"), hidden(18, "aligned"), hidden(12, "cut"))
    graph = Graph(of_a_modernbert(*chain))
    shapes = [graph.shape(Checkpoint("xlmr", "any", f"smaller{number}")) for number in range(4)]
    assert [(one["layers"], one["hidden_size"], one["heads"]) for one in shapes] == [
        (3, 48, 4),
        (3, 36, 3),
        (3, 18, 3),
        (3, 12, 2),
    ]


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ([layers(3, "last_k")], r"smaller0\.strategy: 'last_k' drops the first layer, which a mod"),
        ([hidden(24, "low_rank")], "smaller0: heads 'low_rank' changes the basis of queries"),
        ([hidden(40, "cut")], "smaller0: hidden size 40 does not keep whole .* a multiple of 12"),
        ([hidden(40, "aligned")], "smaller0: hidden size 40 .* 'aligned' give 8 or 16 or 24 or 48"),
        ([hidden(36, "cut"), hidden(24, "aligned")], "smaller1: .* give 6 or 12 or 18 or 36"),
    ],
)
def test_what_a_modernbert_does_not_allow_is_refused(variants, message):
    with pytest.raises(UserError, match=message):
        Graph(of_a_modernbert(*variants))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 24}, "smaller0: hidden size 24 is the width of the model's embeddings"),
        ({"size": 12, "method": "projection"}, "smaller0: method 'projection' takes directions of"),
    ],
)
def test_what_embeddings_of_another_width_do_not_allow_is_refused(changes, message, tmp_path):
    about = {"model_type": "electra", "embedding_size": 24}
    (tmp_path / "config.json").write_text(json.dumps(about))
    config = of_a_modernbert({"operation": "reduce_hidden", **changes})
    config["models"]["xlmr"] |= {"family": "electra", "folder": str(tmp_path)}
    config["variants"]["base"] = {"operation": "pretrained"}
    with pytest.raises(UserError, match=message):
        Graph(config)
    (tmp_path / "config.json").write_text(json.dumps(about | {"embedding_size": 48}))
    assert Graph(config)


def test_layers_that_all_stay_may_be_the_last_ones():
    assert Graph(of_a_modernbert(layers(4, "first_k"), layers(4, "last_k")))


def test_heads_of_an_odd_width_cannot_have_rotary_positions():
    config = of_a_modernbert(layers(4, "first_k"))
    config["models"]["xlmr"]["shape"]["hidden_size"] = 52
    with pytest.raises(UserError, match=r"hidden size 52 gives .* an odd width.* a multiple of 8"):
        Graph(config)


@pytest.mark.parametrize(("length", "fits"), [(128, True), (512, False)])
def test_a_full_projection_that_no_memory_holds_is_refused(length, fits):
    config = with_student()
    config["models"]["xlmr"]["shape"]["max_positions"] = 512
    config["variants"]["distilled"] |= {
        "loss": "kl",
        "attention_weight": 0.5,
        "attention_projection": "full",
        "max_length": length,
    }
    if fits:
        Graph(config)
        return
    with pytest.raises(UserError, match="69 billion for 512 tokens; choose 'rows' or a max_len"):
        Graph(config)


def with_baseline(**table: object) -> dict:
    config = changed("variants.ngrams", {"operation": "baseline", "method": "ngrams"})
    rows = [{"variant": "adapted", "label": "a"}, {"variant": "ngrams", "label": "n"}]
    config["tables"] = {"few": {"model": "xlmr", "rows": rows} | table}
    return config


def test_a_baseline_is_scored_once_and_has_no_checkpoint():
    graph = Graph(with_baseline())
    assert Run("xlmr", "qaa", "ngrams", "pos") in graph.runs
    assert "ngrams" not in {checkpoint.variant for checkpoint in graph.checkpoints}
    assert (graph.seeds("ngrams", "tc"), graph.seeds("adapted", "tc")) == ([1], [1, 2, 3])
    assert graph.is_baseline("ngrams")
    assert not graph.is_baseline("adapted")


def test_what_a_baseline_cannot_be_is_refused():
    config = with_baseline()
    config["variants"]["kd-init"]["parent"] = "ngrams"
    with pytest.raises(UserError, match=r"kd-init\.parent: 'ngrams' is a baseline, which has no"):
        Graph(config)
    with pytest.raises(UserError, match=r"few\.baseline: 'ngrams' has no checkpoint"):
        Graph(with_baseline(baseline="ngrams"))
    config = with_baseline()
    config["tasks"]["ner"]["metric"] = "subtoken_f1"
    with pytest.raises(UserError, match=r"ner\.metric: 'subtoken_f1' needs a tokenizer"):
        Graph(config)
    for change, message in (
        ({"parent": "base"}, "'baseline' has no parent"),
        ({"method": "bow"}, "'bow' must be one of majority, ngrams"),
        ({"method": None}, "the key 'method' is missing"),
    ):
        config = with_baseline()
        config["variants"]["ngrams"] |= change
        with pytest.raises(UserError, match=message):
            Graph(config)


def test_a_language_may_lack_a_task():
    config = deepcopy(DEMO)
    config["languages"]["qab"] = {"name": "B", "codes": {"flores": "x"}, "tasks": ["sa", "pos"]}
    config["data"]["tc"] = {"qaa": config["data"]["tc"]["default"]}
    graph = Graph(config)
    assert [run.task for run in graph.needs["table1"].runs if run.language == "qab"][:2] == [
        "sa",
        "pos",
    ]
    assert len(graph.needs["table1"].runs) == 10 * (4 + 2)
    config["tables"]["table1"] |= {"languages": ["qab"], "tasks": ["tc"]}
    with pytest.raises(UserError, match=r"tables\.table1: none of its languages is evaluated on"):
        Graph(config)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("languages.qaa.tasks", ["nre"], r"languages\.qaa\.tasks: 'nre' is not one of the tasks"),
        ("variants.kd.parent", "kd-inti", r"variants\.kd\.parent: there is no variant 'kd-inti'"),
        ("variants.kd.teacher", "nobody", r"variants\.kd\.teacher: there is no variant 'nobody'"),
        ("variants.kd.parent", None, r"variants\.kd: the key 'parent' is missing"),
        ("variants.adapted.parent", "kd", r"is made from itself \(.*kd -> .*adapted.*break"),
        ("variants.init.parent", "kd", r"init\.text: the tokenizer is that of the parent 'kd'"),
        ("variants.init.teacher", "kd", "'scratch' has no teacher; remove the key"),
        ("variants.init.shape", SMALL, r"init\.shape: goes with a parent"),
        ("variants.init.text", None, "init: the key 'text' is missing"),
        ("variants.adapted.attention_weight", 0.5, "has attention_weight but no teacher"),
        ("variants.adapted.sentence_weight", 0.5, "has sentence_weight but no teacher"),
        ("variants.kd.epochs", 2, "give either 'epochs' or 'steps'"),
        ("variants.kd.max_length", 4096, "4096 is more than the"),
        ("variants.kd.teacher", None, "has the loss 'mse' but no teacher"),
        ("variants.adapted.teacher", "base", "has a teacher but no loss"),
        ("variants.kd-init.layers", 40, "layers 40 is larger than the parent's"),
        ("variants.base.text", {"qzz": 1}, "there is no language 'qzz'"),
        ("tables.table1.model", "gpt", "'gpt' is not one of the models; these are xlmr, mbert"),
        ("tables.table1.languages", ["qab"], "'qab' is not one of the evaluated languages"),
        ("tables.table1.tasks", ["mt"], "'mt' is not one of the tasks"),
        ("tables.table1.scores", {"tc": "word_f1"}, "'word_f1' is not one of macro_f1"),
        ("tables.table1.baseline", "bse", "'bse' is not one of the variants"),
        ("tables.table1.published", "no.csv", r"published: there is no file no\.csv"),
        ("tables.table1.kind", "score", r"tables\.table1\.kind: 'score' must be one of adapters"),
        ("tables.table1.reduction_factor", 2, "table1: unknown key 'reduction_factor'"),
        ("tables.table2.model", "gpt", "'gpt' is not one of the models"),
        ("tables.table2.languages", ["qzz"], "'qzz' is not one of the languages"),
        ("tables.table3.languages", ["qzz"], "'qzz' is not one of the languages"),
        ("tables.table3.tasks", ["mt"], "'mt' is not one of the tasks"),
        ("tables.table4.tasks", ["mt"], "'mt' is not one of the tasks"),
        ("tables.table4.rows", ["epoch"], r"table4\.rows\.0: 'epoch' must be one of learning_rate"),
        ("tables.table5.published", "no.csv", r"published: there is no file no\.csv"),
        ("tables.table5.columns", [{"model": "gpt", "label": "G"}], "'gpt' is not one of the m"),
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
    with pytest.raises(UserError, match="'hidden7' is not one of the variants"):
        Graph(changed("tables.table1.rows", rows))


@pytest.mark.parametrize(
    ("path", "entry", "message"),
    [
        ("table1.rows", {"variant": "base"}, r"table1\.rows: 'base' appears twice"),
        ("table2.columns", {"variant": "kd-init"}, "'kd-init' is made by select_layers, from no"),
        ("table2.columns", {"variant": "ffn"}, "'ffn' is not one of the variants"),
        ("table5.rows", {"variant": "ffn"}, "'ffn' is not one of the variants"),
        ("table5.columns", {"model": "xlmr"}, r"table5\.columns: 'xlmr' appears twice"),
    ],
)
def test_one_more_row_or_column_that_cannot_be_is_refused(path, entry, message):
    table, key = path.split(".")
    entries = [*DEMO["tables"][table][key], entry | {"label": "?"}]
    with pytest.raises(UserError, match=message):
        Graph(changed(f"tables.{path}", entries))


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


def with_models(**models: dict) -> dict:
    """The demo with more models like its XLM-R."""
    config = deepcopy(DEMO)
    for name, more in models.items():
        config["models"][name] = config["models"]["xlmr"] | more
    return config


def test_a_row_may_be_of_another_model():
    config = with_models(distil={"family": "distilbert"})
    config["tables"] = {
        "few": {
            "model": "xlmr",
            "tasks": ["tc"],
            "rows": [
                {"variant": "base", "label": "Base"},
                {"model": "distil", "variant": "adapted", "label": "DistilBERT"},
            ],
        }
    }
    graph = Graph(config)
    assert graph.runs == [Run("distil", "qaa", "adapted", "tc"), Run("xlmr", "qaa", "base", "tc")]
    assert Checkpoint("distil", "any", "init") in graph.checkpoints
    config["tables"]["few"]["rows"][1]["model"] = "nobody"
    with pytest.raises(UserError, match=r"tables\.few\.rows: 'nobody' is not one of the models"):
        Graph(config)


def encoder_alone(variants: dict) -> dict:
    """The demo with a model whose checkpoint has no head, and one row of it."""
    config = with_models(encoder={"folder": "x", "head": "fresh"})
    config["variants"] = {"init": {"operation": "pretrained"}} | variants
    rows = [{"variant": list(variants)[-1], "label": "x"}]
    config["tables"] = {"few": {"model": "encoder", "rows": rows}}
    return config


def test_an_untrained_head_cannot_teach_before_it_is_trained():
    adapted = {"operation": "train", "parent": "init", "loss": "none"}
    fewer = {"operation": "select_layers", "parent": "init", "layers": 2}
    kd = {"operation": "train", "parent": "fewer", "teacher": "fewer"}
    with pytest.raises(UserError, match=r"'fewer' of encoder has an untrained .*encoder\.head"):
        Graph(encoder_alone({"fewer": fewer, "kd": kd}))
    Graph(
        encoder_alone({"fewer": fewer, "kd": kd | {"hidden_weight": 0.5, "relation_weight": 0.5}})
    )
    kd = {"operation": "train", "parent": "init", "teacher": "adapted"}
    Graph(encoder_alone({"adapted": adapted, "kd": kd}))


def test_neurons_are_not_chosen_by_an_untrained_head():
    ffn = {"operation": "prune_ffn", "parent": "init", "size": 64, "max_length": 48}
    with pytest.raises(UserError, match="'init' of encoder has an untrained masked-LM head"):
        Graph(encoder_alone({"ffn": ffn}))


def test_a_task_is_as_long_as_all_its_models_can_read():
    with pytest.raises(UserError) as raised:
        Graph(changed("tasks.ner.max_length", 49))
    assert raised.value.faults == (
        "tasks.ner.max_length: 49 is more than the 48 positions of mbert; give 48 or fewer",
        "tasks.ner.max_length: 49 is more than the 48 positions of xlmr; give 48 or fewer",
    )


def from_folder(folder: object, **variant: object) -> dict:
    """The demo with a model taken from a folder, and one row of a variant made from it."""
    config = with_models(mine={"folder": str(folder)})
    config["models"]["mine"]["shape"] = dict(config["models"]["xlmr"]["shape"], max_positions=512)
    config["variants"] = {
        "init": {"operation": "pretrained"},
        "made": {"parent": "init"} | variant,
    }
    rows = [{"variant": "made", "label": "x"}]
    config["tables"] = {"few": {"model": "mine", "rows": rows}}
    return config


def test_a_folder_says_how_long_its_models_inputs_are(tiny_checkpoint):
    folder = tiny_checkpoint("xlm-roberta")  # of 64 positions after the padding's
    train = {"operation": "train", "loss": "none"}
    Graph(from_folder(folder, **train, max_length=64))
    with pytest.raises(
        UserError, match=r"made\.max_length: 65 is more than the 64 positions of mine"
    ):
        Graph(from_folder(folder, **train, max_length=65))
    # What is not there yet says nothing.
    Graph(from_folder(folder / "none", **train, max_length=65))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"legacy": False}, "legacy is False; of the family deberta-v2, only models with True"),
        ({"conv_kernel_size": 3}, "conv_kernel_size is 3; of the family deberta-v2, only models"),
        ({"relative_attention": None}, "relative_attention is None; of the family deberta-v2"),
        ({"pos_att_type": "C2P | p2c"}, None),
        ({"model_type": "electra"}, "it must be 'deberta-v2', the family of the model"),
    ],
)
@pytest.mark.parametrize("own", [False, True])
def test_what_a_family_requires_is_read_in_the_folder(
    tiny_checkpoint, tmp_path, changes, message, own
):
    config = json.loads((tiny_checkpoint("deberta-v2") / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | changes))
    found = from_folder(tmp_path, operation="select_layers", layers=1, strategy="first_k")
    found["models"]["mine"] |= {"family": "deberta-v2"}
    if own:
        del found["models"]["mine"]["folder"]
        found["variants"]["init"]["folder"] = str(tmp_path)
    if message is None:
        Graph(found)
        return
    with pytest.raises(UserError) as refused:
        Graph(found)
    key = "variants.init" if own else "models.mine"
    (told,) = refused.value.args
    assert told.startswith(f"{key}.folder: {tmp_path}: config.json")
    assert message in told


def test_no_more_pieces_are_kept_than_a_folder_has(tiny_checkpoint):
    folder = tiny_checkpoint("xlm-roberta")
    trim = {"operation": "trim_vocab"}
    most = usable_pieces(str(folder), "xlm-roberta", 1000)
    Graph(from_folder(folder, **trim, size=most))
    with pytest.raises(
        UserError, match=rf"size: {most + 1} is more than the {most} pieces that 'i"
    ):
        Graph(from_folder(folder, **trim, size=most + 1))
    Graph(from_folder(folder / "none", **trim, size=10**6))


def test_no_more_pieces_are_kept_than_a_trained_or_trimmed_tokenizer_has():
    config = changed("variants.hidden48-vocab400.size", 1595)
    Graph(config)
    config["variants"]["hidden48-vocab400"]["size"] = 1596
    with pytest.raises(
        UserError, match="1596 is more than the 1595 pieces that 'hidden48' of xlmr"
    ):
        Graph(config)
    padded = changed("variants.hidden48-vocab400.pad_to_multiple_of", 64)
    assert Graph(padded).pieces(Checkpoint("xlmr", "qaa", "hidden48-vocab400"), 400) == 448 - 5
    again = {"operation": "trim_vocab", "parent": "hidden40-vocab400", "size": 401}
    config = changed("variants.again", again)
    config["tables"]["table1"]["rows"].append({"variant": "again", "label": "again"})
    with pytest.raises(
        UserError, match=r"again\.size: 401 is more than the 400 pieces that 'hidden"
    ):
        Graph(config)
