"""Every reader of a checkpoint's tokenizer gives the same encodings.

transformers 5 runs in the interpreter that MONOGLOT_TRANSFORMERS5 names; without it that part is
left out.
"""

import json
import os
import subprocess

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from monoglot.operations.pretrained import pretrained
from monoglot.operations.scratch import scratch
from monoglot.operations.trim_vocab import Trimming, trim_vocab

TRANSFORMERS5 = os.environ.get("MONOGLOT_TRANSFORMERS5")
SHAPE = {"hidden_size": 8, "layers": 1, "heads": 2, "ffn_size": 8, "max_positions": 32, "seed": 0}
CORPUS = ["Il-kelb jiġri wara l-qattus.", "ÉIl belt hija kbira!", "Ħobż u ilma  f'dar"] * 20
TEXTS = [
    *CORPUS[:3],
    "",
    "  IL\u00a0kelb\t\n语 ﬁl ½ e\u0301 ",
    "il [MASK] belt <mask>. <s>dar</s> [SEP][PAD]<pad> [UNK] <unk>",
    "İstanbul ẞ İ",
]
READ = """
import json, sys
from transformers import AutoModelForMaskedLM, AutoTokenizer, __version__
assert __version__.startswith("5."), __version__
folder, texts = json.load(sys.stdin)
tokenizer = AutoTokenizer.from_pretrained(folder)
model, info = AutoModelForMaskedLM.from_pretrained(folder, output_loading_info=True)
assert not info["missing_keys"], info
ids = tokenizer("il kelb", return_tensors="pt")
print(json.dumps({
    "encodings": [dict(tokenizer(text)) for text in texts] + [dict(tokenizer(*texts[:2]))],
    "decoded": [tokenizer.decode(tokenizer(text)["input_ids"]) for text in texts],
    "special": [tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id],
    "length": tokenizer.model_max_length,
    "cut": tokenizer("dar " * 99, truncation=True)["input_ids"],
    "logit": round(model.eval()(**ids).logits.sum().item(), 4),
}))
"""


@pytest.fixture(params=["bert", "xlm-roberta", "distilbert", "bert over Unigram"])
def family(request):
    return request.param


@pytest.fixture(params=["scratch", "pretrained", "trim_vocab"])
def checkpoint(request, family, tmp_path):
    """A checkpoint of each operation that writes a tokenizer."""
    made = tmp_path / "scratch"
    if family == "bert over Unigram":
        family = "bert"
        scratch(CORPUS, tmp_path / "xlmr", "xlm-roberta", vocab_size=90, **SHAPE)
        scratch([], made, family, tokenizer_from=tmp_path / "xlmr", **SHAPE)
    else:
        scratch(CORPUS, made, family, vocab_size=90, **SHAPE)
    if request.param == "pretrained":
        pretrained(made, tmp_path / "pretrained", family)
    if request.param == "trim_vocab":
        report = tmp_path / "report.json"
        trim_vocab(made, tmp_path / "trim_vocab", CORPUS, CORPUS, Trimming(size=40), report)
    return tmp_path / request.param


def test_transformers_equals_tokenizers(checkpoint):
    stock = AutoTokenizer.from_pretrained(checkpoint)
    raw = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    assert type(stock).__name__ == "PreTrainedTokenizerFast"
    for text in TEXTS:
        assert stock(text)["input_ids"] == raw.encode(text).ids
    pair = stock(*TEXTS[:2], return_token_type_ids=True)
    assert pair["input_ids"] == raw.encode(*TEXTS[:2]).ids
    assert pair["token_type_ids"] == raw.encode(*TEXTS[:2]).type_ids
    assert len(stock) == raw.get_vocab_size()


@pytest.mark.skipif(not TRANSFORMERS5, reason="MONOGLOT_TRANSFORMERS5 is not set")
def test_transformers_5_equals_4(checkpoint):
    from transformers import AutoModelForMaskedLM

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForMaskedLM.from_pretrained(checkpoint).eval()
    done = subprocess.run(
        [TRANSFORMERS5, "-c", READ],
        input=json.dumps([str(checkpoint), TEXTS]),
        capture_output=True,
        text=True,
        check=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    newer = json.loads(done.stdout)
    given = [(text,) for text in TEXTS] + [tuple(TEXTS[:2])]
    assert newer["encodings"] == [dict(tokenizer(*texts)) for texts in given]
    assert newer["decoded"] == [tokenizer.decode(tokenizer(text)["input_ids"]) for text in TEXTS]
    special = [tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id]
    assert (newer["special"], newer["length"]) == (special, 32)
    assert newer["cut"] == tokenizer("dar " * 99, truncation=True)["input_ids"]
    assert len(newer["cut"]) == 32
    logits = model(**tokenizer("il kelb", return_tensors="pt")).logits
    assert newer["logit"] == pytest.approx(logits.sum().item(), abs=1e-3)
