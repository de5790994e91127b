"""Tiny checkpoints of every family, and scripts run as commands."""

import logging
import runpy
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tiny_models import byte_fallback, randomise, tiny
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from monoglot.checkpoints import TOKENIZER_FILES, load_model, save_weights
from monoglot.tokenizer_json import GEMMA

ROOT = Path(__file__).parents[1]
SHAPE = {
    "hidden_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
LETTERS = "abcdefghijklmnopqrstuvwxyzàċġħż"
MARKS = ".,!?-0123456789"
WORDS = ["il", "kelb", "jiġri", "wara", "qattus", "id", "dar", "hija", "kbira", "fil", "belt"]
WORDS += ["the", "a", "dog", "runs", "after", "cat"]
ENDINGS = ["at", "in", "er", "ija", "ra", "na"]


@pytest.fixture(scope="session", autouse=True)
def heard_signals() -> None:
    """Let commands hear the signals that `nohup`, or a shell in the background, has them ignore."""
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(autouse=True)
def log_level_kept() -> Iterator[None]:
    """Fail the test that leaves the log at another level, not those after it which read the log."""
    root = logging.getLogger()
    before = root.level
    yield
    after = root.level
    root.setLevel(before)
    assert after == before


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return `tiny_checkpoint(family)`: the folder of a tiny checkpoint.

    Hidden size 24, 4 layers, 4 heads, FFN 48, seeded random weights in every tensor, at most 62
    tokens and 2 special ones. The folder is shared by all tests: read it, never write into it.
    """
    folders: dict[str, Path] = {}

    def build(family: str) -> Path:
        if family not in folders:
            makers = {"bert": _bert, "xlm-roberta": _xlm_roberta, "distilbert": _distilbert}
            makers |= {"modernbert": _modernbert}
            if family in makers:
                tokenizer, model = makers[family]()
                randomise(model)
            else:
                model, tokenizer = tiny(family)
            folders[family] = tmp_path_factory.mktemp(family)
            _save(tokenizer, model, folders[family])
        return folders[family]

    return build


@pytest.fixture(params=["bert", "xlm-roberta"])
def family(request: pytest.FixtureRequest) -> str:
    """Run the test once for each family of the paper; modules with more have their own."""
    return request.param


@pytest.fixture
def parent(tiny_checkpoint: Callable[[str], Path], family: str) -> Path:
    """Return the folder of the family's tiny checkpoint."""
    return tiny_checkpoint(family)


@pytest.fixture
def model(parent: Path) -> PreTrainedModel:
    """Return the family's tiny model, loaded afresh."""
    return load_model(parent)


@pytest.fixture
def inputs(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Return two sequences for `model`, the second one padded."""
    ids = torch.randint(5, 70, (2, 12), generator=torch.Generator().manual_seed(3))
    attention = torch.ones_like(ids)
    ids[1, 8:], attention[1, 8:] = model.config.pad_token_id, 0
    return {"input_ids": ids, "attention_mask": attention}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str | None]:
    """Return `script(name, *arguments)`, which runs `scripts/NAME.py` in this process.

    The result is what the script exits with: None, or one line that says what is wrong.
    """

    def run(name: str, *arguments: object) -> str | None:
        path = str(ROOT / "scripts" / f"{name}.py")
        monkeypatch.setattr(sys, "argv", [path, *map(str, arguments)])
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as stop:
            return stop.code
        return None

    return run


def _bert() -> tuple[PreTrainedTokenizerFast, BertForMaskedLM]:
    tokenizer = _wordpiece()
    shape = {"max_position_embeddings": 64, "pad_token_id": 0, **SHAPE}
    return tokenizer, BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), **shape))


def _distilbert() -> tuple[PreTrainedTokenizerFast, DistilBertForMaskedLM]:
    tokenizer = _wordpiece(model_input_names=["input_ids", "attention_mask"])
    shape = {"max_position_embeddings": 64, "dim": 24, "n_layers": 4, "n_heads": 4}
    config = DistilBertConfig(vocab_size=len(tokenizer), hidden_dim=48, **shape)
    return tokenizer, DistilBertForMaskedLM(config)


def _modernbert() -> tuple[PreTrainedTokenizerFast, ModernBertForMaskedLM]:
    texts = [*(f"{one} {two}" for one in WORDS for two in WORDS), *LETTERS, *MARKS]
    backend = byte_fallback([*texts, *(f"a{one}" for one in ENDINGS)], 130, 80)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, **GEMMA)
    roles = ("pad", "bos", "eos", "cls", "sep")
    ids = {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in roles}
    config = ModernBertConfig(
        vocab_size=len(tokenizer), max_position_embeddings=64, local_attention=8, **ids, **SHAPE
    )
    return tokenizer, ModernBertForMaskedLM(config)


def _wordpiece(**settings: object) -> PreTrainedTokenizerFast:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *MARKS, *LETTERS]
    pieces += [f"##{piece}" for piece in (*LETTERS, *ENDINGS)]
    pieces += [word for word in WORDS if len(word) > 1]
    backend = Tokenizer(models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
        **settings,
    )


def _xlm_roberta() -> tuple[PreTrainedTokenizerFast, XLMRobertaForMaskedLM]:
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -4.0)]
    pieces += [(f"▁{word}", -5.0 - i / 100) for i, word in enumerate(WORDS)]
    pieces += [(ending, -6.0 - i / 100) for i, ending in enumerate(ENDINGS)]
    pieces += [(letter, -8.0 - i / 100) for i, letter in enumerate(LETTERS + MARKS)]
    pieces += [("<mask>", 0.0)]
    backend = Tokenizer(models.Unigram(pieces, unk_id=3))
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=64,
    )
    config = XLMRobertaConfig(
        vocab_size=len(pieces), max_position_embeddings=66, type_vocab_size=1, **SHAPE
    )
    return tokenizer, XLMRobertaForMaskedLM(config)


def _save(tokenizer: PreTrainedTokenizerFast, model: torch.nn.Module, folder: Path) -> None:
    save_weights(model, folder)
    everything = folder / "tokenizer"
    tokenizer.save_pretrained(everything)
    for name in TOKENIZER_FILES:
        (everything / name).rename(folder / name)
    shutil.rmtree(everything)
