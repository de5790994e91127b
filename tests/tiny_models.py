"""Tiny models of every architecture, with tokenizers trained on a few sentences."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    CONFIG_MAPPING,
    AutoModelForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from monoglot.operations.train_tokenizer import train_unigram, train_wordpiece
from monoglot.tokenizer_json import INPUT_NAMES, SPECIAL_TOKENS

TEXTS = [
    "il kelb jiġri wara l-qattus fil-belt",
    "id-dar hija kbira u sabiħa, mhux bħal tagħna",
    "il-belt hija qadima ħafna",
    "qattus u kelb jorqdu fid-dar il-kbira",
    "tifla żgħira tiekol ħobż u ġobon",
    "il-ġurnata kollha xita u riħ",
    "illum mort il-belt bil-karozza tal-linja",
    "għandna bżonn aktar ilma, qal ir-raġel",
]
OTHER_TEXTS = ["il-kelb tar-raġel", "ilma ġdid; xemx u żiffa", "Zzz 1234 ß"]
ARCHITECTURES = {
    "bert": "WordPiece",
    "distilbert": "WordPiece",
    "roberta": "BPE",
    "xlm-roberta": "Unigram",
    "camembert": "Unigram",
}
"""Each architecture with a kind of tokenizer that its published models have."""

SHAPE = {"hidden_size": 24, "num_hidden_layers": 4, "num_attention_heads": 4}
PIECES = 120


def tiny(
    architecture: str, kind: str | None = None, pieces: int = PIECES, **changes: object
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return a masked language model of 4 layers, 24 dimensions, 48 neurons and its tokenizer.

    Weights are random in every tensor, the same each time; at most 62 tokens and 2 special ones.
    """
    tokenizer = trained(kind or ARCHITECTURES[architecture], pieces)
    ids = {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in ("pad",)}
    before = 2 if architecture not in ("bert", "distilbert") else 0
    settings = {"vocab_size": len(tokenizer), "max_position_embeddings": 64 + before, **ids}
    own = {"hidden_dim": 48} if architecture == "distilbert" else {"intermediate_size": 48}
    config = CONFIG_MAPPING[architecture](**settings, **SHAPE, **own, **changes)
    model = AutoModelForMaskedLM.from_config(config)
    randomise(model)
    tokenizer.model_input_names = INPUT_NAMES.get(architecture, INPUT_NAMES["xlm-roberta"])
    return model.eval(), tokenizer


def randomise(model: torch.nn.Module) -> None:
    """Give every tensor distinct values, so that no test passes because biases are all zero."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator) * 0.1
            gain = "norm.weight" in name.lower()
            parameter.copy_(1 + noise if gain else noise)


def trained(kind: str, pieces: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer of `pieces` pieces: WordPiece, Unigram or byte-level BPE."""
    names = SPECIAL_TOKENS["WordPiece" if kind == "WordPiece" else "Unigram"]
    # The first two trained as by `scratch`: by the trainers of `tokenizers` alone, each run of the
    # tests has other ids, and with them other losses.
    train = {"WordPiece": train_wordpiece, "Unigram": train_unigram, "BPE": _bpe}[kind]
    return PreTrainedTokenizerFast(
        tokenizer_object=train(TEXTS, pieces), model_max_length=64, **names
    )


def _bpe(texts: list[str], pieces: int) -> Tokenizer:
    """RoBERTa's kind: every byte has a piece, `pieces` are further ones."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces + len(alphabet),
        special_tokens=list(dict.fromkeys(SPECIAL_TOKENS["Unigram"].values())),
        initial_alphabet=alphabet,
        min_frequency=1,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    ends = (("</s>", tokenizer.token_to_id("</s>")), ("<s>", tokenizer.token_to_id("<s>")))
    tokenizer.post_processor = processors.RobertaProcessing(*ends, add_prefix_space=False)
    return tokenizer
