from typing import get_args

import pytest
import torch
from tiny_models import OTHER_TEXTS, SHAPE, TEXTS, tiny
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

import monoglot
from monoglot.families import FAMILIES
from monoglot.operations.reduce_hidden import Method
from monoglot.operations.surgery import ffn_size, layers_of


def encode(model, tokenizer, text):
    with torch.no_grad():
        return model.eval().base_model(**tokenizer(text, return_tensors="pt")).last_hidden_state


def pieces(tokenizer, text):
    """Unlike `tokenize`, with the unknown piece where a piece is unknown."""
    return tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])


def check_loads_and_encodes_the_same(model, tokenizer, folder):
    """With stock classes, after `save_pretrained`."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    again, its_tokenizer = (
        AutoModelForMaskedLM.from_pretrained(folder),
        AutoTokenizer.from_pretrained(folder),
    )
    for text in (*TEXTS, *OTHER_TEXTS):
        assert its_tokenizer(text) == tokenizer(text)
        found, expected = encode(again, its_tokenizer, text), encode(model, tokenizer, text)
        assert torch.equal(found, expected)
    assert again.get_input_embeddings().weight is again.get_output_embeddings().weight


def test_a_trimmed_model_is_the_old_one_on_what_it_keeps(pair, tmp_path):
    model, tokenizer = pair
    size = len(tokenizer) - 5 - 10
    smaller, its_tokenizer, report = monoglot.trim_vocab(
        model, tokenizer, iter(TEXTS), size, heldout=OTHER_TEXTS
    )
    assert type(smaller) is type(model)
    assert smaller.config.vocab_size == len(its_tokenizer) == size + 5
    assert report["vocab"] == {"before": len(tokenizer), "after": size + 5}
    assert report["heldout"]["words"] == sum(len(text.split()) for text in OTHER_TEXTS)
    for role in ("pad", "unk", "cls", "sep", "mask"):
        old, new = (getattr(one, f"{role}_token") for one in (tokenizer, its_tokenizer))
        assert old == new
    assert smaller.config.pad_token_id == its_tokenizer.pad_token_id
    same = 0
    for text in TEXTS:
        if pieces(its_tokenizer, text) != pieces(tokenizer, text):
            continue
        same += 1
        found, expected = encode(smaller, its_tokenizer, text), encode(model, tokenizer, text)
        torch.testing.assert_close(found, expected)
        logits = smaller(**its_tokenizer(text, return_tensors="pt")).logits
        kept = tokenizer.convert_tokens_to_ids(its_tokenizer.convert_ids_to_tokens(range(size + 5)))
        expected = model(**tokenizer(text, return_tensors="pt")).logits[..., kept]
        torch.testing.assert_close(logits, expected)
    model.train()
    assert same
    check_loads_and_encodes_the_same(smaller, its_tokenizer, tmp_path)


def test_the_whole_chain_gives_a_stock_model_of_its_own(pair, tmp_path):
    model, tokenizer = pair
    rotary = FAMILIES[model.config.model_type].rotary
    how = ("stride", "cut", 12) if rotary else ("last_k", "low_rank", 16)
    smaller = monoglot.select_layers(model, layers=2, strategy=how[0])
    smaller = monoglot.prune_ffn(smaller, tokenizer, TEXTS, size=32, head_order="importance")
    smaller = monoglot.reduce_hidden(smaller, size=how[2], heads=how[1])
    smaller, its_tokenizer, _ = monoglot.trim_vocab(smaller, tokenizer, TEXTS, len(tokenizer) - 15)
    config = smaller.config
    assert (config.num_hidden_layers, ffn_size(config), config.hidden_size) == (2, 32, how[2])
    assert len(layers_of(smaller)) == 2
    assert not smaller.training
    storage = {p.untyped_storage().data_ptr() for p in model.parameters()}
    assert not storage & {p.untyped_storage().data_ptr() for p in smaller.parameters()}
    assert all(p.requires_grad for p in smaller.parameters())
    check_loads_and_encodes_the_same(smaller, its_tokenizer, tmp_path)


def test_layers_are_those_of_the_strategy(pair):
    model, _ = pair
    for strategy, kept in (("stride", [0, 2]), ("last_k", [2, 3]), ("first_last_k", [0, 3])):
        if strategy == "last_k" and FAMILIES[model.config.model_type].global_every:
            continue
        found = layers_of(monoglot.select_layers(model, 2, strategy))
        for layer, number in zip(found, kept, strict=True):
            expected = layers_of(model)[number].state_dict()
            assert all(torch.equal(t, expected[name]) for name, t in layer.state_dict().items())
    random = monoglot.select_layers(model, 2, "random")
    again = monoglot.select_layers(model, 2, "random")
    assert all(map(torch.equal, random.parameters(), again.parameters()))


@pytest.mark.parametrize("method", get_args(Method))
def test_hidden_size_of_every_architecture(pair, method):
    model, tokenizer = pair
    about = {"heads": "aligned", "tokenizer": tokenizer, "texts": TEXTS}
    size = 8 if FAMILIES[model.config.model_type].rotary else 16
    smaller = monoglot.reduce_hidden(model, size, method, **about)
    assert encode(smaller, tokenizer, TEXTS[0]).shape[-1] == size
    if method == "truncate":
        words = model.get_input_embeddings().weight[:, :size]
        assert torch.equal(smaller.get_input_embeddings().weight, words)


def test_nothing_is_cut_where_nothing_is_to_be_cut(pair):
    """The same size gives the same outputs, whatever is reordered on the way."""
    model, tokenizer = pair
    heads = "aligned" if FAMILIES[model.config.model_type].rotary else "low_rank"
    same = monoglot.reduce_hidden(model, SHAPE["hidden_size"], heads=heads)
    same = monoglot.prune_ffn(same, tokenizer, TEXTS, size=48, head_order="importance")
    found = encode(same, tokenizer, TEXTS[0])
    mode = model.training
    expected = encode(model, tokenizer, TEXTS[0])
    model.train(mode)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_encoders_and_classifiers_are_trimmed_and_shortened(tmp_path):
    masked, tokenizer = tiny("xlm-roberta")
    masked.save_pretrained(tmp_path)
    encoder = AutoModel.from_pretrained(tmp_path)
    bare = AutoModel.from_pretrained(tmp_path, add_pooling_layer=False)
    classifier = AutoModelForSequenceClassification.from_pretrained(tmp_path, num_labels=3)
    for model in (encoder, bare, classifier):
        shorter = monoglot.select_layers(model.eval(), 2)
        smaller, its_tokenizer, _ = monoglot.trim_vocab(shorter, tokenizer, TEXTS, 50)
        assert type(smaller) is type(model)
        text = next(t for t in TEXTS if pieces(its_tokenizer, t) == pieces(tokenizer, t))
        with torch.no_grad():
            found = smaller(**its_tokenizer(text, return_tensors="pt"))[0]
            expected = shorter(**tokenizer(text, return_tensors="pt"))[0]
        torch.testing.assert_close(found, expected)
        assert not any(parameter.is_meta for parameter in smaller.parameters())
    assert monoglot.trim_vocab(bare, tokenizer, TEXTS, 50)[0].pooler is None
    narrow = monoglot.reduce_hidden(encoder, 16)
    assert encode(narrow, tokenizer, TEXTS[0]).shape[-1] == narrow.pooler.dense.out_features == 16
    with pytest.raises(monoglot.UserError, match="give a masked language model or an encod"):
        monoglot.reduce_hidden(classifier, 16)


def test_untied_decoders_and_unused_embeddings(unchanged):
    model, tokenizer = tiny("roberta", tie_word_embeddings=False)
    model.resize_token_embeddings(len(tokenizer), pad_to_multiple_of=64)
    assert model.config.vocab_size > len(tokenizer)
    unchanged(model, tokenizer)
    smaller, its_tokenizer, _ = monoglot.trim_vocab(model, tokenizer, TEXTS, len(tokenizer) - 15)
    rows = tokenizer.convert_tokens_to_ids(its_tokenizer.convert_ids_to_tokens(range(20)))
    assert smaller.config.vocab_size == len(its_tokenizer)
    for find in ("get_input_embeddings", "get_output_embeddings"):
        old, new = (getattr(one, find)().weight for one in (model, smaller))
        assert torch.equal(new[:20], old[rows])
    narrow = monoglot.reduce_hidden(smaller, 16)
    decoder, words = narrow.get_output_embeddings().weight, narrow.get_input_embeddings().weight
    assert torch.equal(decoder, smaller.get_output_embeddings().weight[:, :16])
    assert not torch.equal(decoder, words)


def test_half_precision_and_frozen_weights_are_kept_or_not_needed(unchanged):
    model, tokenizer = tiny("bert")
    model = model.to(torch.bfloat16).requires_grad_(False)
    unchanged(model, tokenizer)
    for smaller in (
        monoglot.select_layers(model, 2),
        monoglot.select_layers(model, 2, "random"),
        monoglot.prune_ffn(model, tokenizer, TEXTS, 32),
        monoglot.reduce_hidden(model, 16),
        monoglot.trim_vocab(model, tokenizer, TEXTS, 60)[0],
    ):
        assert smaller.dtype == torch.bfloat16
    assert monoglot.evaluate_mlm(model, tokenizer, TEXTS).masked


def test_neurons_are_scored_in_full_precision(unchanged):
    """Gradients in fp16 are zero for most of them."""
    model, tokenizer = tiny("bert")
    expected = monoglot.prune_ffn(model, tokenizer, TEXTS, 12).half()
    half = model.half()
    unchanged(half, tokenizer)
    found = monoglot.prune_ffn(half, tokenizer, TEXTS, 12)
    assert all(map(torch.equal, found.parameters(), expected.parameters()))


def test_every_weight_keeps_its_dtype(unchanged):
    model, tokenizer = tiny("bert")
    model.bert.encoder.half()
    unchanged(model, tokenizer)
    expected = {name: parameter.dtype for name, parameter in model.named_parameters()}
    for smaller in (
        monoglot.select_layers(model, 4),
        monoglot.prune_ffn(model, tokenizer, TEXTS, 32),
        monoglot.reduce_hidden(model, 16, heads="low_rank"),
        monoglot.trim_vocab(model, tokenizer, TEXTS, 60)[0],
    ):
        assert {name: p.dtype for name, p in smaller.named_parameters()} == expected
    assert monoglot.evaluate_mlm(model, tokenizer, TEXTS).masked


def test_models_whose_outputs_are_configured_to_be_tuples():
    model, tokenizer = tiny("bert")
    expected = monoglot.evaluate_mlm(model, tokenizer, TEXTS)
    model.config.return_dict = False
    assert monoglot.evaluate_mlm(model, tokenizer, TEXTS) == expected
    assert not monoglot.prune_ffn(model, tokenizer, TEXTS, 32).config.return_dict
