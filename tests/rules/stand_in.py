"""Stands in for a script: says when it ran on which GPUs, and makes empty outputs."""

import json
import os
import sys
import time
from pathlib import Path

CHECKPOINT = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
ADAPTER = ("adapter_config.json", "adapter.safetensors", "head_config.json")
ADAPTER += ("model_head.safetensors",)
started = time.time()
arguments = sys.argv[1:]
out = Path(arguments[arguments.index("--out") + 1])
out.mkdir(parents=True, exist_ok=True)
time.sleep(float(os.environ["SECONDS"]))
for name in (*CHECKPOINT, "history.csv", "provenance.json"):
    (out / name).touch()
for seed in (1, 2, 3):
    (out / f"seed{seed}.json").touch()
    (out / f"seed{seed}.predictions.parquet").touch()
if "--keep" in arguments:
    keep = Path(arguments[arguments.index("--keep") + 1])
    for seed in (1, 2, 3):
        (keep / f"seed{seed}").mkdir(parents=True, exist_ok=True)
        for name in ADAPTER:
            (keep / f"seed{seed}" / name).touch()
about = {
    "script": Path(sys.argv[0]).stem,
    "out": str(out),
    "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
    "processes": arguments[arguments.index("--processes") + 1] if "--processes" in arguments else 1,
    "from": started,
    "to": time.time(),
}
with open(os.environ["LOG"], "a") as log:
    log.write(json.dumps(about) + "\n")
