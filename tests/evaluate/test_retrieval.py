"""Finding translations: neighbours beside a naive twin, and the whole job."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from hub_stand_in import Hub, serve
from safetensors.torch import save_file

from monoglot.compare import compare, read_results
from monoglot.errors import UserError
from monoglot.evaluate import make_task
from monoglot.evaluate.records import FIELDS, read_record
from monoglot.evaluate.scoring import TextEncoder, score
from monoglot.evaluate.task import Names
from monoglot.evaluate.task_retrieval import Retrieval, chances, nearest
from monoglot.files import sha256
from monoglot.tables.scores import Cell, ScoresSpec, common_seeds, render
from tests.evaluate.conftest import write_parquet

NAMES = Names("xlmr", "mt", "base")
WORDS = ["kelb", "qattus", "dar", "kbira", "fil", "belt", "dog", "cat", "house", "runs"]
TASK = Retrieval(metric="bitext_accuracy", max_length=32).named("bitext")


def drawn(seed: int, number: int = 12) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(2, 9))) for _ in range(number)]


@pytest.fixture
def examples(tmp_path) -> Path:
    """Sentences, half of whose translations are the sentences themselves."""
    sources, others = drawn(0), drawn(1)
    targets = [
        one if i % 2 else other for i, (one, other) in enumerate(zip(sources, others, strict=True))
    ]
    columns = {"split": ["test"] * 12, "source": sources, "target": targets}
    return write_parquet(tmp_path / "bitext.parquet", columns)


def run(checkpoint: Path, examples: Path, out: Path, task: Retrieval = TASK, **more) -> dict:
    score(checkpoint, examples, task, 1, NAMES, out, **more)
    return read_record(out / "seed1.json")


# Neighbours


def test_neighbours_and_ranks_are_those_of_sorting(monkeypatch):
    monkeypatch.setattr("monoglot.evaluate.task_retrieval.SIMILARITIES", 50)
    draw = torch.Generator().manual_seed(0)
    queries, candidates = (torch.randn(17, 5, generator=draw) for _ in range(2))
    found, ranks = nearest(queries, candidates)
    for i, query in enumerate(queries):
        order = sorted(range(17), key=lambda j: -float(query @ candidates[j]))
        assert (found[i], ranks[i]) == (order[0], 1 + order.index(i))


def test_an_encoder_to_which_all_is_alike_is_at_chance():
    vectors = torch.ones(8, 3)
    outcome = TASK.outcome(vectors, vectors)
    assert outcome.scores["bitext_accuracy"] == outcome.chance["bitext_accuracy"] == 1 / 8
    assert outcome.scores["bitext_mrr"] == pytest.approx(outcome.chance["bitext_mrr"])
    assert outcome.scores["majority"] == 1 / 8
    assert outcome.scores["bitext_f1"] < outcome.chance["bitext_f1"]


def test_chance_is_what_an_order_at_random_scores():
    draw = torch.Generator().manual_seed(0)
    found = [
        TASK.outcome(*(torch.randn(6, 40, generator=draw) for _ in range(2))).scores
        for _ in range(600)
    ]
    for name, chance in chances(6).items():
        mean = sum(scores[name] for scores in found) / len(found)
        assert mean == pytest.approx(chance, abs=0.015), name
    assert all(chance == 1 for chance in chances(1).values())


def test_cosine_does_not_mind_lengths_and_the_inner_product_does():
    sources = torch.eye(3)
    targets = torch.eye(3) + torch.tensor([[0.0, 9.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    dot = TASK.changed(similarity="dot").outcome(sources, targets).scores
    assert TASK.outcome(sources, targets).scores["accuracy_to_target"] == pytest.approx(1)
    assert dot["accuracy_to_target"] == pytest.approx(2 / 3)


# The job


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "modernbert"])
def test_a_record_has_every_key_and_the_same_bytes_each_time(
    tiny_checkpoint, examples, tmp_path, family
):
    checkpoint = tiny_checkpoint(family)
    record = run(checkpoint, examples, tmp_path / "a")
    assert set(record) == {*FIELDS, "git_commit"}
    assert record["score"] == record["scores"]["bitext_accuracy"] >= 0.5
    assert record["chance"]["bitext_accuracy"] == record["scores"]["majority"] == 1 / 12
    assert "cosine_kept" not in record["scores"]
    assert record["errors"].keys() == record["chance"].keys()
    assert (record["n_train"], record["n_test"], record["adapter_parameters"]) == (0, 12, 0)
    assert record["inputs"]["examples"] == sha256(examples)
    assert record["settings"]["pooling"] == "mean"
    run(checkpoint, examples, tmp_path / "b")
    files = [tmp_path / name / "seed1.predictions.parquet" for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()
    rows = pq.read_table(files[0]).to_pylist()
    assert [(row["sentence"], row["query"]) for row in rows[:3]] == [
        (0, "source"),
        (0, "target"),
        (1, "source"),
    ]
    right = sum(row["gold"] == row["predicted"] for row in rows) / len(rows)
    assert right == record["score"]
    assert all((row["rank"] == 1) == (row["gold"] == row["predicted"]) for row in rows)


def test_vectors_are_the_mean_of_the_last_states(tiny_checkpoint):
    encoder = TextEncoder.load(tiny_checkpoint("bert"), None, TASK.changed(prefix="fil "))
    ids = torch.tensor([encoder.tokenizer("fil kelb kbira")["input_ids"]])
    with torch.no_grad():
        states = encoder.model.bert(ids.to(encoder.model.device)).last_hidden_state[0].cpu()
    torch.testing.assert_close(encoder.vectors(["kelb kbira"])[0], states.mean(0))
    first = TextEncoder.load(encoder.checkpoint, None, TASK.changed(prefix="fil ", pooling="cls"))
    torch.testing.assert_close(first.vectors(["kelb kbira"])[0], states[0])


def test_words_beyond_the_longest_input_are_counted(tiny_checkpoint, examples, tmp_path):
    record = run(tiny_checkpoint("bert"), examples, tmp_path / "a", TASK.changed(max_length=8))
    assert 0 < record["n_test_words_cut"] < record["n_test_words"]
    assert run(tiny_checkpoint("bert"), examples, tmp_path / "b")["n_test_words_cut"] == 0


def test_the_other_side_by_another_variant(tiny_checkpoint, examples, tmp_path):
    checkpoint, task = tiny_checkpoint("bert"), TASK.changed(targets_from="base")
    alone = run(checkpoint, examples, tmp_path / "a")["scores"]
    same = run(checkpoint, examples, tmp_path / "b", task, other=checkpoint)["scores"]
    assert same.pop("cosine_kept") == pytest.approx(1)
    assert same == pytest.approx(alone)
    found = run(checkpoint, examples, tmp_path / "c", task, other=tiny_checkpoint("xlm-roberta"))
    assert found["scores"]["cosine_kept"] < 0.9
    assert found["errors"]["cosine_kept"] > 0
    assert "cosine_kept" not in found["chance"]
    table = pq.read_table(tmp_path / "c" / "seed1.predictions.parquet").to_pydict()
    cosines = [one for one in table["cosine"] if one is not None]
    assert found["scores"]["cosine_kept"] == pytest.approx(max(0, sum(cosines) / 12))


def test_two_results_are_tested_though_there_are_no_seeds(tiny_checkpoint, examples, tmp_path):
    for name, family in (("one", "bert"), ("two", "xlm-roberta")):
        run(tiny_checkpoint(family), examples, tmp_path / name / "scores/xlmr/mt/base/bitext")
    (cell,) = compare(read_results(tmp_path / "one"), read_results(tmp_path / "two")).cells
    assert 0 < cell.test.p <= 1
    assert cell.test.value == pytest.approx(float(cell.points) / 100)


# The files of a sentence encoder


@pytest.fixture
def files(tiny_checkpoint, tmp_path) -> Path:
    """The folder of a model with the files of a sentence encoder: first token, a dense layer."""
    folder, modules = tmp_path / "published", "sentence_transformers.models."
    folder.mkdir()
    (folder / "config.json").write_bytes((tiny_checkpoint("bert") / "config.json").read_bytes())
    said = {
        "modules.json": [
            {"idx": i, "name": str(i), "path": path, "type": modules + kind}
            for i, (path, kind) in enumerate(
                [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense")]
            )
        ],
        "1_Pooling/config.json": {"word_embedding_dimension": 24, "pooling_mode_cls_token": True},
        "2_Dense/config.json": {"in_features": 24, "out_features": 6, "bias": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "dar: "},
            "default_prompt_name": "query",
        },
    }
    for name, about in said.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(about))
    save_file({"linear.weight": torch.eye(24)[:6]}, folder / "2_Dense" / "model.safetensors")
    return folder


def test_the_files_say_how_vectors_are_made_and_the_task_overrules_them(
    tiny_checkpoint, examples, files, tmp_path
):
    checkpoint = tiny_checkpoint("bert")
    record = run(checkpoint, examples, tmp_path / "a", files=files)
    assert record["settings"]["pooling"] == "cls"
    assert record["settings"]["prefix"] == "dar: "
    assert TextEncoder.load(checkpoint, files, TASK).width == 6
    plain = TextEncoder.load(checkpoint, files, TASK.changed(pooling="cls", prefix=""))
    assert (plain.width, plain.sentences.prompt) == (24, "")


SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.parametrize("with_files", [True, False])
def test_the_files_of_a_model_on_the_hub_say_so_too(
    tiny_checkpoint, examples, files, tmp_path, with_files
):
    """As the jobs take it: the checkpoint first, then its scores, which need no network then."""
    published = [*tiny_checkpoint("bert").iterdir()]
    folders = {file: file.name for file in published if file.is_file()}
    if with_files:
        inside = (file for file in files.rglob("*") if file.is_file())
        folders |= {file: file.relative_to(files).as_posix() for file in inside}
    served = {name: file.read_bytes() for file, name in folders.items()}
    served |= {"onnx/model.safetensors": b"", "1_Pooling/README.md": b""}
    where = ["--hub", "some/encoder", "--revision", "a" * 40]
    environment = {"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"}
    environment |= {"HF_HOME": str(tmp_path / "home"), "PYTHONPATH": str(SCRIPTS.parent)}

    def job(name: str, *arguments: str | Path, **more: str) -> None:
        command = [sys.executable, SCRIPTS / f"{name}.py", *where, *arguments]
        done = subprocess.run(command, env=environment | more, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    with serve(Hub({"models/some/encoder": {"a" * 40: served}})) as hub:
        job("pretrained", "--family", "bert", "--out", tmp_path / "base", HF_ENDPOINT=hub.address)
    assert not [r for r in hub.requests if r.path.endswith(("onnx/model.safetensors", "README.md"))]
    about = ["--checkpoint", tmp_path / "base", "--examples", examples, "--out", tmp_path / "out"]
    about += ["--model", "m", "--language", "mt", "--variant", "base", "--task", "bitext"]
    about += ["--kind", "retrieval", "--metric", "bitext_accuracy", "--max-length", "32"]
    job("score", *about, HF_HUB_OFFLINE="1")
    found = read_record(tmp_path / "out" / "seed1.json")
    wanted = run(tmp_path / "base", examples, tmp_path / "b", files=files if with_files else None)
    assert found["settings"] == wanted["settings"]
    assert found["scores"] == wanted["scores"]
    assert found["settings"]["pooling"] == ("cls" if with_files else "mean")


def test_dense_layers_over_another_width_are_refused(tiny_checkpoint, files):
    config = json.loads((files / "config.json").read_text())
    (files / "config.json").write_text(json.dumps(config | {"hidden_size": 48}))
    for name in ("1_Pooling", "2_Dense"):
        about = json.loads((files / name / "config.json").read_text())
        key = {"1_Pooling": "word_embedding_dimension", "2_Dense": "in_features"}[name]
        (files / name / "config.json").write_text(json.dumps(about | {key: 48}))
    save_file({"linear.weight": torch.eye(48)[:6]}, files / "2_Dense" / "model.safetensors")
    with pytest.raises(UserError, match="dense layers over 48 dimensions, but the checkpoint has"):
        TextEncoder.load(tiny_checkpoint("bert"), files, TASK)
    TextEncoder.load(tiny_checkpoint("bert"), files, TASK.changed(pooling="mean"))


# What is refused


def test_variants_of_other_widths_are_refused(tiny_checkpoint, examples, files, tmp_path):
    checkpoint = tiny_checkpoint("bert")
    encoders = [TextEncoder.load(checkpoint, one, TASK) for one in (None, files)]
    with pytest.raises(UserError, match=r"makes vectors of 6 dimensions, but .* of 24; the"):
        TASK.scored(TASK.split(examples, "test"), *encoders)


def test_what_does_not_fit_is_one_sentence(tiny_checkpoint, texts_file, examples, tmp_path):
    checkpoint = tiny_checkpoint("bert")
    with pytest.raises(UserError, match="max_length is 200, but the model has"):
        run(checkpoint, examples, tmp_path / "a", TASK.changed(max_length=200))
    with pytest.raises(UserError, match="holds no examples of retrieval, which task bitext is"):
        run(checkpoint, texts_file, tmp_path / "a")
    with pytest.raises(UserError, match="there is no such file"):
        run(checkpoint, tmp_path / "none.parquet", tmp_path / "a")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"metric": "accuracy"}, "metric: 'accuracy' is not for retrieval; choose one of bitext_a"),
        ({"metric": "cosine_kept"}, "metric: 'cosine_kept' is to the vectors of another variant"),
        ({"pooling": "sum"}, "pooling: 'sum' must be one of mean, cls"),
        ({"max_length": 2}, "max_length: 2 is less than the minimum of 8"),
    ],
)
def test_bad_keys_are_refused(about, message):
    with pytest.raises(UserError, match=rf"^tasks\.bitext\.{message}"):
        make_task("bitext", {"kind": "retrieval"} | about, "tasks.bitext")
    assert (
        make_task("b", {"kind": "retrieval", "targets_from": "base"}).metrics[-1] == "cosine_kept"
    )


# Where scores are shown


def test_a_table_has_the_interval_of_one_run_and_says_what_chance_is(
    tiny_checkpoint, examples, tmp_path
):
    record = run(tiny_checkpoint("bert"), examples, tmp_path / "a")
    about = {
        "model": "xlmr",
        "languages": ["mt"],
        "tasks": ["bitext"],
        "rows": [{"variant": "base"}],
    }
    spec = ScoresSpec.checked(about)
    table = render([record | {"task": "bitext"}], spec)
    (row,) = table.rows
    assert float(row["mt_bitext_low"]) < float(row["mt_bitext"]) <= float(row["mt_bitext_high"])
    assert row["mt_bitext_chance"] == "8.33"
    assert table.note == (
        "Scores in percent (BITEXT: bitext accuracy), of models as they are. "
        "Intervals (95 %) count other test examples as chance."
    )
    low = dict.fromkeys(record["scores"], 0.05)
    found = render([record | {"task": "bitext", "score": 0.05, "scores": low}], spec)
    assert "° marks what is not above always giving an order at random." in found.note


def test_scores_with_and_without_seeds_stand_in_one_table(tiny_checkpoint, examples, tmp_path):
    record = run(tiny_checkpoint("bert"), examples, tmp_path / "a") | {"task": "bitext"}
    others = [
        record
        | {"task": "tc", "seed": seed, "metric": "macro_f1", "scores": {"macro_f1": value}}
        | {"score": value, "errors": {"macro_f1": 0.01}, "chance": {"macro_f1": 0.2}}
        for seed, value in ((1, 0.5), (2, 0.6))
    ]
    about = {"model": "xlmr", "languages": ["mt"], "tasks": ["tc", "bitext"]}
    table = render([record, *others], ScoresSpec.checked(about | {"rows": [{"variant": "base"}]}))
    assert "mean over 2 seeds; BITEXT of models as they are." in table.note
    assert table.rows[0]["avg_low"]
    cells = [
        Cell.of({record["seed"]: record}, "bitext_accuracy"),
        Cell.of({one["seed"]: one for one in others}, "macro_f1"),
    ]
    assert common_seeds(cells) == [1, 2]
    assert cells[0].of_seed(2) == cells[0].mean
