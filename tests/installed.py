"""Run in the folder of an installed wheel: is the package in it whole, and does it work there?"""

import subprocess
import sys
import tempfile
from pathlib import Path

import monoglot

HERE = Path.cwd()
SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
SHAPE = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}


def main() -> None:
    assert Path(monoglot.__file__).is_relative_to(HERE), monoglot.__file__
    assert (HERE / "monoglot" / "py.typed").is_file()
    said = subprocess.run(
        [sys.executable, "-m", "monoglot", "--version"], capture_output=True, text=True, check=True
    )
    print(said.stdout.strip())
    from monoglot.fingerprint import WORKFLOW

    for name in ("Snakefile", "rules/common.smk", "scripts/train.py", "profiles/default"):
        assert (WORKFLOW / name).exists(), WORKFLOW
    trim()


def trim() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    pieces = [*SPECIAL.values(), *"abcdefgh"]
    words = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    names = {f"{name}_token": piece for name, piece in SPECIAL.items()}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, **names)
    config = BertConfig(vocab_size=len(pieces), intermediate_size=16, **SHAPE)
    model = BertForMaskedLM(config)
    model, tokenizer, _ = monoglot.trim_vocab(model, tokenizer, ["a b", "b c"], size=3)
    assert model.config.vocab_size == len(tokenizer) == 8
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        assert BertForMaskedLM.from_pretrained(folder).config.vocab_size == 8
    print("the installed package trims a vocabulary")


if __name__ == "__main__":
    main()
