"""Scripts without spaces, without capitals, and from right to left go the whole way."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

from monoglot.evaluate.baselines import baseline
from monoglot.evaluate.evaluation import evaluate
from monoglot.evaluate.records import read_record
from monoglot.evaluate.task import Names, TuningSettings
from monoglot.evaluate.task_tagging import Tagging
from monoglot.operations.scratch import scratch
from monoglot.operations.trim_vocab import Trimming, trim_vocab

WORDS = {
    "Thai": ("", ["แมว", "นอน", "บน", "เก้าอี้", "หมา", "วิ่ง", "ใน", "สวน"]),
    "Japanese": ("", ["猫", "は", "椅子", "で", "寝る", "犬", "庭", "を", "走る"]),
    "Arabic": (" ", ["القطة", "تنام", "على", "الكرسي", "والكلب", "يجري", "في", "الحديقة"]),
    "Hindi": (" ", ["बिल्ली", "कुर्सी", "पर", "सोती", "है", "कुत्ता", "बाग", "में"]),
}
SHAPE = {"hidden_size": 16, "layers": 1, "heads": 2, "ffn_size": 16, "max_positions": 48, "seed": 1}


def sentences(words, count=60):
    draw = random.Random(1)
    return [draw.choices(words, k=6) for _ in range(count)]


@pytest.mark.parametrize("language", WORDS)
def test_a_script_goes_the_whole_way(language, family, tmp_path):
    space, words = WORDS[language]
    spoken = sentences(words)
    texts = [space.join(sentence) for sentence in spoken]
    tags = {word: "NV"[number % 2] for number, word in enumerate(words)}
    model, small = tmp_path / "model", tmp_path / "small"
    scratch(texts, model, family, vocab_size=150, **SHAPE)
    pieces = Tokenizer.from_file(str(model / "tokenizer.json")).get_vocab_size()
    how = Trimming(size=pieces - 12)
    trim_vocab(model, small, texts, texts, how, tmp_path / "report.json")
    tokenizer = Tokenizer.from_file(str(small / "tokenizer.json"))
    unknown = tokenizer.token_to_id("[UNK]" if family == "bert" else "<unk>")
    ids = [i for text in texts for i in tokenizer.encode(text).ids]
    assert ids.count(unknown) < len(ids) / 20

    columns = {
        "split": ["train"] * 40 + ["dev"] * 10 + ["test"] * 10,
        "tokens": spoken,
        "tags": [[tags[word] for word in sentence] for sentence in spoken],
    }
    pq.write_table(pa.table(columns), tmp_path / "pos.parquet")
    task = Tagging(labels=["N", "V"], metric="word_accuracy").named("pos")
    names = Names("m", "l", "v")
    settings = TuningSettings(
        reduction_factor=2,
        learning_rate=0.02,
        batch_size=8,
        epochs=8,
        max_length=40,
        weight_decay=0,
        warmup=0,
        checkpoint="best",
        label_subtokens="all",
        seeds_affect="initialisation",
    )
    evaluate(small, tmp_path / "pos.parquet", task, settings, [1], names, tmp_path / "out")
    record = read_record(tmp_path / "out" / "seed1.json")
    assert record["n_words_without_subtoken"] == 0
    assert record["score"] > record["scores"]["majority"] + 0.1
    baseline(tmp_path / "pos.parquet", task, "ngrams", 1, names, tmp_path / "linear")
    assert read_record(tmp_path / "linear" / "seed1.json")["score"] == 1
