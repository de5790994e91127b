"""Tables of text, examples, hyperparameters and adapters: cells, what is missing, and faults."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transformers import DistilBertConfig

from monoglot.errors import UserError
from monoglot.report import adapters, corpora, examples, hyperparameters
from monoglot.report.latex import to_latex
from monoglot.report.layout import to_markdown
from monoglot.tokens.store import build_store

TWO = {"mt": "Maltese", "sk": "Slovak"}


@pytest.fixture
def texts(tmp_path):
    """Return a file of four Maltese documents, of 1.5 MB in all."""
    path = tmp_path / "text.parquet"
    documents = ["ż" * 250_000, "z" * 500_000, "z" * 250_000, "z" * 250_000]
    pq.write_table(pa.table({"text": documents}), path)
    return {"mt": str(path)}


def column(variant: str, share: float, **more) -> dict:
    return {"variant": variant, "label": variant.upper(), "shares": {"mt": share}} | more


def corpora_block(texts: dict, *columns: dict) -> dict:
    return {"languages": TWO, "texts": texts, "columns": list(columns)}


def test_bytes_documents_and_shares(texts):
    table = corpora.render(corpora_block(texts, column("kd", 1), column("base", 0.1)))
    first, second = table.rows
    assert (first["kd_megabytes"], first["kd_documents"]) == ("1.50", "4")
    assert (first["base_megabytes"], first["base_documents"]) == ("0.500", "1")
    assert {second[name] for name in second if name not in ("language", "label")} == {""}
    assert "| Slovak     |       – |" in to_markdown(table)
    assert r"\multicolumn{2}{c}{KD}" in to_latex(table)
    assert r"Slovak & -- & -- & -- & -- \\" in to_latex(table)


def test_tokens_are_those_of_the_store(tiny_checkpoint, texts, tmp_path):
    build_store(["dog runs", "dog", "the dog runs"], tiny_checkpoint("bert"), tmp_path / "store")
    stores = {"mt": str(tmp_path / "store")}
    columns = (column("kd", 1, tokens=stores), column("base", 0.5, tokens=stores))
    table = corpora.render(corpora_block(texts, *columns))
    assert [c.name for c in table.columns][:3] == ["kd_megabytes", "kd_documents", "kd_tokens"]
    assert (table.rows[0]["kd_tokens"], table.rows[0]["base_tokens"]) == ("6", "3")
    assert table.rows[1]["kd_tokens"] == ""


def test_a_task_without_a_file_is_missing(tmp_path):
    path = tmp_path / "tc.parquet"
    pq.write_table(
        pa.table({"split": ["train"] * 3, "text": list("abc"), "label": ["x"] * 3}), path
    )
    files = {"tc": {"mt": str(path)}}
    table = examples.render({"languages": TWO, "tasks": ["tc"], "examples": files})
    assert [(row["train"], row["test"]) for row in table.rows] == [("3", "0"), ("", "")]
    assert to_markdown(table).splitlines()[-1].count("–") == 3


def test_hyperparameters_are_shown_without_exponents():
    tasks = {"tc": {"learning_rate": 1e-05, "epochs": 20}, "ner": {"learning_rate": 3e-4}}
    table = hyperparameters.render({"tasks": tasks, "rows": ["learning_rate", "epochs"]})
    assert [(row["tc"], row["ner"]) for row in table.rows] == [("0.00001", "0.0003"), ("20", "")]


def config(folder, hidden: int, layers: int) -> str:
    folder.mkdir()
    shape = {"hidden_size": hidden, "num_hidden_layers": layers}
    (folder / "config.json").write_text(json.dumps(shape))
    return str(folder / "config.json")


def test_adapters_by_model_and_the_mean_over_languages(tmp_path):
    one, two = config(tmp_path / "one", 8, 2), config(tmp_path / "two", 8, 4)
    block = {
        "models": {"m": "M", "n": "N"},
        "reduction_factor": 16,
        "rows": [{"variant": "a", "label": "A"}, {"variant": "b", "label": "B"}],
        "configs": {"a": {"m": [one], "n": [one, two]}, "b": {"m": [two]}},
    }
    table = adapters.render(block)
    # A bottleneck is at least 1 wide: 8 + 1 down, 8 + 8 up.
    assert [(row["m"], row["n"]) for row in table.rows] == [("50", "75"), ("100", "")]
    assert "reduction factor 16" in table.note


def test_distilbert_names_its_shape_otherwise(tmp_path):
    DistilBertConfig(dim=768, n_layers=6, vocab_size=10).save_pretrained(tmp_path)
    block = {"models": {"m": "M"}, "reduction_factor": 16, "rows": [{"variant": "a"}]}
    table = adapters.render(block | {"configs": {"a": {"m": [str(tmp_path / "config.json")]}}})
    assert table.rows[0]["m"] == "447264"


def good(tmp_path, texts) -> dict:
    """Return for each kind its function and a block that is in order."""
    rows = {"rows": [{"variant": "a"}]}
    configs = {"configs": {"a": {"m": [config(tmp_path / "c", 8, 2)]}}}
    return {
        "corpora": (corpora.render, corpora_block(texts, column("kd", 1))),
        "examples": (examples.render, {"languages": TWO, "tasks": ["tc"], "examples": {}}),
        "hyperparameters": (hyperparameters.render, {"tasks": {"tc": {}}, "rows": ["epochs"]}),
        "adapters": (
            adapters.render,
            {"models": {"m": "M"}, "reduction_factor": 2} | rows | configs,
        ),
    }


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("corpora", {"texts": {"mt": "none.parquet"}}, r"none\.parquet: there is no such file"),
        ("corpora", {"columns": []}, "'columns': .* at least one"),
        ("corpora", {"column": []}, "a table of corpora has the unknown key 'column'"),
        ("corpora", {"languages": ["mt"]}, "'languages': .* must map names to labels"),
        ("examples", {"examples": {"tc": {"mt": "no.parquet"}}}, "there is no such file"),
        ("examples", {"tasks": ["tc", "tc"]}, "'tasks': 'tc' stands there twice"),
        ("hyperparameters", {"rows": ["epoch"]}, "'rows': 'epoch' is none of learning_rate"),
        ("adapters", {"reduction_factor": 0}, "0 must be a whole number from 1"),
        ("adapters", {"configs": {"a": {"m": ["x"]}}}, "x: holds no hidden size"),
    ],
)
def test_faults_are_refused(tmp_path, texts, kind, change, message):
    render, block = good(tmp_path, texts)[kind]
    render(block)
    with pytest.raises(UserError, match=message):
        render(block | change)
