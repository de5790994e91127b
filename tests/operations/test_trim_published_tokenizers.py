"""The published tokenizers of mBERT and XLM-R, trimmed on real text."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from monoglot.checkpoints import load_model
from monoglot.data.readers import numbered_lines
from monoglot.operations.scratch import scratch
from monoglot.operations.trim_vocab import Trimming, trim_vocab

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("MONOGLOT_DATA", ROOT.parent / "shared" / "data"))
TOKENIZERS = {"bert": "mbert/vocab.txt", "xlm-roberta": "xlmr/tokenizer.json.gz"}
SPECIAL = {"bert": [0, 100, 101, 102, 103], "xlm-roberta": [0, 1, 2, 3, 250_001]}
SHAPE = {"hidden_size": 4, "layers": 1, "heads": 1, "ffn_size": 4, "max_positions": 512, "seed": 0}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not (DATA / "tokenizers").is_dir(), reason=f"{DATA} has no tokenizers"),
]


def lines(path, count=None):
    found = [line for _, line in numbered_lines(DATA / path)]
    return found[:count]


def swahili():
    """Lines of every Swahili file, about 1 MB."""
    files = sorted((DATA / "raw" / "sw").glob("*.txt.gz"))
    return [line for file in files for line in lines(file.relative_to(DATA), 1500) if line.strip()]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Return `published(family)`: a tiny random model with the published tokenizer."""
    folders = {}

    def make(family):
        if family not in folders:
            folders[family] = tmp_path_factory.mktemp("published") / family
            given = DATA / "tokenizers" / TOKENIZERS[family]
            scratch([], folders[family], family, tokenizer_from=given, **SHAPE)
        return folders[family]

    return make


@pytest.mark.parametrize("language", ["mt", "sk", "sw"])
def test_xlmr_gives_the_published_ids(published, language):
    tokenizer = AutoTokenizer.from_pretrained(published("xlm-roberta"))
    expected = json.loads((DATA / f"tokenizers/xlmr/expected_{language}.json").read_text())
    assert len(expected) == 10
    for row in expected:
        assert tokenizer(row["text"], add_special_tokens=False)["input_ids"] == row["ids"]


def test_mbert_is_cased_and_keeps_its_ids(published):
    tokenizer = AutoTokenizer.from_pretrained(published("bert"))
    assert sorted(tokenizer.all_special_ids) == SPECIAL["bert"]
    assert len(tokenizer) == 119_547
    vocabulary = lines("tokenizers/mbert/vocab.txt")
    text = "Ħobż Maltese, Bratislava žĎ"
    ids = tokenizer(text)["input_ids"]
    assert [vocabulary[i] for i in ids] == ["[CLS]", *tokenizer.tokenize(text), "[SEP]"]
    assert tokenizer.tokenize("Bratislava") != tokenizer.tokenize("bratislava")


@pytest.mark.parametrize("size", [4000, 40_000])
@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_trimming_is_exact(published, family, size, tmp_path):
    parent, out, report_out = published(family), tmp_path / "out", tmp_path / "report.json"
    texts, heldout = swahili(), lines("flores200/devtest/swh_Latn.devtest", 500)
    trim_vocab(parent, out, texts, heldout, Trimming(size=size), report_out)

    old, new = (Tokenizer.from_file(str(f / "tokenizer.json")) for f in (parent, out))
    assert new.get_vocab_size() == load_model(out).config.vocab_size == size + 5
    kept = [old.token_to_id(new.id_to_token(i)) for i in range(size + 5)]
    special = SPECIAL[family]
    assert [kept.index(i) for i in special if i < size] == [i for i in special if i < size]

    counts, tokens = np.zeros((2, old.get_vocab_size()), dtype=int)
    for text in texts:
        ids = old.encode(text, add_special_tokens=False).ids
        np.add.at(tokens, ids, 1)
        np.add.at(counts, list(set(ids)) if family == "bert" else ids, 1)
    dropped = sorted(set(range(len(counts))) - set(kept))
    forced = {249_999} if family == "xlm-roberta" else set()  # the lowest score
    assert counts[sorted(set(kept) - set(special) - forced)].min() >= counts[dropped].max()
    assert (counts[dropped].max() > 0) == (size == 4000)

    rows, parents = (load_model(f).get_input_embeddings().weight.detach() for f in (out, parent))
    assert rows.equal(parents[kept])
    unknown = {"bert": 100, "xlm-roberta": 3}[family]
    survived = changed = 0
    for text in heldout:
        before, after = old.encode(text).ids, [kept[i] for i in new.encode(text).ids]
        if set(before) <= set(kept) - {unknown}:
            assert after == before
            survived += 1
        else:
            changed += after != before
    assert survived > (10 if size == 4000 else 100)
    assert changed > 10
    report = json.loads(report_out.read_text())
    coverage = 1 - tokens[dropped].sum() / tokens.sum()
    assert report["text"]["coverage"] == pytest.approx(coverage)
    assert report["text"]["pieces"] == (counts > 0).sum()
    assert 0 < report["heldout"]["changed_words"] < 0.5


def test_a_zipped_tokenizer_equals_its_unzipped_twin(published):
    data = gzip.decompress((DATA / "tokenizers" / TOKENIZERS["xlm-roberta"]).read_bytes())
    written = published("xlm-roberta") / "tokenizer.json"
    assert json.loads(written.read_text()) == json.loads(data)
