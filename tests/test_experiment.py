"""What the rules ask of an experiment, without Snakemake."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from test_config import DEMO, ROOT, changed

from monoglot.errors import UserError
from monoglot.experiment import Experiment, flags, one_of
from monoglot.tokens.store import FILES as STORE_FILES

FOUR = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
MODELS = "results/demo/models"
SMALL = {"layers": 2, "hidden_size": 24, "heads": 3, "ffn_size": 30}


@pytest.fixture(scope="module")
def demo() -> Experiment:
    return Experiment(DEMO)


def of(variant: str, model: str = "xlmr", language: str = "qaa", **more: str) -> SimpleNamespace:
    """Wildcards."""
    return SimpleNamespace(model=model, language=language, variant=variant, **more)


def said(text: str) -> dict[str, list[str]]:
    """Flags with their values."""
    found: dict[str, list[str]] = {}
    for word in shlex.split(text):
        if word.startswith("--"):
            name, _, value = word.partition("=")
            found[name] = [value] if value else []
        else:
            found[list(found)[-1]].append(word)
    return found


def test_flags_of_a_dict():
    settings = {
        "batch_size": 8,
        "no": None,
        "off": False,
        "none": [],
        "on": True,
        "names": ["a", 1],
    }
    assert flags(settings) == "--batch-size 8 --on --names a 1"
    assert shlex.split(flags({"label": "it's; $HOME"})) == ["--label", "it's; $HOME"]
    # A parser would take the value for a flag.
    assert flags({"pattern": "-x"}) == "--pattern=-x"


def test_a_constraint_matches_the_names_alone_or_nothing():
    pattern = re.compile(one_of(["a.b", "c"]))
    assert pattern.fullmatch("a.b")
    assert not pattern.fullmatch("axb")
    assert not re.fullmatch(one_of([]), "")


def test_constraints_follow_from_the_configuration(demo):
    assert demo.constraints["language"] == "qaa|qab|qac|any"
    assert demo.constraints["set"] == "text|validation|heldout"
    assert demo.variants_of("select_layers") == re.escape("kd-init")
    assert demo.variants_of("pretrained") == "(?!)"
    assert demo.tasks_by("adapter") == "tc|sa|ner|pos"
    assert demo.tasks_by("full") == "(?!)"


def test_a_checkpoint_is_made_from_its_parent_and_its_teacher(demo):
    assert demo.parent_files(of("kd")) == [f"{MODELS}/xlmr/qaa/kd-init/{name}" for name in FOUR]
    assert demo.teacher_files(of("kd")) == [f"{MODELS}/xlmr/qaa/adapted/{name}" for name in FOUR]
    assert demo.teacher_files(of("adapted")) == []
    assert demo.folder(of("kd")) == f"{MODELS}/xlmr/qaa/kd"
    # What no language touches is kept once.
    assert demo.files(of("base"))[0] == f"{MODELS}/xlmr/any/base/config.json"


def test_a_job_that_trains_is_told_of_its_texts(demo):
    tokens = "results/demo/tokens/xlmr/any/init"
    base = said(demo.train_flags(of("base", language="any")))
    languages = ("qaa", "qab", "qac")
    assert base["--tokens"] == [f"{tokens}/{language}/text" for language in languages]
    assert base["--shares"] == ["0.2", "1", "1"]
    assert base["--validation"] == [f"{tokens}/{language}/validation" for language in languages]
    assert base["--parent"] == [f"{MODELS}/xlmr/any/init"]
    assert "--teacher" not in base
    kd = said(demo.train_flags(of("kd")))
    assert kd["--teacher"] == [f"{MODELS}/xlmr/qaa/adapted"]
    assert kd["--steps"] == ["300"]
    stores = demo.text_stores(of("kd"))
    assert stores == [f"{tokens}/qaa/text/{name}" for name in STORE_FILES]
    assert demo.training_state(of("kd")) == "results/demo/unfinished/xlmr/qaa/kd"


def test_other_operations_are_told_of_theirs(demo):
    layers = said(demo.operation_flags(of("kd-init")))
    assert layers["--parent"] == [f"{MODELS}/xlmr/qaa/adapted"]
    assert (layers["--layers"], layers["--strategy"]) == (["2"], ["stride"])
    assert said(demo.operation_flags(of("kd-init", "mbert")))["--strategy"] == ["last_k"]
    pruned = said(demo.validated_flags(of("ffn128")))
    assert pruned["--validation"] == ["results/demo/tokens/xlmr/any/init/qaa/validation"]
    trimmed = said(demo.trim_flags(of("hidden48-vocab400")))
    assert trimmed["--tokens"] == ["results/demo/tokens/xlmr/any/init/qaa/text"]
    assert trimmed["--heldout"] == ["results/demo/data/qaa/heldout.parquet"]
    assert trimmed["--report"] == [f"{MODELS}/xlmr/qaa/hidden48-vocab400/trim_report.json"]
    assert trimmed["--shares"] == ["1.0"]


def test_a_vocabulary_of_several_languages_is_made_once():
    block = {"operation": "trim_vocab", "parent": "base", "size": 300}
    config = changed("variants.both", {**block, "text": {"qab": 0.1, "qaa": 1}})
    demo = Experiment(config)
    node = demo.graph.checkpoint("xlmr", "qaa", "both")
    assert (node.language, demo.graph.text(node)) == ("any", {"qab": 0.1, "qaa": 1})
    wildcards = of("both", language="any")
    flags = said(demo.trim_flags(wildcards))
    stores = [f"results/demo/tokens/xlmr/any/init/{code}/text" for code in ("qab", "qaa")]
    assert (flags["--tokens"], flags["--shares"]) == (stores, ["0.1", "1"])
    assert demo.text_stores(wildcards) == [f"{s}/{name}" for s in stores for name in STORE_FILES]
    texts = [f"results/demo/data/{code}/heldout.parquet" for code in ("qab", "qaa")]
    assert flags["--heldout"] == demo.heldout_texts(wildcards) == texts
    assert "--text" not in flags


def test_a_random_model_has_a_tokenizer_of_its_texts_or_a_given_one_or_its_parents(demo):
    init = said(demo.scratch_flags(of("init", language="any")))
    assert init["--text"] == [
        f"results/demo/data/{code}/text.parquet" for code in ("qaa", "qab", "qac")
    ]
    assert (init["--vocab-size"], init["--shares"]) == (["1600"], ["0.2", "1", "1"])
    given = changed("models.xlmr.tokenizer", "mine/tokenizer.json")
    given = said(Experiment(given).scratch_flags(of("init", language="any")))
    assert given["--tokenizer"] == ["results/demo/raw/mine/tokenizer.json"]
    assert "--vocab-size" not in given
    small = {"operation": "scratch", "parent": "base", "shape": SMALL}
    child = Experiment(changed("variants.small", small))
    wildcards = of("small", language="any")
    assert said(child.scratch_flags(wildcards))["--parent"] == [f"{MODELS}/xlmr/any/base"]
    assert child.parent_tokenizer(wildcards) == [f"{MODELS}/xlmr/any/base/{n}" for n in FOUR[2:]]
    assert demo.parent_tokenizer(of("init", language="any")) == child.text_files(wildcards) == []


def test_snakemakes_report_lists_tables_by_their_captions():
    """Braces would be taken for wildcards there."""
    config = changed("tables.table1.caption", "Size {small}")
    experiment = Experiment(config)
    found = experiment.block_labels(SimpleNamespace(table="table1"))
    assert found == {"table": "table1", "caption": "Size (small)"}


def test_processes_are_no_more_than_the_gpus_of_the_machine_that_trains(monkeypatch):
    config = changed("variants.kd.processes", 4)
    for visible, is_local, expected in (("0,1", True, 2), ("", True, 4), ("0,1", False, 4)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        experiment = Experiment(config, is_local=lambda is_local=is_local: is_local)
        assert experiment.training_processes(of("kd")) == expected
    assert "--processes" not in experiment.train_flags(of("kd"))


def test_the_whole_machine_is_what_the_run_has_or_what_a_cluster_is_asked_for():
    config = changed("deployment.threads", [1, 6, "all"])
    assert Experiment(config, cores=lambda: 3).whole_machine(of("kd")) == 3
    assert Experiment(config, is_local=lambda: False).whole_machine(of("kd")) == 6


def test_jobs_ask_a_cluster_for_twice_as_much_in_each_attempt(demo):
    asked = demo.on_cluster("train")
    assert asked["nodes"] == 1
    assert [asked["mem_mb"](of("kd"), attempt) for attempt in (1, 2)] == [32000, 64000]
    assert [asked["runtime"](of("kd"), attempt) for attempt in (1, 2)] == [1440, 2880]


def test_a_job_is_told_where_a_set_comes_from_and_how_much_of_it(demo):
    text = SimpleNamespace(language="qaa", set="text")
    assert demo.source(text) == "{files: [glotcc/qaa_Latn.jsonl], format: jsonl}"
    assert demo.raw_files(text) == ["results/demo/raw/glotcc/qaa_Latn.jsonl"]
    task = SimpleNamespace(language="qaa", task="ner")
    assert demo.raw_files(task)[0] == "results/demo/raw/wikiann/qaa/train.txt"
    assert said(demo.task_flags(task))["--labels"] == ["PER", "ORG", "LOC"]


def test_a_licence_is_told_to_no_reader():
    config = changed("data.text.default.license", "CC0")
    text = SimpleNamespace(language="qaa", set="text")
    assert "license" not in Experiment(config).source(text)
    assert "license" in json.dumps(Experiment(config).config["data"])


def test_what_is_invented_does_not_depend_on_what_is_evaluated(demo):
    more = Experiment(changed("languages.qab.evaluated", True))
    assert more.invented_files == demo.invented_files
    assert len(demo.invented_files) > 30


def test_an_adapter_run_is_told_of_its_task_and_its_own_settings():
    config = changed("variants.kd.reduction_factor", 2)
    found = said(Experiment(config).evaluation_flags(of("kd", task="ner")))
    assert found["--reduction-factor"] == ["2"]
    assert found["--checkpoint-choice"] == ["best"]
    assert found["--seeds"] == ["1", "2", "3"]
    assert (found["--model"], found["--variant"], found["--task"]) == (["xlmr"], ["kd"], ["ner"])
    assert "--checkpoint" not in found


def test_a_baseline_is_told_of_one_seed():
    config = changed("variants.majority", {"operation": "baseline", "method": "majority"})
    experiment = Experiment(config)
    found = said(experiment.baseline_flags(of("majority", task="tc")))
    assert (found["--method"], found["--seed"]) == (["majority"], ["1"])
    assert "majority" not in experiment.encoders.split("|")


def test_files_of_each_target(demo):
    tables = demo.target_files("tables")
    assert tables[:3] == [f"results/demo/tables/table1.{form}" for form in ("csv", "md", "tex")]
    assert len(tables) == 6 * 3
    assert demo.target_files("report") == ["results/demo/report.html"]
    cards = demo.target_files("cards")
    assert len(cards) == 2 * 10
    assert f"{MODELS}/xlmr/any/base/README.md" in cards
    assert demo.wanted_files == [*tables, "results/demo/report.html"]
    assert set(demo.target_files("deployment")) > {"results/demo/deployment/xlmr/qaa/kd.json"}
    assert demo.place_of("report") == "The report is results/demo/report.html."
    assert demo.place_of("cards") == "The cards are in results/demo/models."
    assert demo.place_of("tables") == "The tables are in results/demo/tables."


def test_a_report_waits_for_measurements_only_if_they_are_a_target(demo):
    awaiting = Experiment(changed("targets", ["deployment", "report"]))
    measured = "results/demo/deployment/xlmr/qaa/kd.json"
    assert measured in awaiting.report_inputs()
    assert measured not in demo.report_inputs()
    assert awaiting.report_measured() == []


def test_scripts_are_seen_from_the_current_folder(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert demo.script("train")["script"] == "scripts/train.py"
    assert demo.gpu_script("train")["on_gpu"] == "scripts/on_gpu.py"
    code = demo.script("train")["code"]
    monkeypatch.chdir(tmp_path)
    assert demo.script("train") == {"script": str(ROOT / "scripts/train.py"), "code": code}


def test_published_numbers_are_found_here_or_in_the_workflow(tmp_path, monkeypatch):
    path = "resources/paper/tables_1_and_6.csv"
    config = changed("tables.table1.published", path)
    monkeypatch.chdir(ROOT)
    assert Experiment(config).config["tables"]["table1"]["published"] == path
    monkeypatch.chdir(tmp_path)
    assert Experiment(config).config["tables"]["table1"]["published"] == str(ROOT / path)
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text("model,row\n")
    assert Experiment(config).config["tables"]["table1"]["published"] == path


@pytest.mark.parametrize("tables", [{"table1": None}, {"table1": {"published": 3}}, [], None])
def test_what_is_no_table_is_left_to_the_checks(tables):
    with pytest.raises(UserError, match="tables"):
        Experiment(DEMO | {"tables": tables})


def test_planning_imports_neither_snakemake_nor_anything_heavy():
    code = "import sys, monoglot.experiment; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "transformers", "adapters", "pandas", "matplotlib", "pyarrow", "scipy"}
    assert not ({"snakemake"} | heavy) & set(run.stdout.split())


def test_an_earlier_runs_jobs_are_asked_for_unless_another_snakemake_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = []
    monkeypatch.setattr(
        "monoglot.experiment.stop_earlier_runs", lambda notes: asked.append(notes) or ["7 (train)"]
    )
    monkeypatch.chdir(tmp_path)
    experiment = Experiment(DEMO)
    assert experiment.stop_earlier_runs() == ["7 (train)"]
    assert asked == [Path("results/demo/unfinished/slurm_runs.txt")]
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    for number in range(2):
        (tmp_path / f".snakemake/locks/{number}.output.lock").touch()
    assert experiment.stop_earlier_runs() == []
