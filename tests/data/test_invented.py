"""The invented languages: every file is what its reader expects, and says what its labels say."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from monoglot import provenance
from monoglot.data.invented import LANGUAGES, MOODS, TOPICS, Lexicon, Sizes, generate
from monoglot.data.readers import read_conllu, read_sentiment, read_sib200, read_wikiann
from monoglot.errors import UserError
from monoglot.files import sha256

SIZES = Sizes(documents=300, flores=20, tc=(60, 10, 30), sa=(60, 10, 30), ner=(60, 10, 30))
TAGS = {"O"} | {f"{edge}-{kind}" for kind in ("PER", "ORG", "LOC") for edge in "BI"}
UPOS = {"ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN"}
UPOS |= {"NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "VERB"}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("raw")
    generate(out, seed=0, sizes=SIZES)
    return out


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path) for path in files}


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed(raw, tmp_path):
    command = [sys.executable, "scripts/invent.py", "--out", str(tmp_path), "--documents", "300"]
    command += ["--flores", "20"]
    for task in ("tc", "sa", "ner"):
        command += [f"--{task}", "60", "10", "30"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "77"}
    subprocess.run(command, check=True, cwd=ROOT, env=environment)
    (tmp_path / provenance.NAME).unlink()
    assert hashes(tmp_path) == hashes(raw)


def test_another_seed_gives_other_languages(raw, tmp_path):
    generate(tmp_path, seed=1, sizes=SIZES)
    ours, others = hashes(raw), hashes(tmp_path)
    assert ours.keys() == others.keys()
    assert not set(ours.values()) & set(others.values())


def test_another_size_of_one_set_leaves_the_others(raw, tmp_path):
    generate(tmp_path, seed=0, sizes=Sizes(**{**vars(SIZES), "documents": 10}))
    ours, others = hashes(raw), hashes(tmp_path)
    changed = {name for name in ours if ours[name] != others[name]}
    assert {name.split("/")[0] for name in changed} == {"glotcc"}


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
class TestFormats:
    def test_documents_are_json_lines_with_content(self, raw, language):
        rows = [json.loads(line) for line in lines(raw / f"glotcc/{language.flores}.jsonl")]
        assert len(rows) == SIZES.documents
        assert all(row["content"].count(".") == row["num-sents"] for row in rows)

    def test_flores_has_a_sentence_per_line(self, raw, language):
        for split in ("dev", "devtest"):
            sentences = lines(raw / f"flores200/{split}/{language.flores}.{split}")
            assert len(sentences) == SIZES.flores
            assert all(sentence.endswith(".") for sentence in sentences)

    def test_topics_are_those_of_sib200(self, raw, language):
        rows = list(read_sib200(raw / f"sib200/{language.flores}/train.tsv"))
        assert len(rows) == SIZES.tc[0]
        assert {label for _, _, label in rows} == set(TOPICS)

    def test_sentiment_has_both_moods(self, raw, language):
        rows = list(read_sentiment(raw / f"sentiment/{language.code}/train.csv"))
        assert len(rows) == SIZES.sa[0]
        assert {label for _, _, label in rows} == set(MOODS)

    def test_entities_are_iob2_and_every_kind_occurs(self, raw, language):
        examples = list(read_wikiann(raw / f"wikiann/{language.code}/test.txt", TAGS))
        tags = Counter(tag for example in examples for tag in example.tags)
        assert len(examples) == SIZES.ner[2]
        assert {"B-PER", "I-PER", "B-LOC", "B-ORG"} <= tags.keys()
        for example in examples:
            before = ("O", *example.tags)
            for last, tag in zip(before, example.tags, strict=False):
                assert tag[0] != "I" or last[1:] == tag[1:]

    def test_word_classes_are_upos(self, raw, language):
        examples = list(read_conllu(raw / f"ud/{language.code}-train.conllu", UPOS))
        assert len(examples) == SIZES.pos[0]
        assert {tag for example in examples for tag in example.tags} == UPOS

    def test_the_first_line_of_wikiann_has_the_language_prefix(self, raw, language):
        token, tag = lines(raw / f"wikiann/{language.code}/train.txt")[0].split("\t")
        assert token.startswith(f"{language.code}:")
        assert tag in TAGS


def test_sib200_is_parallel(raw):
    labels = [
        [label for _, _, label in read_sib200(raw / f"sib200/{language.flores}/test.tsv")]
        for language in LANGUAGES
    ]
    assert labels[0] == labels[1] == labels[2]


def test_the_first_language_is_written_with_more_than_ascii(raw):
    assert any(not line.isascii() for line in lines(raw / "flores200/dev/qaa_Latn.dev"))


def test_the_languages_are_related_but_not_the_same():
    lexicon = Lexicon(0)
    concepts = [
        concept
        for key in sorted(lexicon.clusters)
        if key[1] != "PROPN"
        for concept in lexicon.clusters[key]
    ]
    first, second, third = (
        [lexicon.stem(concept, language) for concept in concepts] for language in LANGUAGES
    )
    shared = sum(a == b for a, b in zip(second, third, strict=True)) / len(concepts)
    assert 0.15 < shared < 0.6
    assert sum(a == b for a, b in zip(first, second, strict=True)) / len(concepts) < shared + 0.2


def test_the_defaults_leave_test_words_that_training_has_not(tmp_path):
    generate(tmp_path, seed=0, sizes=Sizes(documents=1))
    path = tmp_path / "ud"
    train, test = (
        {
            word
            for example in read_conllu(path / f"qaa-{split}.conllu", UPOS)
            for word in example.tokens
        }
        for split in ("train", "test")
    )
    assert len(test - train) / len(test) > 0.3


def test_a_negative_size_is_refused(tmp_path):
    with pytest.raises(UserError, match="'tc'"):
        generate(tmp_path, sizes=Sizes(tc=(1, -1, 1)))
    assert not list(tmp_path.iterdir())
