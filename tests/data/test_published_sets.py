"""The published sets, where they are at hand, have the sizes of the paper's Table 3."""

import os
from collections import Counter
from pathlib import Path

import pytest
import yaml

from monoglot.config import complete, source_of
from monoglot.data.parquet import (
    count_examples,
    prepare_task,
    prepare_text,
    read_examples,
    read_texts,
)
from monoglot.data.readers import SPLITS, TaggedExample, TextExample
from monoglot.evaluate import make_task
from monoglot.files import sha256
from monoglot.tables.base import compared
from monoglot.tables.examples import KIND, ExamplesSpec

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("MONOGLOT_DATA", ROOT.parent / "shared" / "data"))
TABLE_3 = ROOT / "resources" / "paper" / "table3.csv"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"there is no folder {DATA}"),
]

FLORES = {"mt": "mlt_Latn", "sk": "slk_Latn", "sw": "swh_Latn"}
TOPICS = ["science/technology", "travel", "politics", "sports"]
TOPICS += ["health", "entertainment", "geography"]
UPOS = ["ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"]
UPOS += ["PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"]
LABELS = {
    "tc": TOPICS,
    "sa": ["negative", "positive"],
    "ner": ["PER", "ORG", "LOC"],
    "pos": UPOS,
}
SNK_TRAIN = "ud/UD_Slovak-SNK/sk_snk-ud-train.rebuilt.conllu"


def by_split(pattern: str) -> dict[str, str]:
    return {split: pattern.format(split=split) for split in SPLITS}


def source(task: str, language: str) -> dict:
    if task == "tc":
        folder = f"sib200/{FLORES[language]}"
        return {"format": "sib200", "files": by_split(folder + "/{split}.tsv")}
    if task == "ner":
        return {"format": "wikiann", "files": by_split(f"wikiann/{language}/{{split}}.txt")}
    return SOURCES[task, language]


SOURCES = {
    ("sa", "mt"): {"format": "sentiment", "files": by_split("sentiment/mt/{split}.csv")},
    ("sa", "sk"): {"format": "sentiment", "files": by_split("sentiment/sk/{split}.csv")},
    ("sa", "sw"): {
        "format": "afrisenti",
        "files": by_split("afrisenti/swa/{split}.tsv"),
        "drop_labels": ["neutral"],
    },
    ("pos", "mt"): {
        "format": "conllu",
        "files": by_split("ud/UD_Maltese-MUDT/mt_mudt-ud-{split}.conllu"),
    },
    ("pos", "sk"): {
        "format": "conllu",
        "files": by_split("ud/UD_Slovak-SNK/sk_snk-ud-{split}.conllu") | {"train": SNK_TRAIN},
    },
    ("pos", "sw"): {"format": "token_tag", "files": by_split("masakhapos/swa/{split}.txt")},
}


TASKS = {
    task: make_task(
        task,
        {
            "kind": "tagging" if task in ("ner", "pos") else "classification",
            "scheme": "iob2" if task == "ner" else "plain",
            "labels": labels,
        },
    )
    for task, labels in LABELS.items()
}


def prepare(task: str, source: dict, out: Path) -> Path:
    prepare_task(source, TASKS[task], out, DATA)
    return out


def test_table_3_comes_out_with_no_difference(tmp_path: Path) -> None:
    files = {
        task: {
            one: str(prepare(task, source(task, one), tmp_path / f"{task}-{one}")) for one in FLORES
        }
        for task in LABELS
    }
    block = {"languages": {one: one for one in FLORES}, "tasks": list(LABELS), "examples": files}
    rows = compared(KIND.render([], ExamplesSpec.checked(block)), TABLE_3, KIND.keys).rows
    assert len(rows) == 12
    assert {row[f"difference_{split}"] for row in rows for split in SPLITS} == {"+0"}


def test_afrisenti_with_ids_is_the_same_set(tmp_path: Path) -> None:
    one = prepare("sa", source("sa", "sw"), tmp_path / "one")
    files = by_split("afrisenti/subtaskA/sw_{split}.tsv")
    two = prepare("sa", {**source("sa", "sw"), "files": files}, tmp_path / "two")
    assert read_examples(one, "test", TextExample) == read_examples(two, "test", TextExample)


@pytest.mark.parametrize("language", ["mt", "sk", "sw"])
def test_the_papers_configuration_has_the_hashes_of_the_published_files(language: str) -> None:
    source = yaml.safe_load((ROOT / "config.yaml").read_text())["data"]["pos"][language]
    for split, digest in source["sha256"].items():
        assert sha256(DATA / source["files"][split]) == digest
    assert set(SPLITS) - set(source["sha256"]) == ({"train"} if language == "sk" else set())


AFRISENTI_SIZES = {
    "kin": [3302, 827, 1026],
    "swa": [1810, 453, 748],
    "hau": [14172, 2677, 5303],
    "ibo": [10192, 1841, 3682],
    "yor": [8522, 2090, 4515],
}


@pytest.mark.parametrize("language", AFRISENTI_SIZES)
def test_afrisenti_with_all_three_labels(tmp_path: Path, language: str) -> None:
    """The sizes that AfroXLMR-Comet gives; the folder need not hold all five languages."""
    config = complete(yaml.safe_load((ROOT / "configs/comet.yaml").read_text()))
    source = source_of(config, "sa", language)
    source.pop("license", None)  # which the rules do not pass on to readers
    if not (DATA / source["files"]["train"]).is_file():
        pytest.skip(f"there is no AfriSenti for {language}")
    out = tmp_path / "task"
    prepare_task(source, make_task("sa", config["tasks"]["sa"]), out, DATA)
    assert list(count_examples(out).values()) == AFRISENTI_SIZES[language]
    if language == "swa":
        counts = Counter(example.label for example in read_examples(out, "test", TextExample))
        assert counts == {"neutral": 444, "positive": 224, "negative": 80}


def test_label_counts(tmp_path: Path) -> None:
    topics = prepare("tc", source("tc", "mt"), tmp_path / "tc")
    counts = Counter(example.label for example in read_examples(topics, "test", TextExample))
    assert [counts[label] for label in TOPICS] == [51, 40, 30, 25, 22, 19, 17]
    sentiment = prepare("sa", source("sa", "sk"), tmp_path / "sa")
    counts = Counter(example.label for example in read_examples(sentiment, "train", TextExample))
    assert counts == {"negative": 534, "positive": 3026}


@pytest.mark.parametrize(
    ("task", "language", "words"),
    [
        ("ner", "mt", [874, 843, 853]),
        ("ner", "sk", [162288, 80830, 80606]),
        ("ner", "sw", [5597, 5609, 5786]),
        ("pos", "mt", [22880, 10209, 11073]),
        ("pos", "sk", [80628, 12733, 12736]),
        ("pos", "sw", [21290, 3745, 15754]),
    ],
)
def test_word_counts(tmp_path: Path, task: str, language: str, words: list[int]) -> None:
    out = prepare(task, source(task, language), tmp_path / "task")
    examples = {split: read_examples(out, split, TaggedExample) for split in SPLITS}
    assert [sum(len(one.tokens) for one in rows) for rows in examples.values()] == words
    tokens = {token for example in examples["test"] for token in example.tokens}
    assert not any(token.startswith(f"{language}:") for token in tokens)


@pytest.mark.parametrize("language", ["mt", "sk", "sw"])
def test_flores(tmp_path: Path, language: str) -> None:
    for split, size in (("dev", 997), ("devtest", 1012)):
        name = f"flores200/{split}/{FLORES[language]}.{split}"
        prepare_text({"format": "lines", "files": [name]}, tmp_path / split, DATA)
        assert sum(1 for _ in read_texts(tmp_path / split)) == size


@pytest.mark.parametrize("language", ["mt", "sk", "sw"])
def test_raw_text_reads_with_the_largest_files_capped(tmp_path: Path, language: str) -> None:
    names = sorted(path.name for path in (DATA / "raw" / language).glob("*.txt.gz"))
    assert len(names) > 4
    files = [{"path": f"raw/{language}/{name}", "limit_megabytes": 1} for name in names]
    prepare_text({"format": "lines", "files": files}, tmp_path / "text", DATA)
    texts = list(read_texts(tmp_path / "text"))
    assert 1e6 < sum(len(text.encode()) for text in texts) <= len(names) * 1e6
    assert not any("\r" in text or "\n" in text for text in texts)
