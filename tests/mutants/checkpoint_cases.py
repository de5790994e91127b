"""Spoilt checkpoints, and what is made with them: loaded as stock transformers does, or refused."""

import random
import shutil
from pathlib import Path

import torch
from mutations import spoilt_bytes, spoilt_json
from safetensors.torch import load_file, save_file
from tiny import TEXTS, tiny_folder
from transformers import AutoModelForMaskedLM, AutoTokenizer

from monoglot.checkpoints import FILES, TOKENIZER_FILES, checkpoint_parameters, load_model
from monoglot.evaluate.adapter_models import load_encoder
from monoglot.evaluate.encoding import load_tokenizer
from monoglot.operations.pretrained import pretrained
from monoglot.tokens.store import TokenStore, build_store

ODD_TEXTS = [
    "\x00",
    "  ",
    "\u202eabc",
    "e\u0301",
    "\ufeffkelb",
    "a" * 3000,
    "\r\n",
    "kelb\x85",
    "\ud7ff",
]
FAMILIES = ("bert", "xlm-roberta", "distilbert")


def loading_case(draw: random.Random, folder: Path) -> None:
    """Load a spoilt checkpoint for training and for adapters."""
    checkpoint, _ = _spoilt(draw, folder)
    model = load_model(checkpoint)
    _same_as_stock(model, checkpoint)
    _encodes(model, checkpoint)
    encoder = load_encoder(checkpoint)
    theirs = dict(model.base_model.named_parameters())
    for name, value in encoder.base_model.named_parameters():
        assert torch.equal(value, theirs[name]), f"the encoders differ in {name}"
    assert checkpoint_parameters(checkpoint) == sum(p.numel() for p in model.parameters())


def pretrained_case(draw: random.Random, folder: Path) -> None:
    """Take a spoilt folder in as a pretrained checkpoint."""
    checkpoint, family = _spoilt(draw, folder)
    pretrained(checkpoint, folder / "out", family)
    model = load_model(folder / "out")
    _same_as_stock(model, folder / "out")
    tensors = load_file(checkpoint / "model.safetensors")
    for name, value in load_file(folder / "out" / "model.safetensors").items():
        assert torch.equal(value, tensors[name][: len(value)].float()), f"{name} has changed"


def store_case(draw: random.Random, folder: Path) -> None:
    """Spoil a token store: it is refused, or says what it said before."""
    build_store(TEXTS, tiny_folder(draw.choice(FAMILIES)), folder / "store")
    before = [ids.tolist() for ids in TokenStore(folder / "store")]
    file = folder / "store" / draw.choice(["tokens.bin", "offsets.bin", "meta.json", "meta.json"])
    spoil = spoilt_json if file.suffix == ".json" else spoilt_bytes
    file.write_bytes(spoil(file.read_bytes(), draw))
    store = TokenStore(folder / "store")
    assert [ids.tolist() for ids in store] == before, "other tokens than were written"
    for ids, lengths in store.batches():
        assert len(ids) == lengths.sum()
    for role in ("cls", "sep", "pad", "mask"):
        assert 0 <= store.meta[role] < store.meta["vocab"]


def tokenizer_case(draw: random.Random, folder: Path) -> None:
    """Build a store of odd texts with a spoilt tokenizer."""
    name = draw.choice(TOKENIZER_FILES)
    checkpoint, family = _spoilt(draw, folder, name)
    texts = [*TEXTS[:5], *ODD_TEXTS]
    build_store(texts, checkpoint, folder / "store")
    store = TokenStore(folder / "store")
    # Of tokenizer_config.json, the special tokens alone play a part here.
    plain = checkpoint if name == "tokenizer.json" else tiny_folder(family)
    stock = AutoTokenizer.from_pretrained(plain)
    expected = [stock(text, add_special_tokens=False, verbose=False).input_ids for text in texts]
    assert [ids.tolist() for ids in store] == [ids for ids in expected if ids], "other tokens"


def _spoilt(draw: random.Random, folder: Path, name: str = "") -> tuple[Path, str]:
    family = draw.choice(FAMILIES)
    checkpoint = shutil.copytree(tiny_folder(family), folder / "checkpoint")
    file = checkpoint / (name or draw.choice(FILES))
    content = file.read_bytes()
    if file.suffix == ".safetensors":
        if draw.random() < 0.4:
            file.write_bytes(spoilt_bytes(content, draw))
        else:
            _spoil_tensors(file, draw)
    else:
        file.write_bytes(spoilt_json(content, draw))
    return checkpoint, family


def _spoil_tensors(file: Path, draw: random.Random) -> None:
    """Lose, rename, reshape or fill a tensor."""
    tensors = load_file(file)
    name = draw.choice(sorted(tensors))
    kind = draw.choice(
        ["lose", "rename", "more", "less", "nan", "inf", "half", "ints", "extra", "big"]
    )
    value = tensors.pop(name)
    if kind == "rename":
        tensors[f"{name}x"] = value
    elif kind == "more":
        tensors[name] = torch.cat([value, value])
    elif kind == "less":
        tensors[name] = value[:-1].clone()
    elif kind in ("nan", "inf"):
        value.view(-1)[draw.randrange(value.numel())] = float(kind)
        tensors[name] = value
    elif kind in ("half", "ints"):
        tensors[name] = value.to(torch.float16 if kind == "half" else torch.int64)
    elif kind == "extra":
        tensors |= {name: value, "bert.encoder.layer.9.bias": torch.ones(3), "extra": torch.ones(2)}
    elif kind == "big":
        tensors[name] = value * 1e20
    save_file(tensors, file, metadata={"format": "pt"})


def _same_as_stock(model: torch.nn.Module, checkpoint: Path) -> None:
    stock = AutoModelForMaskedLM.from_pretrained(checkpoint, dtype=torch.float32)
    theirs = stock.state_dict()
    ours = model.state_dict()
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), f"stock transformers has another {name}"


def _encodes(model: torch.nn.Module, checkpoint: Path) -> None:
    tokenizer = load_tokenizer(checkpoint, 32)
    for encoding in tokenizer.encode_batch(TEXTS):
        assert max(encoding.ids, default=0) < model.config.vocab_size
