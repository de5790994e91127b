"""Tables 2 to 5 of the paper: its numbers turned into inputs come back, with no difference."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from transformers import BertConfig, XLMRobertaConfig

from monoglot.graph import Graph
from monoglot.tables import corpora, kinds
from monoglot.tables.base import Table, compared, read_published
from monoglot.tables.formats import to_csv

ROOT = Path(__file__).parents[2]
PAPER = ROOT / "resources" / "paper"
LANGUAGES = {"mt": "Maltese", "sk": "Slovak", "sw": "Swahili"}
CONFIGS = {"bert": BertConfig, "xlm-roberta": XLMRobertaConfig}


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Return the graph of config.yaml, which names its files from the project's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return Graph(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))


def assert_published(kind: str, block: dict, number: int) -> Table:
    """Make a table; every number of the paper's is in it, and the differences are zero."""
    path, keys = PAPER / f"table{number}.csv", kinds()[kind].keys
    table = kinds()[kind].render([], kinds()[kind].spec.checked(block, "the table"))
    rows = {tuple(row[key] for key in keys): row for row in compared(table, path, keys).rows}
    published = read_published(path, keys)
    assert list(rows) == list(published)
    for key, numbers in published.items():
        for column, value in numbers.items():
            assert Decimal(rows[key][column]) == value, (key, column)
            assert Decimal(rows[key][f"difference_{column}"]) == 0
    assert to_csv(table).count("\n") == 1 + len(published)
    return table


def test_table_2(tmp_path, monkeypatch):
    # Documents of a hundred bytes, a thousandth of the published size: half of them two-byte.
    monkeypatch.setattr(corpora, "BYTES_PER_MEGABYTE", 1_000)
    published = read_published(PAPER / "table2.csv", corpora.KIND.keys)
    texts, shares = {}, {"kd": {}, "adapted": {}}
    for (language,), numbers in published.items():
        sizes = {name: int(numbers[f"{name}_megabytes"]) for name in shares}
        texts[language] = str(tmp_path / f"{language}.parquet")
        documents = ["ħ" * 50 if i % 2 else "h" * 100 for i in range(10 * max(sizes.values()))]
        pq.write_table(pa.table({"text": documents}), texts[language])
        for name in shares:
            shares[name][language] = sizes[name] / max(sizes.values())
    columns = [{"variant": name, "label": name, "shares": shares[name]} for name in shares]
    block = {"model": "m", "languages": LANGUAGES, "texts": texts, "columns": columns}
    assert_published("corpora", block, 2)


def test_table_3(tmp_path):
    files: dict[str, dict[str, str]] = {}
    for (task, language), numbers in read_published(
        PAPER / "table3.csv", kinds()["examples"].keys
    ).items():
        path = tmp_path / f"{task}-{language}.parquet"
        files.setdefault(task, {})[language] = str(path)
        splits = [split for split, number in numbers.items() for _ in range(int(number))]
        cells = {"text": ["x"] * len(splits), "label": ["y"] * len(splits)}
        if task in ("ner", "pos"):
            cells = {"tokens": [["x"]] * len(splits), "tags": [["y"]] * len(splits)}
        pq.write_table(pa.table({"split": splits} | cells), path)
    block = {"languages": LANGUAGES, "tasks": ["tc", "sa", "ner", "pos"], "examples": files}
    assert_published("examples", block, 3)


def test_table_4_is_what_the_papers_grid_is_configured_with(graph):
    rows = graph.config["tables"]["table4"]["rows"]
    block = {"tasks": graph.config["tasks"], "rows": rows}
    assert_published("hyperparameters", block, 4)


def test_table_5_from_checkpoints_of_true_shape(graph, tmp_path):
    spec = graph.config["tables"]["table5"]
    models = [column["model"] for column in spec["columns"]]
    write = config_writer(graph, tmp_path)
    configs = {
        row["variant"]: {model: [write(model, row["variant"])] for model in models}
        for row in spec["rows"]
    }
    keys = ("columns", "rows", "reduction_factor")
    block = {key: spec[key] for key in keys} | {"configs": configs}
    table = assert_published("adapters", block, 5)
    assert len(table.rows) == 10
    assert table.rows[-1]["mbert"] == "73122"


def config_writer(graph: Graph, folder: Path) -> Callable[[str, str], str]:
    """Return a function that writes the configuration of a variant, as its checkpoint has it."""

    def write(model: str, variant: str) -> str:
        shape: Mapping[str, int] = graph.shape(graph.checkpoint(model, "mt", variant))
        made = CONFIGS[graph.config["models"][model]["family"]](
            hidden_size=shape["hidden_size"],
            num_hidden_layers=shape["layers"],
            num_attention_heads=shape["heads"],
            intermediate_size=shape["ffn_size"],
        )
        made.save_pretrained(folder / model / variant)
        return str(folder / model / variant / "config.json")

    return write
