"""Tables of text, examples, hyperparameters and adapters: cells, what is missing, and faults."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transformers import DistilBertConfig

from monoglot.errors import UserError
from monoglot.tables import kinds
from monoglot.tables.formats import to_latex, to_markdown
from monoglot.tokens.store import build_store

TWO = {"mt": "Maltese", "sk": "Slovak"}


@pytest.fixture
def texts(tmp_path):
    """Return a file of four Maltese documents, of 1.5 MB in all."""
    path = tmp_path / "text.parquet"
    documents = ["ż" * 250_000, "z" * 500_000, "z" * 250_000, "z" * 250_000]
    pq.write_table(pa.table({"text": documents}), path)
    return {"mt": str(path)}


def table(kind: str, block: dict):
    """Return the table of a block, as its job makes it."""
    entry = kinds()[kind]
    return entry.render([], entry.spec.checked(block, "the table"))


def column(variant: str, share: float, **more) -> dict:
    return {"variant": variant, "label": variant.upper(), "shares": {"mt": share}} | more


def corpora_block(texts: dict, *columns: dict) -> dict:
    return {"model": "m", "languages": TWO, "texts": texts, "columns": list(columns)}


def test_bytes_documents_and_shares(texts):
    made = table("corpora", corpora_block(texts, column("kd", 1), column("base", 0.1)))
    first, second = made.rows
    assert (first["kd_megabytes"], first["kd_documents"]) == ("1.50", "4")
    assert (first["base_megabytes"], first["base_documents"]) == ("0.500", "1")
    assert {second[name] for name in second if name not in ("language", "label")} == {""}
    assert "| Slovak     |       – |" in to_markdown(made)
    assert r"\multicolumn{2}{c}{KD}" in to_latex(made)
    assert r"Slovak & -- & -- & -- & -- \\" in to_latex(made)


def test_tokens_are_those_of_the_store(tiny_checkpoint, texts, tmp_path):
    build_store(["dog runs", "dog", "the dog runs"], tiny_checkpoint("bert"), tmp_path / "store")
    stores = {"mt": str(tmp_path / "store")}
    columns = (column("kd", 1, tokens=stores), column("base", 0.5, tokens=stores))
    made = table("corpora", corpora_block(texts, *columns))
    assert [c.name for c in made.columns][:3] == ["kd_megabytes", "kd_documents", "kd_tokens"]
    assert (made.rows[0]["kd_tokens"], made.rows[0]["base_tokens"]) == ("6", "3")
    assert made.rows[1]["kd_tokens"] == ""


def test_a_task_without_a_file_is_missing(tmp_path):
    path = tmp_path / "tc.parquet"
    pq.write_table(
        pa.table({"split": ["train"] * 3, "text": list("abc"), "label": ["x"] * 3}), path
    )
    files = {"tc": {"mt": str(path)}}
    made = table("examples", {"languages": TWO, "tasks": ["tc"], "examples": files})
    assert [(row["train"], row["test"]) for row in made.rows] == [("3", "0"), ("", "")]
    assert to_markdown(made).splitlines()[-1].count("–") == 3


def test_hyperparameters_are_shown_without_exponents():
    tasks = {"tc": {"learning_rate": 1e-05, "epochs": 20}, "ner": {"learning_rate": 3e-4}}
    made = table("hyperparameters", {"tasks": tasks, "rows": ["learning_rate", "epochs"]})
    assert [(row["tc"], row["ner"]) for row in made.rows] == [("0.00001", "0.0003"), ("20", "")]


def config(folder, hidden: int, layers: int) -> str:
    folder.mkdir()
    shape = {"hidden_size": hidden, "num_hidden_layers": layers}
    (folder / "config.json").write_text(json.dumps(shape))
    return str(folder / "config.json")


def test_adapters_by_model_and_the_mean_over_languages(tmp_path):
    one, two = config(tmp_path / "one", 8, 2), config(tmp_path / "two", 8, 4)
    block = {
        "columns": [{"model": "m", "label": "M"}, {"model": "n", "label": "N"}],
        "reduction_factor": 16,
        "rows": [{"variant": "a", "label": "A"}, {"variant": "b", "label": "B"}],
        "configs": {"a": {"m": [one], "n": [one, two]}, "b": {"m": [two]}},
    }
    made = table("adapters", block)
    # A bottleneck is at least 1 wide: 8 + 1 down, 8 + 8 up.
    assert [(row["m"], row["n"]) for row in made.rows] == [("50", "75"), ("100", "")]
    assert "reduction factor 16" in made.note


def test_distilbert_names_its_shape_otherwise(tmp_path):
    DistilBertConfig(dim=768, n_layers=6, vocab_size=10).save_pretrained(tmp_path)
    block = {
        "columns": [{"model": "m", "label": "M"}],
        "reduction_factor": 16,
        "rows": [{"variant": "a"}],
    }
    made = table("adapters", block | {"configs": {"a": {"m": [str(tmp_path / "config.json")]}}})
    assert made.rows[0]["m"] == "447264"


def good(tmp_path, texts) -> dict:
    """Return for each kind a block that is in order."""
    columns = {"columns": [{"model": "m", "label": "M"}]}
    configs = {"configs": {"a": {"m": [config(tmp_path / "c", 8, 2)]}}}
    return {
        "corpora": corpora_block(texts, column("kd", 1)),
        "examples": {"languages": TWO, "tasks": ["tc"], "examples": {}},
        "hyperparameters": {"tasks": {"tc": {}}, "rows": ["epochs"]},
        "adapters": columns | {"reduction_factor": 2, "rows": [{"variant": "a"}]} | configs,
    }


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("corpora", {"texts": {"mt": "none.parquet"}}, r"none\.parquet: there is no such file"),
        ("corpora", {"columns": []}, r"columns: \[\] should be non-empty"),
        ("corpora", {"column": []}, "the table: unknown key 'column'"),
        ("corpora", {"languages": ["mt"]}, r"languages: \['mt'\] is not of type object"),
        ("examples", {"examples": {"tc": {"mt": "no.parquet"}}}, "there is no such file"),
        ("examples", {"tasks": ["tc", "tc"]}, "tasks: .* has non-unique elements"),
        ("hyperparameters", {"rows": ["epoch"]}, r"rows\.0: 'epoch' must be one of learning_rate"),
        ("adapters", {"reduction_factor": 0}, "reduction_factor: 0 is less than the minimum of 1"),
        ("adapters", {"configs": {"a": {"m": ["x"]}}}, "x: holds no hidden size"),
    ],
)
def test_faults_are_refused(tmp_path, texts, kind, change, message):
    block = good(tmp_path, texts)[kind]
    table(kind, block)
    with pytest.raises(UserError, match=message):
        table(kind, block | change)
