"""A new metric is one entry, a new kind of task one module: both go all the way to a card."""

import json

import pyarrow.parquet as pq
import pytest
import yaml
from project_copy import Project

METRIC = '''def halves(gold: Labels, predicted: Labels) -> float:
    """Half right: share of texts with the right label, halved."""
    return accuracy(gold, predicted) / 2


METRICS: dict'''

KIND = '''"""The kind of task that rates texts; its examples have columns of their own."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from monoglot.data.readers import Example, TextExample
from monoglot.evaluate.metrics import LABELS
from monoglot.evaluate.task import TrainedTask
from monoglot.evaluate.task_classification import Classification


@dataclass(frozen=True, slots=True)
class RatedExample(Example):
    review: str
    stars: str


class Rating(TrainedTask):
    """Rates whole texts."""

    kind: Literal["rating"] = "rating"
    best: int = 5
    """The most stars."""

    compares: ClassVar = (LABELS,)
    example: ClassVar = RatedExample
    on_hub: ClassVar = "text-rating"
    first_state_only: ClassVar = True
    stock: ClassVar = "AutoModelForSequenceClassification"

    def read(self, source, split, root):
        from monoglot.data.sources import text_examples

        for example in text_examples(source, split, self.labels, root):
            yield RatedExample(example.text, example.label)

    def gold(self, example):
        return example.stars

    def encode(self, examples, tokenizer, pad, label_subtokens="all"):
        texts = [TextExample(example.review, example.stars) for example in examples]
        return self._classification.encode(texts, tokenizer, pad)

    def add_head(self, model, name):
        self._classification.add_head(model, name)

    def decoded(self, train, test, encoded, predicted):
        return self.outcome(train, test, [self.classes[index] for index in predicted.tolist()])

    def predictions(self, gold, predicted):
        return self._classification.predictions(gold, predicted)

    @property
    def _classification(self):
        return Classification(labels=self.labels)


TASK = Rating
'''

TUNING = {"learning_rate": 0.01, "batch_size": 4, "epochs": 1, "max_length": 16}
TASKS = {
    "stars": {"kind": "rating", "labels": ["*", "**"], "metric": "halves", "best": 2, **TUNING},
    "bitext": {"kind": "retrieval", "metric": "bitext_f1", "prefix": "il ", "max_length": 16},
}
PARALLEL = {"format": "parallel", "files": {"source": "mt.txt", "target": "en.txt"}}


@pytest.fixture
def extended(tiny_checkpoint, tmp_path) -> Project:
    """Return a copy of the project with a metric and a kind more, and an experiment with both."""
    project = Project(tmp_path / "project")
    project.edit("monoglot/evaluate/metrics.py", "METRICS: dict", METRIC)
    entry = 'Metric(accuracy, LABELS, "accuracy", counted=Counted(_right, _share)),'
    project.edit(
        "monoglot/evaluate/metrics.py", entry, f'{entry}\n        Metric(halves, LABELS, "half"),'
    )
    (project.folder / "monoglot/evaluate/task_rating.py").write_text(KIND, encoding="utf-8")
    rows = [f"kelb {'kbira' * (number % 2)}\t{'*' * (1 + number % 2)}" for number in range(8)]
    raw = project.folder / "data"
    raw.mkdir()
    for split in ("train", "dev", "test"):
        (raw / f"{split}.tsv").write_text("\n".join(["tweet\tlabel", *rows, ""]))
    (raw / "mt.txt").write_text("kelb\nqattus fil dar\nbelt kbira\n")
    (raw / "en.txt").write_text("dog\nqattus fil dar\ncat\n")
    source = {"format": "afrisenti", "files": {s: f"{s}.tsv" for s in ("train", "dev", "test")}}
    shape = {"layers": 4, "hidden_size": 24, "heads": 4, "ffn_size": 48, "max_positions": 64}
    texts = {"default": {"format": "lines", "files": ["train.tsv"]}}
    config = {
        "results": "results",
        "data": {
            "root": "data",
            **dict.fromkeys(("text", "validation", "heldout"), texts),
            "stars": {"default": source},
            "bitext": {"default": PARALLEL},
        },
        "models": {
            "bert": {"family": "bert", "folder": str(tiny_checkpoint("bert")), "shape": shape}
        },
        "languages": {"mt": {"name": "Maltese"}},
        "tasks": TASKS,
        "seeds": [1, 2],
        "variants": {"base": {"operation": "pretrained"}},
        "tables": {
            "table": {"model": "bert", "tasks": ["stars"], "rows": [{"variant": "base"}]},
            "both": {"model": "bert", "rows": [{"variant": "base"}]},
        },
        "targets": ["tables", "cards"],
    }
    text = yaml.safe_dump(config, sort_keys=False)
    (project.folder / "config.yaml").write_text(text, encoding="utf-8")
    return project


def test_they_go_from_the_configuration_to_a_card(extended):
    done = extended.snakemake("--cores", "1")
    assert done.returncode == 0, done.stdout
    results = extended.folder / "results"
    record = json.loads((results / "scores/bert/mt/base/stars/seed2.json").read_text())
    assert record["metric"] == "halves"
    assert record["score"] == record["scores"]["halves"] == record["scores"]["accuracy"] / 2
    assert record["scores"]["majority"] == 0.25
    assert (record["settings"]["kind"], record["settings"]["best"]) == ("rating", 2)
    data = pq.read_table(results / "data/mt/stars.parquet")
    assert data.column_names == ["split", "review", "stars"]
    card = (results / "models/bert/any/base/README.md").read_text(encoding="utf-8")
    assert "STARS, Half right" in card
    assert "type: text-rating" in card
    assert "STARS (mt) is tested on 8 texts" in card
    assert "(STARS: half right)" in (results / "tables/table.md").read_text(encoding="utf-8")
    # Beside it a task that nothing is trained for, by the name of the first seed.
    scores = results / "scores/bert/mt/base/bitext"
    assert [file.name for file in sorted(scores.glob("*.json"))] == [
        "provenance.json",
        "seed1.json",
    ]
    record = json.loads((scores / "seed1.json").read_text())
    assert record["score"] == record["scores"]["bitext_f1"] > 0
    assert (record["settings"]["prefix"], record["n_test"]) == ("il ", 3)
    assert not (results / "adapters/bert/mt/base/bitext").exists()
    assert "BITEXT, Bitext F1" in card
    assert "BITEXT of models as they are" in (results / "tables/both.md").read_text()


def test_what_does_not_fit_them_is_refused(extended):
    config = yaml.safe_load((extended.folder / "config.yaml").read_text(encoding="utf-8"))
    config["tasks"]["stars"]["metric"] = "word_f1"
    (extended.folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    refused = extended.snakemake("--dry-run")
    assert refused.returncode == 1
    assert (
        "tasks.stars.metric: 'word_f1' is not for rating; "
        "choose one of macro_f1, weighted_f1, accuracy, halves"
    ) in refused.stdout
