"""The configuration: defaults filled in, faults named by key."""

from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest
import yaml

from monoglot.config import (
    adapter_settings,
    complete,
    reduction_factor,
    source_of,
    variant_settings,
)
from monoglot.errors import UserError
from monoglot.graph import Graph

ROOT = Path(__file__).parents[1]
DEMO = yaml.safe_load((ROOT / "configs" / "demo.yaml").read_text(encoding="utf-8"))


def changed(path: str, value: object) -> dict:
    """Return the demo's configuration with one key set (or, with None, removed)."""
    config = deepcopy(DEMO)
    *above, last = path.split(".")
    place = config
    for key in above:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return config


def test_patience_needs_the_best_epoch():
    assert complete(changed("tasks.ner.patience", 3))["tasks"]["ner"]["patience"] == 3
    assert complete(DEMO)["tasks"]["ner"]["patience"] is None
    with pytest.raises(UserError, match=r"tasks\.tc\.patience: needs 'checkpoint: best'"):
        complete(changed("tasks.tc.patience", 3))


def test_defaults_are_filled_in():
    config = complete(changed("tasks.tc.reduction_factor", None))
    assert config["tasks"]["tc"]["reduction_factor"] == 16
    assert config["tasks"]["tc"]["checkpoint"] == "last"
    assert config["languages"]["qaa"]["evaluated"] is True
    assert config["seeds_affect"] == "everything"


def test_the_given_configuration_is_left_alone():
    before = deepcopy(DEMO)
    complete(DEMO)
    assert before == DEMO


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("rseults", "out", "unknown key 'rseults'; known keys are data, defaults, deployment"),
        ("seeds", "one", "seeds: 'one' is not of type array"),
        ("seeds", [], r"seeds: \[\] should be non-empty"),
        ("tasks.tc.kind", "regression", "tasks.tc.kind: 'regression' must be one of classif"),
        ("tasks.tc.epochs", None, "tasks.tc: the key 'epochs' is missing"),
        ("tasks.tc.epcohs", 3, "tasks.tc: unknown key 'epcohs'"),
        ("tasks.tc.learning_rate", "fast", "tasks.tc.learning_rate: 'fast' is not of type number"),
        ("models.xlmr.family", "gpt2", "models.xlmr.family: 'gpt2' must be one of bert"),
        ("models.xlmr.hub", "a/b", "'revision' is a dependency of 'hub'"),
        ("variants.kd.operation", "distil", "variants.kd.operation: 'distil' must be one of"),
        ("data.text", None, "data: the key 'text' is missing"),
        ("data.sa", None, "data: there is no source for task 'sa'; add data.sa"),
        ("results", 3, "results: 3 is not of type string"),
        ("deployment", {"lengths": [2]}, "deployment.lengths.0: 2 is less than the minimum of 4"),
        ("deployment", {"threads": ["some"]}, "deployment.threads.0: 'some' is not valid"),
        ("energy", {"country": "Germany"}, "energy.country: 'Germany' does not match"),
    ],
)
def test_faults_are_named_by_key(path, value, message):
    with pytest.raises(UserError, match=message):
        complete(changed(path, value))


@pytest.mark.parametrize("name", ["../up", "a;b", "$(x)", "A B", ""])
def test_names_that_are_no_folders_are_refused(name):
    with pytest.raises(UserError, match=r"does not match|should be non-empty"):
        complete(changed("variants", {**DEMO["variants"], name: {"operation": "pretrained"}}))


def test_parameters_can_differ_between_models():
    config = complete(DEMO)
    assert variant_settings(config, "kd-init", "mbert", "qaa")["strategy"] == "last_k"
    assert variant_settings(config, "kd-init", "xlmr", "qaa")["strategy"] == "stride"


def test_a_model_without_a_choice_is_named():
    config = complete(changed("variants.kd-init.strategy", {"by_model": {"mbert": "last_k"}}))
    with pytest.raises(UserError, match=r"kd-init\.strategy\.by_model: has no value for 'xlmr'"):
        variant_settings(config, "kd-init", "xlmr", "qaa")


def test_defaults_of_an_operation_give_way_to_the_variants_own():
    config = complete(DEMO)
    assert variant_settings(config, "kd", "xlmr", "qaa")["loss"] == "mse"
    assert variant_settings(config, "adapted", "xlmr", "qaa")["loss"] == "none"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("variants.kd.alhpa", 0.5, "variants.kd: unknown key 'alhpa'"),
        ("variants.kd.alpha", 2, "variants.kd.alpha: 2 is greater than the maximum of 1"),
        ("variants.kd.loss", "mae", "variants.kd.loss: 'mae' must be one of none, mse, kl"),
    ],
)
def test_faults_of_a_variant_are_named(path, value, message):
    with pytest.raises(UserError, match=message):
        variant_settings(complete(changed(path, value)), "kd", "xlmr", "qaa")


def test_codes_stand_for_languages_in_paths():
    config = complete(DEMO)
    assert source_of(config, "text", "qab")["files"] == ["glotcc/qab_Latn.jsonl"]
    assert source_of(config, "sa", "qaa")["files"]["dev"] == "sentiment/qaa/dev.csv"


def test_a_code_that_a_language_lacks_is_named():
    config = complete(changed("languages.qab.codes", {}))
    with pytest.raises(UserError, match=r"'glotcc/{flores}\.jsonl' asks for a code"):
        source_of(config, "text", "qab")


def test_a_language_without_a_source_is_named():
    source = DEMO["data"]["tc"]["default"]
    config = complete(changed("data.tc", {"qab": source}))
    with pytest.raises(UserError, match=r"data\.tc: there is no source for language 'qaa'"):
        source_of(config, "tc", "qaa")


def test_the_reduction_factor_of_a_variant_and_task():
    config = complete(changed("variants.hidden24.reduction_factor", {"tc": 2}))
    assert reduction_factor(config, "hidden24", "tc") == 2
    assert reduction_factor(config, "hidden24", "sa") == DEMO["tasks"]["sa"]["reduction_factor"]
    config = complete(changed("variants.hidden24.reduction_factor", 8))
    assert reduction_factor(config, "hidden24", "sa") == 8


def test_what_a_variant_sets_of_its_adapters():
    config = complete(changed("variants.kd.label_subtokens", "first"))
    config["variants"]["kd"]["seeds_affect"] = "initialisation"
    assert adapter_settings(config, "kd", "ner") == {
        "reduction_factor": DEMO["tasks"]["ner"]["reduction_factor"],
        "label_subtokens": "first",
        "seeds_affect": "initialisation",
    }
    assert adapter_settings(config, "base", "ner") == {
        "reduction_factor": DEMO["tasks"]["ner"]["reduction_factor"],
        "label_subtokens": "all",
        "seeds_affect": "everything",
    }
    assert (
        not {"label_subtokens", "seeds_affect"}
        & variant_settings(config, "kd", "xlmr", "qaa").keys()
    )


def faults_of(config: dict) -> list[str]:
    """Return the faults of a configuration, each without what would be right."""
    with pytest.raises(UserError) as raised:
        Graph(config)
    return [fault.partition(";")[0] for fault in raised.value.faults]


def test_a_block_that_stands_in_two_places_is_at_fault_in_both():
    """By an alias of YAML, which makes it one object."""
    config = changed("models.xlmr.shape.heads", "4")
    shape = config["models"]["xlmr"]["shape"]
    for model in config["models"].values():
        model["shape"] = shape
    with pytest.raises(UserError) as found:
        Graph(config)
    for model in config["models"]:
        assert f"models.{model}.shape.heads: '4' is not of type integer" in str(found.value)


@pytest.mark.parametrize("key", [True, None, 1])
def test_a_key_that_is_no_text_is_named(key):
    config = changed("models.xlmr.shape.heads", 4)
    config["models"]["xlmr"]["shape"][key] = 4
    with pytest.raises(UserError, match=f"models.xlmr.shape: the key {key!r} is not text"):
        Graph(config)


@pytest.mark.parametrize("kind", [{}, [], None, 3, "none"])
@pytest.mark.parametrize("family", ["tables", "figures"])
def test_a_kind_that_there_is_not_is_named(family, kind):
    config = changed(family, {"one": {"kind": kind}})
    with pytest.raises(UserError, match=rf"{family}\.one\.kind: .* must be one of"):
        Graph(config)


def test_all_faults_of_a_configuration_are_told_at_once():
    config = deepcopy(DEMO)
    config |= {"rseults": "x", "targets": ["tabels"], "seeds": [1, -3]}
    config["data"]["invented"]["seed"] = float("nan")
    del config["data"]["pos"]
    config["models"]["more"] = config["models"]["mbert"] | {"family": "gpt"}
    config["languages"]["qab"]["tasks"] = ["nre"]
    config["tasks"]["ner"] |= {"learning_rate": "1e-4", "metric": "bleu"}
    config["variants"]["kd"] |= {"parent": "kd-inti", "alpha": 7}
    config["variants"]["adapted"]["max_length"] = 4000
    config["tables"]["table1"] |= {"model": "gpt", "languages": ["zz"], "baseline": "bse"}
    config["tables"]["table3"]["kind"] = "exmaples"
    config["figures"] = {"curves": {}}
    assert faults_of(config) == [
        "data.invented.seed: is nan",
        "configuration: unknown key 'rseults'",
        "targets.0: 'tabels' must be one of tables, figures, cards, deployment, report",
        "models.more.family: 'gpt' must be one of bert, roberta, xlm-roberta, camembert, "
        "distilbert, electra, deberta-v2, modernbert",
        "seeds.1: -3 must be a whole number from 0 to 9223372036854775807",
        "tasks.ner.learning_rate: '1e-4' is not of type number, but text to YAML",
        "tasks.ner.metric: 'bleu' is not for tagging",
        "tables.table3.kind: 'exmaples' must be one of adapters, corpora, deployment, examples, "
        "hyperparameters, retention, scores",
        "figures.curves: the key 'kind' is missing",
        "data: there is no source for task 'pos'",
        "languages.qab.tasks: 'nre' is not one of the tasks",
        "variants.kd.parent: there is no variant 'kd-inti'",
        "tables.table1.model: 'gpt' is not one of the models",
        "tables.table1.languages: 'zz' is not one of the evaluated languages",
        "tables.table1.baseline: 'bse' is not one of the variants",
        "variants.adapted.max_length: 4000 is more than the 48 positions of mbert",
        "variants.adapted.max_length: 4000 is more than the 48 positions of xlmr",
        "variants.kd.alpha: 7 is greater than the maximum of 1",
    ]


def test_what_follows_from_a_fault_is_not_told():
    assert len(faults_of(changed("models.xlmr.family", "gpt"))) == 1
    assert len(faults_of(changed("variants.init.operation", "scrtach"))) == 1
    assert len(faults_of(changed("tasks.ner.epochs", 0))) == 1
    assert len(faults_of(changed("languages.qaa.name", 3))) == 1
    assert len(faults_of(changed("variants.base.parent", "kd"))) == 1
    assert len(faults_of(changed("data", None))) == 1


def test_a_fault_told_for_a_value_is_not_told_for_its_type():
    faults = faults_of(changed("languages.qaa.name", date(2024, 1, 1)))
    assert faults == ["languages.qaa.name: is a date"]


def test_home_folders_in_paths(monkeypatch):
    monkeypatch.setenv("HOME", "/home/of/mine")
    config = changed("results", "~/out")
    config["data"]["root"] = "~/raw"
    config["data"]["text"]["default"]["files"] = ["~/{flores}.jsonl", {"path": "~/more"}]
    config["data"]["tc"]["default"]["files"]["dev"] = "~/dev.tsv"
    config["models"]["xlmr"] |= {"folder": "~/xlmr", "tokenizer": "~/tokenizer.json"}
    config["tables"]["table1"]["published"] = "~/published.csv"
    found = complete(config)
    assert (found["results"], found["data"]["root"]) == ("/home/of/mine/out", "/home/of/mine/raw")
    text = source_of(found, "text", "qaa")["files"]
    assert text == ["/home/of/mine/qaa_Latn.jsonl", {"path": "/home/of/mine/more"}]
    assert source_of(found, "tc", "qaa")["files"]["dev"] == "/home/of/mine/dev.tsv"
    assert found["models"]["xlmr"]["folder"] == "/home/of/mine/xlmr"
    assert found["models"]["xlmr"]["tokenizer"] == "/home/of/mine/tokenizer.json"
    assert found["tables"]["table1"]["published"] == "/home/of/mine/published.csv"
    with pytest.raises(UserError, match=r"^results: '~nobody-here/out' begins with the home"):
        complete(changed("results", "~nobody-here/out"))


@pytest.mark.parametrize("levels", [100, 500, 50_000])
def test_what_is_nested_too_deeply_is_refused(levels):
    nested: list = []
    for _ in range(levels):
        nested = [nested]
    with pytest.raises(UserError, match=r"^configuration: is nested more than 64 levels deep"):
        complete(changed("tables.table1.rows", nested))
