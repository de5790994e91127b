"""A tiny experiment whose model and sets are served by the stand-in for the Hub."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from hub_stand_in import Files, Hub

from monoglot.data.readers import SPLITS
from monoglot.files import sha256

COMMITS = {"model": "a" * 40, "text": "b" * 40, "ner": "c" * 40, "web": "d" * 40}
MODEL, TEXT, NER = "some-team/tiny-bert", "some-team/crawl", "some-team/names"
WEB_FOLDER = f"/some-team/treebank/{COMMITS['web']}/data"
TREEBANK = {split: f"{split}.conllu" for split in SPLITS}
DOCUMENTS = ["il kelb jiġri wara qattus", "id dar hija kbira", "fil belt", "il kelb il kbir"]


def parquet(**columns: list) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def conllu(word: str) -> bytes:
    return f"1\t{word}\t_\tNOUN\t_\t_\t_\t_\t_\t_\n\n".encode()


def published(checkpoint: Path) -> Hub:
    """Return what the Hub and a web server hold: 12 files of text, and files nobody needs."""
    names = parquet(tokens=[["kelb"]], ner_tags=[["O"]])
    text: Files = {
        f"v1/mt/mt_{n}.parquet": parquet(content=[f"{n} {d}" for d in DOCUMENTS]) for n in range(12)
    }
    text |= {"v1/sk/sk_0.parquet": parquet(content=["nie"]), "README.md": b"# Crawl\n"}
    text |= {"flores/dev.txt": b"dev: il kelb\n", "flores/devtest.txt": b"devtest: id dar\n"}
    model = {file.name: file.read_bytes() for file in checkpoint.iterdir()}
    hub = Hub()
    hub.repositories = {
        f"models/{MODEL}": {COMMITS["model"]: {**model, "pytorch_model.bin": b"pickle"}},
        f"datasets/{TEXT}": {COMMITS["text"]: text},
        f"datasets/{NER}": {
            COMMITS["ner"]: {f"mt/{s}/0000.parquet": names for s in ("train", "validation", "test")}
        },
    }
    hub.web = {f"{WEB_FOLDER}/{name}": conllu(split) for split, name in TREEBANK.items()}
    return hub


def configuration(hub: Hub, folder: Path) -> dict:
    """Return a configuration that needs the model, all sets, and hashes of dev and test alone."""
    hashes = {}
    for split in ("dev", "test"):
        (folder / "treebank").write_bytes(hub.web[f"{WEB_FOLDER}/{TREEBANK[split]}"])
        hashes[split] = sha256(folder / "treebank")
    text = {"hub": TEXT, "revision": COMMITS["text"]}
    task = {
        "learning_rate": 0.001,
        "batch_size": 2,
        "epochs": 1,
        "max_length": 16,
        "kind": "tagging",
    }
    return {
        "results": "results",
        "data": {
            "root": "data",
            "text": {"mt": {**text, "format": "parquet", "files": ["v1/{language}/*.parquet"]}},
            "validation": {"mt": {**text, "format": "lines", "files": ["flores/dev.txt"]}},
            "heldout": {"mt": {**text, "format": "lines", "files": ["flores/devtest.txt"]}},
            "ner": {
                "default": {
                    "hub": NER,
                    "revision": COMMITS["ner"],
                    "format": "parquet",
                    "files": {
                        "train": "{language}/train/0000.parquet",
                        "dev": "{language}/validation/0000.parquet",
                        "test": "{language}/test/0000.parquet",
                    },
                    "fields": {"tags": "ner_tags"},
                }
            },
            "pos": {
                "mt": {
                    "format": "conllu",
                    "url": hub.address + WEB_FOLDER,
                    "files": {split: f"treebank/{name}" for split, name in TREEBANK.items()},
                    "sha256": hashes,
                }
            },
        },
        "models": {
            "bert": {
                "family": "bert",
                "hub": MODEL,
                "revision": COMMITS["model"],
                "shape": {"layers": 4, "hidden_size": 24, "heads": 4, "ffn_size": 48},
            }
        },
        "languages": {"mt": {"name": "Maltese"}},
        "tasks": {
            "ner": {**task, "scheme": "iob2", "labels": ["PER", "LOC"], "metric": "word_f1"},
            "pos": {**task, "labels": ["NOUN", "VERB"], "metric": "word_accuracy"},
        },
        "seeds": [1],
        "variants": {
            "base": {"operation": "pretrained"},
            "trimmed": {"operation": "trim_vocab", "parent": "base", "size": 60},
        },
        "tables": {
            "table": {
                "model": "bert",
                "rows": [{"variant": v, "label": v} for v in ("base", "trimmed")],
            }
        },
    }


def write(config: dict, path: Path) -> None:
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
