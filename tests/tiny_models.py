"""Tiny models of every architecture, with tokenizers trained on a few sentences."""

import json
from collections.abc import Sequence
from itertools import chain

import torch
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    CONFIG_MAPPING,
    AutoModelForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from monoglot.families import FAMILIES
from monoglot.operations.train_tokenizer import train_unigram, train_wordpiece
from monoglot.tokenizer_json import GEMMA, SPECIAL_TOKENS, input_names, split_at_spaces

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
    "electra": "WordPiece",
    "deberta-v2": "mDeBERTa",
    "roberta": "BPE",
    "xlm-roberta": "Unigram",
    "camembert": "Unigram",
    "modernbert": "Gemma",
}
"""Each architecture with a kind of tokenizer that its published models have."""
DIFFERENT = ("bert", "xlm-roberta", "distilbert", "electra", "deberta-v2", "modernbert")
"""Those that are made of different parts; the others are an XLM-R under another name."""

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
    before = 2 if FAMILIES[architecture].after_padding else 0
    settings = {"vocab_size": len(tokenizer), "max_position_embeddings": 64 + before, **ids}
    own = {"hidden_dim": 48} if architecture == "distilbert" else {"intermediate_size": 48}
    if architecture == "electra":  # as wide as its layers, as in the base models
        own["embedding_size"] = SHAPE["hidden_size"]
    if architecture == "deberta-v2":  # far positions share vectors from 4 tokens on
        known = FAMILIES[architecture]
        own |= {**known.required, **known.settings, "position_buckets": 8}
    if architecture == "modernbert":  # of mmBERT, but for its window of 128
        roles = ("bos", "eos", "cls", "sep")
        own |= {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in roles}
        own["local_attention"] = 8
    config = CONFIG_MAPPING[architecture](**{**settings, **SHAPE, **own, **changes})
    model = AutoModelForMaskedLM.from_config(config)
    randomise(model)
    tokenizer.model_input_names = input_names(architecture)
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
    """Return a tokenizer of `pieces` pieces: WordPiece, Unigram, byte-level BPE or Gemma's."""
    of_bert = SPECIAL_TOKENS["WordPiece"]
    names = {"WordPiece": of_bert, "mDeBERTa": of_bert, "Gemma": GEMMA}.get(
        kind, SPECIAL_TOKENS["Unigram"]
    )
    # The first two trained as by `scratch`: by the trainers of `tokenizers` alone, each run of the
    # tests has other ids, and with them other losses.
    train = {"WordPiece": train_wordpiece, "Unigram": train_unigram, "BPE": byte_level}
    train |= {"Gemma": byte_fallback, "mDeBERTa": with_berts_names}
    return PreTrainedTokenizerFast(
        tokenizer_object=train[kind](TEXTS, pieces), model_max_length=64, **names
    )


def with_berts_names(texts: Sequence[str], pieces: int) -> Tokenizer:
    """Return mDeBERTa's kind of tokenizer: Unigram with BERT's special tokens, the mask added."""
    first = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
    trained = json.loads(train_unigram(texts, pieces).to_str())["model"]["vocab"]
    vocabulary = [*((name, 0.0) for name in first), *map(tuple, trained[4:-1])]
    tokenizer = split_at_spaces(Tokenizer(models.Unigram(vocabulary, unk_id=3)))
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(one, special=True) for one in (*first, "[MASK]")])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    return tokenizer


def byte_level(texts: Sequence[str], pieces: int) -> Tokenizer:
    """Return RoBERTa's kind of tokenizer: every byte has a piece, `pieces` are further ones."""
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


def byte_fallback(texts: Sequence[str], pieces: int, characters: int = 40) -> Tokenizer:
    """Return Gemma's kind of tokenizer: `pieces` pieces besides special ones and bytes.

    Of the texts' characters, the most frequent ones have a piece; all others fall apart into bytes.
    As in what is made of a SentencePiece model, every two pieces that make up a third are a merge,
    and a text is not cut into words.
    """
    spaces = normalizers.Replace(" ", "▁")
    words = Tokenizer(models.BPE())
    words.normalizer = spaces
    words.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(
        vocab_size=pieces, limit_alphabet=characters, special_tokens=["▁"], show_progress=False
    )
    words.train_from_iterator(texts, trainer)
    learnt = sorted(words.get_vocab(), key=words.token_to_id)
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    every = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *learnt]
    ids = {piece: i for i, piece in enumerate(every)}

    def splits(piece: str) -> list[tuple[str, str]]:
        found = ((piece[:at], piece[at:]) for at in range(1, len(piece)))
        return sorted((ids[one], ids[two]) for one, two in found if {one, two} <= ids.keys())

    merges = chain.from_iterable(map(splits, learnt))
    named = [(every[left], every[right]) for left, right in merges]
    tokenizer = Tokenizer(
        models.BPE(ids, named, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = spaces
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>",
        pair="<bos> $A <eos> <bos>:1 $B:1 <eos>:1",
        special_tokens=[("<bos>", ids["<bos>"]), ("<eos>", ids["<eos>"])],
    )
    tokenizer.add_special_tokens([AddedToken(one, special=True) for one in special])
    return tokenizer
