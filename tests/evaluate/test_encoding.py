import pytest
import torch
from tiny_models import TEXTS, byte_fallback, byte_level
from transformers import AutoTokenizer

from monoglot.data.readers import TaggedExample, TextExample
from monoglot.errors import UserError
from monoglot.evaluate.encoding import IGNORED, check_ids, load_tokenizer
from monoglot.evaluate.task_classification import Classification
from monoglot.evaluate.task_tagging import Tagging, first_subtokens

CLASSES = ["NOUN", "VERB", "DET"]
encode_texts = Classification(labels=CLASSES).encode
encode_sentences = Tagging(labels=CLASSES).encode
FAMILIES = pytest.mark.parametrize("family", ["bert", "xlm-roberta"])


@FAMILIES
def test_ids_are_those_of_auto_tokenizer(tiny_checkpoint, family):
    folder = tiny_checkpoint(family)
    theirs = AutoTokenizer.from_pretrained(folder)
    texts = ["il kelb jiġri wara l-qattus.", "dar", "  dog  runs! "]
    examples = [TextExample(text, "NOUN") for text in texts]
    encoded = encode_texts(examples, load_tokenizer(folder, 8), theirs.pad_token_id)
    expected = theirs(texts, truncation=True, max_length=8, padding=True, return_tensors="pt")
    assert torch.equal(encoded.ids, expected["input_ids"])
    assert torch.equal(encoded.lengths, expected["attention_mask"].sum(1))
    assert encoded.labels.tolist() == [0, 0, 0]


@FAMILIES
def test_labels_follow_word_ids(tiny_checkpoint, family):
    folder = tiny_checkpoint(family)
    theirs = AutoTokenizer.from_pretrained(folder)
    example = TaggedExample(("kelb", "jiġriat", "dar"), ("NOUN", "VERB", "DET"))
    encoded = encode_sentences([example], load_tokenizer(folder, 32), 0, "all")
    batch = theirs(list(example.tokens), is_split_into_words=True)
    words = [-1 if word is None else word for word in batch.word_ids()]
    assert encoded.ids[0].tolist() == batch["input_ids"]
    assert encoded.words[0].tolist() == words
    assert len(words) > 2 + 3
    assert encoded.labels[0].tolist() == [IGNORED if word < 0 else word for word in words]


@pytest.mark.parametrize("make", [byte_fallback, byte_level])
def test_words_have_the_pieces_that_they_have_in_a_text(make):
    """A piece may begin with the space before a word, which words given one by one do not have."""
    tokenizer = make(TEXTS, 80)
    words = ("il-kelb", "jiġri", "wara", "qattus", "!")
    encoded = encode_sentences([TaggedExample(words, ("NOUN",) * 5)], tokenizer, 0)
    assert encoded.ids[0].tolist() == tokenizer.encode(" ".join(words)).ids
    assert encoded.words[0].unique().tolist() == [-1, 0, 1, 2, 3, 4]


def test_only_first_subtokens_carry_labels_if_asked(tiny_checkpoint):
    tokenizer = load_tokenizer(tiny_checkpoint("bert"), 32)
    example = TaggedExample(("ab", "cd"), ("VERB", "DET"))
    everywhere = encode_sentences([example], tokenizer, 0, "all")
    first = encode_sentences([example], tokenizer, 0, "first")
    assert everywhere.labels[0].tolist() == [IGNORED, 1, 1, 2, 2, IGNORED]
    assert first.labels[0].tolist() == [IGNORED, 1, IGNORED, 2, IGNORED, IGNORED]


def test_a_vanished_word_shifts_no_other_label(tiny_checkpoint):
    tokenizer = load_tokenizer(tiny_checkpoint("bert"), 32)
    example = TaggedExample(("ab", "\u200d", "cd"), ("NOUN", "VERB", "DET"))
    encoded = encode_sentences([example], tokenizer, 0, "all")
    assert encoded.words[0].tolist() == [-1, 0, 0, 2, 2, -1]
    assert encoded.labels[0].tolist() == [IGNORED, 0, 0, 2, 2, IGNORED]


def test_shorter_sentences_are_padded_without_labels(tiny_checkpoint):
    tokenizer = load_tokenizer(tiny_checkpoint("bert"), 32)
    examples = [TaggedExample(("ab", "cd"), ("VERB", "DET")), TaggedExample(("dar",), ("NOUN",))]
    encoded = encode_sentences(examples, tokenizer, 7, "all")
    assert encoded.lengths.tolist() == [6, 3]
    assert encoded.ids[1, 3:].tolist() == [7, 7, 7]
    assert encoded.labels[1].tolist() == [IGNORED, 0, *[IGNORED] * 4]


def test_words_beyond_the_longest_length_are_cut_off(tiny_checkpoint):
    tokenizer = load_tokenizer(tiny_checkpoint("bert"), 4)
    example = TaggedExample(("ab", "cd"), ("VERB", "DET"))
    encoded = encode_sentences([example], tokenizer, 0, "all")
    assert encoded.words[0].tolist() == [-1, 0, 0, -1]


@FAMILIES
def test_words_beyond_the_cut_are_counted(tiny_checkpoint, family):
    """Words that have lost all their sub-tokens, and words of a text behind the last one kept."""
    folder = tiny_checkpoint(family)
    tokenizer, whole = load_tokenizer(folder, 8), load_tokenizer(folder, 64)
    words = ["il", "kelb", "jiġri", "wara", "il", "kelb", "fil", "belt"]
    texts = [TextExample(text, "NOUN") for text in (" ".join(words), "il kelb", "dar  ")]
    tagged = [TaggedExample(words, ["DET"] * 8), TaggedExample(("dar",), ("NOUN",))]
    ids = whole.encode(words, is_pretokenized=True).word_ids
    kept = len(set(ids[1:7]))
    assert 0 < kept < len(words)
    assert encode_sentences(tagged, tokenizer, 0, "all").cut == len(words) - kept
    assert encode_texts(texts, tokenizer, 0).cut == len(words) - kept
    assert encode_texts(texts, whole, 0).cut == encode_sentences(tagged, whole, 0, "all").cut == 0


def test_first_subtokens_begin_a_new_word():
    words = torch.tensor([[-1, 0, 0, 1, 3, 3, -1, -1]])
    assert first_subtokens(words).int().tolist() == [[0, 1, 0, 1, 1, 0, 0, 0]]


def test_ids_beyond_the_embeddings_are_refused(tiny_checkpoint):
    folder = tiny_checkpoint("bert")
    encoded = encode_texts([TextExample("dar", "DET")], load_tokenizer(folder, 8), 0)
    highest = int(encoded.ids.max())
    check_ids([encoded], highest + 1, folder)
    with pytest.raises(UserError, match=f"token id {highest}, but the model has {highest} emb"):
        check_ids([encoded], highest, folder)
