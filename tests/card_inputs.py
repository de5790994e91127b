"""A checkpoint with all that its card is made from: records, provenance, a trim report."""

import json
import shutil
from pathlib import Path
from typing import Any

SCORES = {"base": (0.5, 0.6, 0.7), "kd-vocab": (0.4, 0.4, 0.7)}
PROVENANCE = {
    "script": "scripts/trim_vocab.py",
    "arguments": {},
    "code": "0123456789abcdef",
    "git_commit": None,
    "versions": {"python": "3.11.7", "torch": "2.13.0"},
    "hardware": {"cpu": "a processor", "cores": 2, "gpu": None},
    "started": "2026-11-21T14:31:01+00:00",
    "seconds": 1.6,
    "inputs": {},
    "outputs": {"config.json": "12" * 32},
}
TRIM_REPORT = {
    "count": "tokens",
    "keep_characters": False,
    "size": 400,
    "special": 5,
    "vocab": {"before": 1600, "after": 405},
    "text": {"documents": 9000, "tokens": 246796, "coverage": 0.995, "pieces": 9, "pieces_kept": 8},
    "heldout": {
        "words": 2126,
        "unknown_rate": {"before": 0.0, "after": 0.01},
        "fertility": {"before": 1.7, "after": 1.8},
        "changed_words": 0.02,
    },
}


def made(checkpoint: Path, results: Path) -> tuple[dict[str, Any], list[Path]]:
    """Fill a results folder around a copy of `checkpoint`; return the card's spec and records."""
    steps = [
        step(results, "any/base", "pretrained", origin={"hub": "owner/base", "revision": "a" * 40}),
        step(results, "mt/kd-init", "select_layers", "base", settings={"layers": 2}, scored_as=[]),
        step(
            *(results, "mt/kd-vocab", "trim_vocab", "kd-init"),
            settings={"size": 400, "count": None},
            text={"mt": 1.0},
        ),
    ]
    for one in steps:
        folder = Path(one["folder"])
        shutil.copytree(checkpoint, folder)
        (folder / "provenance.json").write_text(json.dumps(PROVENANCE))
    (folder / "trim_report.json").write_text(json.dumps(TRIM_REPORT))
    test = source("task tc, Maltese", "owner/tc", "cc-by-4.0", "b" * 40)
    spec = {
        "model": "XLM-R",
        "languages": {"mt": "Maltese"},
        "shape": {"layers": 4, "hidden_size": 24, "heads": 4, "ffn_size": 48, "max_positions": 64},
        "head": "trained",
        "license": "MIT",
        "steps": steps,
        "sources": [source("training text, Maltese", "owner/text", "unknown"), test],
        "tasks": {"tc": {"kind": "classification", "tuning": "adapter"}},
        "test_sources": {"mt": {"tc": test}},
        "overlaps": {},
        "seeds": [1, 2, 3],
        "country": None,
        "invented": False,
    }
    return spec, [record(results, name, seed) for name in SCORES for seed in (1, 2, 3)]


def step(
    results: Path, place: str, operation: str, parent: str | None = None, **more: Any
) -> dict[str, Any]:
    variant = place.split("/")[1]
    about = {"teacher": None, "origin": {}, "text": {}, "settings": {}, "scored_as": [variant]}
    about |= {"variant": variant, "operation": operation, "parent": parent}
    return about | {"folder": str(results / "models" / "xlmr" / place)} | more


def source(used: str, hub: str, license: str, revision: str | None = None) -> dict[str, Any]:
    about = {"used": used, "name": hub, "license": license, "hub": hub}
    return about | {"revision": revision}


def record(results: Path, variant: str, seed: int) -> Path:
    score = SCORES[variant][seed - 1]
    found = {
        **{"model": "xlmr", "language": "mt", "variant": variant, "task": "tc", "seed": seed},
        **{"metric": "macro_f1", "score": score, "n_train": 24, "n_test": 100},
        "scores": {"macro_f1": score, "accuracy": score, "majority": 0.25},
        "parameters": 1_234_567 if variant == "base" else 123_456,
    }
    file = results / "scores" / "xlmr" / "mt" / variant / "tc" / f"seed{seed}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found))
    return file
