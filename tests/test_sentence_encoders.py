"""Files beside a sentence encoder: what they mean, what is kept of them, and what is refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import OTHER_TEXTS, TEXTS, tiny
from torch import nn
from transformers import BertModel

from monoglot import sentence_encoders
from monoglot.errors import UserError
from monoglot.one_model import load, save
from monoglot.sentence_encoders import FLAGS, _alike, files_of, pooled, read_sentence_encoder

TYPES = "sentence_transformers.models."
LISTED = [
    {"idx": 0, "name": "0", "path": "", "type": f"{TYPES}Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": f"{TYPES}Pooling"},
    {"idx": 2, "name": "2", "path": "2_Dense", "type": f"{TYPES}Dense"},
    {"idx": 3, "name": "3", "path": "3_Normalize", "type": f"{TYPES}Normalize"},
]
POOLING = {"word_embedding_dimension": 24, "pooling_mode_mean_tokens": True}
DENSE = {"in_features": 24, "out_features": 6, "bias": True}
DENSE |= {"activation_function": "torch.nn.modules.activation.ReLU"}
LENGTH = {"max_seq_length": 12, "do_lower_case": False}
PROMPTS = {"prompts": {"query": "kelb: ", "passage": "dar: "}, "default_prompt_name": "query"}
FILES = ["modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"]
FILES += ["1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"]


def write(folder: Path, name: str, about: object) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(about))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return the folder of a sentence encoder with a dense layer, as it is published."""
    made, tokenizer = tiny("bert")
    model = BertModel(made.config)
    model.load_state_dict(made.bert.state_dict(), strict=False)
    save(model, tokenizer, tmp_path / "model")
    return sentence_files(tmp_path / "model")


def sentence_files(folder: Path) -> Path:
    write(folder, "modules.json", LISTED)
    write(folder, "1_Pooling/config.json", POOLING)
    write(folder, "2_Dense/config.json", DENSE)
    write(folder, "sentence_bert_config.json", LENGTH)
    write(folder, "config_sentence_transformers.json", PROMPTS)
    draw = torch.Generator().manual_seed(1)
    weights = {"linear.weight": (6, 24), "linear.bias": (6,)}
    made = {name: torch.randn(shape, generator=draw) for name, shape in weights.items()}
    save_file(made, folder / "2_Dense" / "model.safetensors")
    return folder


def test_vectors_are_those_of_one_text_after_another(folder):
    """A naive twin: no batches and no padding."""
    found = load(folder, "in")
    texts = [*TEXTS, *OTHER_TEXTS, "il " * 40]
    dense = nn.Linear(24, 6)
    weights = load_file(folder / "2_Dense" / "model.safetensors")
    dense.load_state_dict({name.removeprefix("linear."): w for name, w in weights.items()})
    expected = []
    for text in texts:
        ids = found.tokenizer(f"kelb: {text}")["input_ids"]
        ids = ids if len(ids) <= 12 else [*ids[:11], ids[-1]]
        with torch.no_grad():
            states = found.model(torch.tensor([ids])).last_hidden_state[0]
            vector = dense(states.mean(0)).relu()
        expected.append(vector / vector.norm().clamp(min=1e-12))
    got = found.vectors(texts)
    torch.testing.assert_close(got, torch.stack(expected), rtol=1e-4, atol=1e-5)
    short = found.vectors(texts, longest=5)
    assert not torch.allclose(short, got)


def test_a_batch_holds_few_long_texts_and_many_short_ones(monkeypatch):
    monkeypatch.setattr(sentence_encoders, "AT_ONCE", 12)
    batches = list(_alike([3, 20, 4, 1, 4, 4, 2]))
    assert batches == [[3, 6, 0], [2, 4, 5], [1]]
    assert list(_alike([])) == []


def test_documents_count_behind_every_prompt(folder):
    sentences = read_sentence_encoder(folder, "in", 24)
    assert sentences.prompt == "kelb: "
    assert list(sentences.as_given(["a", "b", "c"])) == ["kelb: a", "dar: b", "kelb: c"]
    (folder / "config_sentence_transformers.json").unlink()
    assert list(read_sentence_encoder(folder, "in", 24).as_given(["a", "b"])) == ["a", "b"]


def test_lower_case(folder):
    write(folder, "sentence_bert_config.json", {**LENGTH, "do_lower_case": True})
    found = load(folder, "in")
    upper = found.vectors([text.upper() for text in TEXTS[3:5]])
    torch.testing.assert_close(upper, found.vectors(TEXTS[3:5]))


def test_every_way_of_pooling():
    states = torch.arange(24.0).reshape(2, 4, 3).sin()
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])
    first, three = states[0], states[0, :3]
    places = torch.arange(1.0, 4)[:, None]
    expected = {
        "cls": first[0],
        "max": three.amax(0),
        "mean": three.mean(0),
        "mean_sqrt_len_tokens": three.sum(0) / 3**0.5,
        "weightedmean": (three * places).sum(0) / 6,
        "lasttoken": first[2],
    }
    assert list(expected) == list(FLAGS.values())
    torch.testing.assert_close(
        pooled(states, mask, tuple(expected))[0], torch.cat(list(expected.values()))
    )


@pytest.mark.parametrize(
    ("settings", "ways"),
    [
        ({"word_embedding_dimension": 24}, ("mean",)),
        (
            {
                "word_embedding_dimension": 24,
                "pooling_mode_max_tokens": True,
                "pooling_mode_cls_token": True,
            },
            ("cls", "max"),
        ),
        ({"embedding_dimension": 24, "pooling_mode": "lasttoken"}, ("lasttoken",)),
        ({"embedding_dimension": 24, "pooling_mode": ["mean", "cls"]}, ("mean", "cls")),
    ],
)
def test_ways_of_pooling_have_names_of_two_ages(folder, settings, ways):
    write(folder, "modules.json", LISTED[:2])
    write(folder, "1_Pooling/config.json", settings)
    assert read_sentence_encoder(folder, "in", 24).pooling == ways


def test_a_model_without_such_files_is_pooled_by_the_mean(tmp_path):
    save(*tiny("xlm-roberta"), tmp_path / "model")
    found = load(tmp_path / "model", "in")
    assert (found.sentences.modules, found.sentences.pooling) == ((), ("mean",))
    assert files_of(tmp_path / "model", "in") == []
    vectors = found.vectors(TEXTS)
    assert vectors.shape == (len(TEXTS), 24)


def test_files_are_copied_and_follow_the_hidden_size(folder, tmp_path):
    found = read_sentence_encoder(folder, "in", 24)
    assert files_of(folder, "in") == FILES
    for name, size in (("same", None), ("narrow", 16)):
        (tmp_path / name).mkdir()
        found.write(tmp_path / name, size)
        assert files_of(tmp_path / name, "out") == FILES
    for name in FILES:
        assert (tmp_path / "same" / name).read_bytes() == (folder / name).read_bytes()
    pooling = json.loads((tmp_path / "narrow" / "1_Pooling" / "config.json").read_text())
    assert pooling == {**POOLING, "word_embedding_dimension": 16}


def _listed(**changes):
    listed = [LISTED[0], {**LISTED[1], **changes}, LISTED[2]]
    return lambda folder: write(folder, "modules.json", listed)


def _file(name, about):
    return lambda folder: write(folder, name, about)


def _without(name):
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            _listed(type=f"{TYPES}WordWeights"),
            "the type 'sentence_transformers.models.WordWeights'",
        ),
        (_listed(type="own.Pooling"), "the type 'own.Pooling', which cannot be kept; modules may"),
        (_listed(path="../1_Pooling"), "the path '../1_Pooling'; it must be the name of a folder"),
        (_listed(type=f"{TYPES}Normalize"), "must have one Pooling, right after the Transformer"),
        (_listed(type=f"{TYPES}Transformer"), "is that of a second Transformer"),
        (_file("modules.json", LISTED[1:]), "has a Pooling in '1_Pooling' first; it must be the"),
        (_file("modules.json", {"0": 1}), "modules.json must be a list of modules"),
        (_file("modules.json", ["Pooling"]), "a module of the type ''"),
        (_file("1_Pooling/config.json", {**POOLING, "word_embedding_dimension": 9}), "is 9, but"),
        (_file("1_Pooling/config.json", {**POOLING, "pooling_mode": "best"}), "is 'best'; it must"),
        (
            _file("1_Pooling/config.json", {**POOLING, "include_prompt": False}),
            "must be pooled too",
        ),
        (_file("1_Pooling/config.json", []), "config.json must be a mapping of settings"),
        (_file("2_Dense/config.json", {**DENSE, "in_features": 9}), "in_features is 9, but"),
        (
            _file("2_Dense/config.json", {**DENSE, "activation_function": "os.system"}),
            "an activation_function of torch.nn.modules.activation",
        ),
        (
            _file("2_Dense/config.json", {**DENSE, "out_features": 9}),
            r"says that linear.weight is [9, 24], but it is [6, 24]",
        ),
        (_without("2_Dense/model.safetensors"), "save the layer as safetensors"),
        (_file("sentence_bert_config.json", {"max_seq_length": "all"}), "max_seq_length is 'all'"),
        (
            _file("sentence_bert_config.json", {"model_args": {"trust_remote_code": True}}),
            "code of a checkpoint is never run",
        ),
        (_file("config_sentence_transformers.json", {"prompts": ["a"]}), "must be texts by name"),
    ],
)
def test_what_cannot_be_kept_is_refused(folder, spoil, words):
    spoil(folder)
    with pytest.raises(UserError) as raised:
        load(folder, "in")
    assert words in str(raised.value)
    assert str(raised.value).count("\n") == 0
