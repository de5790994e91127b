"""What cannot be done is refused in one sentence, before anything is done."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_models import TEXTS, tiny
from transformers import (
    AlbertConfig,
    AlbertForMaskedLM,
    AutoModel,
    BertModel,
    BertPreTrainedModel,
    BertTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)

import monoglot

ROOMY = {"vocab_size": 500, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture(scope="module")
def bert():
    return tiny("bert")


def test_other_models(bert):
    _, tokenizer = bert
    gpt = GPT2LMHeadModel(GPT2Config(vocab_size=120, n_embd=8, n_layer=1, n_head=2))
    albert = AlbertForMaskedLM(AlbertConfig(intermediate_size=8, **ROOMY))
    for model, kind in ((gpt, "gpt2"), (albert, "albert")):
        for call in (
            lambda model=model: monoglot.trim_vocab(model, tokenizer, TEXTS, 20),
            lambda model=model: monoglot.select_layers(model, 1),
            lambda model=model: monoglot.prune_ffn(model, tokenizer, TEXTS, 4),
            lambda model=model: monoglot.reduce_hidden(model, 4),
            lambda model=model: monoglot.adapt(model, tokenizer, TEXTS, steps=1),
            lambda model=model: monoglot.distill(model, model, tokenizer, TEXTS, steps=1),
            lambda model=model: monoglot.evaluate_mlm(model, tokenizer, TEXTS),
        ):
            with pytest.raises(monoglot.UserError, match=f"is a '{kind}'; it must be an encoder"):
                call()
    with pytest.raises(monoglot.UserError, match="the model is a Linear; give one of transformers"):
        monoglot.select_layers(torch.nn.Linear(2, 2), 1)
    with pytest.raises(monoglot.UserError, match="set up as a decoder"):
        monoglot.select_layers(tiny("bert", is_decoder=True)[0], 1)


def test_heads_that_predict_no_pieces(bert):
    model, tokenizer = bert
    encoder = AutoModel.from_config(model.config)
    words = "is a BertModel; it must be a masked language model"
    with pytest.raises(monoglot.UserError, match=f"the model {words}"):
        monoglot.adapt(encoder, tokenizer, TEXTS, steps=1)
    with pytest.raises(monoglot.UserError, match=f"the teacher {words}"):
        monoglot.distill(model, encoder, tokenizer, TEXTS, steps=1)


def test_weights_that_are_tied_otherwise_than_configured(bert):
    model = copy.deepcopy(bert[0])
    model.get_output_embeddings().weight = torch.nn.Parameter(torch.zeros(120, 24))
    with pytest.raises(monoglot.UserError, match=r"does not share .*tie_word_embeddings is True"):
        monoglot.trim_vocab(model, bert[1], TEXTS, 20)
    model = copy.deepcopy(bert[0])
    model.config.tie_word_embeddings = False
    with pytest.raises(monoglot.UserError, match=r"shares its .*tie_word_embeddings is False"):
        monoglot.select_layers(model, 1)
    with torch.device("meta"):
        empty = AutoModel.from_config(model.config)
    with pytest.raises(monoglot.UserError, match="weights on the device 'meta'"):
        monoglot.select_layers(empty, 1)


def lacking_layers(model):
    model.bert.encoder.layer = model.bert.encoder.layer[:2]


def not_a_number(model):
    model.bert.pooler = None
    torch.nn.init.constant_(model.bert.encoder.layer[1].output.dense.bias, float("nan"))


def on_two_devices(model):
    model.cls.to("meta")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lacking_layers, "has 2 layers, but config.num_hidden_layers is 4; correct the conf"),
        pytest.param(
            lambda model: model.prune_heads({0: [1]}),
            "has pruned attention heads; give one with",
            marks=pytest.mark.skipif(
                not hasattr(BertModel, "prune_heads"), reason="transformers 5 prunes none"
            ),
        ),
        (not_a_number, r"model's bert\S+layer.1.output.dense.bias is not all finite numbers"),
        (on_two_devices, "weights on several devices, cpu, meta; load it onto one"),
    ],
)
def test_models_that_are_not_whole(bert, change, words):
    model = copy.deepcopy(bert[0])
    change(model)
    for call in (
        lambda: monoglot.select_layers(model, 1),
        lambda: monoglot.reduce_hidden(model, 12, "svd"),
        lambda: monoglot.prune_ffn(model, bert[1], TEXTS, 20),
    ):
        with pytest.raises(monoglot.UserError, match=words):
            call()


def test_models_that_cannot_be_made_anew(bert):
    class Tagger(BertPreTrainedModel):
        def __init__(self, config, labels):
            super().__init__(config)
            self.bert = BertModel(config)
            self.tags = torch.nn.Linear(config.hidden_size, labels)

    with_pooler, for_adapters = (copy.deepcopy(bert[0]) for _ in range(2))
    with_pooler.bert.pooler = BertModel(with_pooler.config).pooler
    pytest.importorskip("adapters").init(for_adapters)
    for model, words in (
        (
            Tagger(bert[0].config, 3),
            r"a Tagger cannot be made from its configuration alone \(.*'lab",
        ),
        (with_pooler, r"model's bert.pooler.dense\S+ is not as a BertForMaskedLM makes it"),
        (for_adapters, "was made ready for adapters; give it as it was before that"),
    ):
        with pytest.raises(monoglot.UserError, match=words):
            monoglot.trim_vocab(model, bert[1], TEXTS, 60)
        assert monoglot.select_layers(model, 2).config.num_hidden_layers == 2
    how = {"steps": 1, "learning_rate": 0.1, "weight_decay": 0.1}
    trained, _ = monoglot.adapt(with_pooler, bert[1], TEXTS, **how)
    assert torch.equal(trained.bert.pooler.dense.weight, with_pooler.bert.pooler.dense.weight)


def test_what_is_no_model_has_no_parameters(bert):
    with pytest.raises(monoglot.UserError, match="the model is a BertConfig; give a model of to"):
        monoglot.parameters(bert[0].config)


def test_tokenizers_of_other_models(bert, tmp_path):
    model, tokenizer = bert
    others = tiny("roberta")
    for one, other in ((model, others[1]), (others[0], tokenizer)):
        with pytest.raises(monoglot.UserError, match=r"ids up to .* the model was trained with"):
            monoglot.trim_vocab(one, other, TEXTS, 20)
    roberta, _ = tiny("roberta", kind="WordPiece", pieces=120)
    roberta.config.pad_token_id = 1
    with pytest.raises(monoglot.UserError, match="pads with id 0, but the model counts"):
        monoglot.prune_ffn(roberta, tokenizer, TEXTS, 20)
    (tmp_path / "vocab.txt").write_text("\n".join(tokenizer.get_vocab()))
    if not issubclass(BertTokenizer, PreTrainedTokenizerFast):  # since transformers 5 it is
        slow = BertTokenizer(tmp_path / "vocab.txt")
        with pytest.raises(monoglot.UserError, match="the tokenizer is a BertTokenizer; give a"):
            monoglot.trim_vocab(model, slow, TEXTS, 20)
    no_mask = copy.deepcopy(tokenizer)
    no_mask.mask_token = None
    with pytest.raises(monoglot.UserError, match="the tokenizer has no mask_token"):
        monoglot.evaluate_mlm(model, no_mask, TEXTS)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ("one text", "the texts are a str; give a list"),
        (7, "the texts are a int; give a list"),
        (np.array("one text"), "the texts are a ndarray; give a list"),
        (pd.DataFrame({"text": TEXTS}), r"are a DataFrame; give .* \(of a table, give one column"),
        (pd.Series([*TEXTS, None]), "text 9 is a float"),
        ([{"text": "il"}], r"text 1 is a dict; each must be a str \(of a data set, give one col"),
        (["il", None], "text 2 is a NoneType"),
        (["\ud800"], "text 1: character 1 of the text is half a surrogate pair"),
    ],
)
def test_texts_that_are_none(bert, texts, words):
    for call in (monoglot.trim_vocab, monoglot.prune_ffn):
        with pytest.raises(monoglot.UserError, match=words):
            call(*bert, texts, 20)


def test_numbers_and_names_that_do_not_fit(bert):
    model, tokenizer = bert
    both = (model, tokenizer, TEXTS)
    cases = [
        (lambda: monoglot.trim_vocab(*both, 5000), "size is 5000, but the model has"),
        (lambda: monoglot.trim_vocab(model, tokenizer, [], 20), "the text holds no words"),
        (lambda: monoglot.trim_vocab(*both, 20, count="words"), "count: 'words' must be one"),
        (lambda: monoglot.select_layers(model, 5), "cannot keep 5 layers of a model with 4"),
        (lambda: monoglot.select_layers(model, 2, "odd"), "strategy: 'odd' must be one of"),
        (lambda: monoglot.prune_ffn(*both, 49), "cannot keep 49 feed-forward neurons of 48"),
        (lambda: monoglot.prune_ffn(*both, 4, importance="x"), "importance: 'x' must be one of"),
        (lambda: monoglot.prune_ffn(model, tokenizer, [""], 4), "no document with a token"),
        (lambda: monoglot.reduce_hidden(model, 18), "18 is not divisible by the model's 4"),
        (lambda: monoglot.reduce_hidden(model, 12, "pca"), "method: 'pca' must be one of truncate"),
        (lambda: monoglot.adapt(*both), "give either 'epochs' or 'steps'"),
        (lambda: monoglot.adapt(*both, steps=1, epochs=1), "give either 'epochs' or 'steps'"),
        (lambda: monoglot.adapt(*both, steps=1, max_length=65), "65 is more than the 64 positions"),
        (lambda: monoglot.adapt(model, tokenizer, TEXTS[:1], steps=1), "but one document"),
        (lambda: monoglot.adapt(*both, steps=1, documents="cut"), "documents: 'cut' must be"),
        (lambda: monoglot.distill(model, *both, "l1", steps=1), "loss: 'l1' must be one of none"),
        (lambda: monoglot.distill(model, *both, alpha=2.0, steps=1), "alpha: 2.0"),
        (
            lambda: monoglot.distill(model, tiny("bert", pieces=90)[0], *both[1:], steps=1),
            "both must have the same vocabulary",
        ),
    ]
    for call, words in cases:
        with pytest.raises(monoglot.UserError, match=words):
            call()
