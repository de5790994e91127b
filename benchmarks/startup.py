"""What a job costs beyond its work: whole scripts on next to no work, against plain imports.

The baseline imports torch, transformers, adapters and datasets as a training script does, which
takes from them the classes that it will use; `import of packages` names the four packages alone,
which load most of themselves only when they are used. Every other side is a script of a rule from
its start to its end, on a tiny model, a few sentences and one step: almost nothing but process
start, imports and loading. Each side needs what those before it wrote.
"""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial

import yaml
from comparison import OUT, ROOT, Measured, compare, timed

from monoglot.config import source_of

FOLDER = OUT / "startup"
PACKAGES = "import torch, transformers, adapters, datasets"
CLASSES = """
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, BertForMaskedLM
from transformers import DataCollatorForLanguageModeling, Trainer, TrainingArguments
from adapters import AdapterTrainer, AutoAdapterModel, BertAdapterModel
from datasets import load_dataset
"""
DEMO = yaml.safe_load((ROOT / "configs" / "demo.yaml").read_text(encoding="utf-8"))
EXAMPLES = "14 7 7"
SHAPE = "--hidden-size 32 --layers 2 --heads 2 --ffn-size 64 --max-positions 48"
TASK = "--kind classification --labels negative positive"
RUN = "--model mbert --language qaa --task sa --metric macro_f1"
SPEC = {"model": "mbert", "caption": "One row", "languages": ["qaa"], "tasks": ["sa"]}
SPEC |= {"rows": [{"variant": "base", "label": "Base"}]}
COMMANDS = {
    "invent": f"--documents 60 --flores 10 --tc {EXAMPLES} --sa {EXAMPLES} --ner {EXAMPLES}"
    f" --pos {EXAMPLES} --out raw",
    "read_text": "--source SOURCE:text --root raw --out text.parquet",
    "read_task": f"--source SOURCE:sa --root raw {TASK} --out sa.parquet",
    "scratch": f"--text text.parquet --vocab-size 300 --family bert {SHAPE} --out base",
    "pretrained": "--folder base --family bert --out taken",
    "build_tokens": "--text text.parquet --tokenizer base --out tokens",
    "select_layers": "--parent base --layers 1 --strategy first_k --out one_layer",
    "reduce_hidden": "--parent base --size 16 --out narrow",
    "prune_ffn": "--parent base --validation tokens --size 32 --max-length 16 --out pruned",
    "trim_vocab": "--parent base --text text.parquet --heldout text.parquet --size 100"
    " --report trim_report.json --out trimmed",
    "train": "--parent base --teacher base --loss mse --tokens tokens --validation tokens --steps 1"
    " --batch-size 2 --max-length 16 --out trained",
    "evaluate": f"--checkpoint base --examples sa.parquet {TASK} {RUN} --variant base --seeds 1"
    " --epochs 1 --max-length 16 --out scores/base",
    "baseline": f"--method ngrams --examples sa.parquet {TASK} {RUN} --variant ngrams"
    " --out scores/ngrams",
    "table": "--records scores/base --spec SPEC --out-csv t.csv --out-md t.md --out-tex t.tex",
}


def main() -> None:
    sides: dict[str, Callable[[argparse.Namespace], Measured]] = {
        "plain imports": lambda _: python("-c", PACKAGES + CLASSES),
        "import of packages": lambda _: python("-c", PACKAGES),
    }
    sides |= {name: partial(script, name) for name in COMMANDS}
    parser = argparse.ArgumentParser(description=__doc__)
    compare("startup", parser, sides)


def script(name: str, _: argparse.Namespace) -> Measured:
    """Run a rule's script on next to no work."""
    values = {"SPEC": yaml.safe_dump(SPEC, default_flow_style=True, width=10**6)}
    for block in ("text", "sa"):
        source = source_of(DEMO, block, "qaa")
        values[f"SOURCE:{block}"] = yaml.safe_dump(source, default_flow_style=True, width=10**6)
    words = [values.get(word, word) for word in COMMANDS[name].split()]
    return python(str(ROOT / "scripts" / f"{name}.py"), *words)


def python(*arguments: str) -> Measured:
    FOLDER.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    return timed([sys.executable, *arguments], cwd=FOLDER, env=environment)


if __name__ == "__main__":
    main()
