"""The architectures of encoders: what each one's parts and settings are called, stated once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Family:
    """An architecture, with the names that transformers has for its parts.

    Attributes:
        classes: how the names of its classes begin.
        tokenizers: kinds of tokenizer that it can have; `scratch` trains the first one.
        token_types: whether it takes `token_type_ids`.
        layers: of the base model, the list of layers.
        inner, outer: of a layer, the two feed-forward matrices.
        projections: of a layer, what makes queries, keys and values; one matrix for all three, or
            one for each.
        mixing: of a layer, the attention's output matrix.
        head: of a masked LM, what transforms states before the product with the embeddings, one
            after another; `gelu` is that function.
        ffn_size: the setting of the feed-forward size.
        embedding_size: the setting of the embeddings' width, if it is not always the hidden size.
        gated: whether `inner` makes two numbers for each neuron, first all of one sort: what is
            activated, and what it is multiplied by.
        pre_norm: whether a norm stands before each part of a layer and not after it, so that
            states between layers are not normalised.
        after_padding: whether positions count from the padding's id + 1, not from 0.
        rotary: whether positions turn queries and keys, in pairs of dimensions that lie half a
            head's width apart.
        global_every: of layers of two kinds, the setting of how many layers apart those are that
            attend to the whole text. The first one does, and has no norm before its attention.
        positions, positions_norm: of the base model, vectors of relative positions that queries
            and keys are made from as from hidden states, and the norm that they pass first.
        in_adapters: whether the library `adapters` has a class for it; else `adapter_models` has.
        required: settings that a checkpoint must have, as other parts are not known here.
        unstated: what those of them are that a checkpoint does not state, if not nothing.
        settings: what `scratch` sets besides the shape and these.
        renamed: names of settings, other than BERT's.
        usual_pieces: the vocabulary of its best-known multilingual model, for forecasts.
    """

    classes: str
    tokenizers: Sequence[str]
    token_types: bool = False
    layers: str = "encoder.layer"
    inner: str = "intermediate.dense"
    outer: str = "output.dense"
    projections: Sequence[str] = (
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
    )
    mixing: str = "attention.output.dense"
    head: Sequence[str] = ("cls.predictions.transform",)
    ffn_size: str = "intermediate_size"
    embedding_size: str | None = None
    gated: bool = False
    pre_norm: bool = False
    after_padding: bool = False
    rotary: bool = False
    global_every: str | None = None
    positions: str | None = None
    positions_norm: str | None = None
    in_adapters: bool = True
    required: Mapping[str, object] = field(default_factory=dict)
    unstated: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    renamed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    usual_pieces: int = 0

    @property
    def masked_lm(self) -> str:
        """The class of its masked language model."""
        return f"{self.classes}ForMaskedLM"


def _roberta(
    classes: str, tokenizer: str, usual_pieces: int = 0, in_adapters: bool = True
) -> Family:
    return Family(
        classes=classes,
        tokenizers=(tokenizer,),
        head=("lm_head.dense", "gelu", "lm_head.layer_norm"),
        after_padding=True,
        settings={"type_vocab_size": 1, "layer_norm_eps": 1e-5},
        in_adapters=in_adapters,
        usual_pieces=usual_pieces,
    )


FAMILIES = {
    "bert": Family(
        classes="Bert",
        tokenizers=("WordPiece", "Unigram"),
        token_types=True,
        usual_pieces=119_547,  # mBERT
    ),
    "roberta": _roberta("Roberta", "BPE"),
    "xlm-roberta": _roberta("XLMRoberta", "Unigram", usual_pieces=250_002),
    "camembert": _roberta("Camembert", "Unigram", in_adapters=False),
    "distilbert": Family(
        classes="DistilBert",
        tokenizers=("WordPiece",),
        layers="transformer.layer",
        inner="ffn.lin1",
        outer="ffn.lin2",
        projections=("attention.q_lin", "attention.k_lin", "attention.v_lin"),
        mixing="attention.out_lin",
        head=("vocab_transform", "activation", "vocab_layer_norm"),
        ffn_size="hidden_dim",
        renamed={
            "hidden_size": ("dim",),
            "num_hidden_layers": ("n_layers",),
            "num_attention_heads": ("n_heads",),
            "intermediate_size": ("hidden_dim",),
            "hidden_dropout_prob": ("dropout",),
            "attention_probs_dropout_prob": ("attention_dropout",),
        },
        usual_pieces=119_547,
    ),
    "electra": Family(
        classes="Electra",
        tokenizers=("WordPiece",),
        token_types=True,
        head=("generator_predictions",),
        embedding_size="embedding_size",
        renamed={"hidden_size": ("hidden_size", "embedding_size")},
    ),
    "deberta-v2": Family(
        classes="DebertaV2",
        tokenizers=("Unigram",),
        projections=(
            "attention.self.query_proj",
            "attention.self.key_proj",
            "attention.self.value_proj",
        ),
        embedding_size="embedding_size",
        positions="encoder.rel_embeddings",
        positions_norm="encoder.LayerNorm",
        required={
            "conv_kernel_size": 0,
            "relative_attention": True,
            "position_biased_input": False,
            "pos_att_type": ["c2p", "p2c"],
            "share_att_key": True,
            "norm_rel_ebd": "layer_norm",
            "legacy": True,  # else transformers ties a part of the head to the embeddings
        },
        unstated={"position_biased_input": True, "legacy": True},
        settings={"position_buckets": 256, "type_vocab_size": 0},
        usual_pieces=250_102,  # mDeBERTa-v3
    ),
    "modernbert": Family(
        classes="ModernBert",
        tokenizers=("BPE", "Unigram", "WordPiece"),
        layers="layers",
        inner="mlp.Wi",
        outer="mlp.Wo",
        projections=("attn.Wqkv",),
        mixing="attn.Wo",
        head=("head",),
        gated=True,
        pre_norm=True,
        rotary=True,
        in_adapters=False,
        global_every="global_attn_every_n_layers",
        renamed={
            "hidden_dropout_prob": ("embedding_dropout", "mlp_dropout"),
            "attention_probs_dropout_prob": ("attention_dropout",),
        },
        usual_pieces=256_000,  # mmBERT
    ),
}
"""By the `model_type` of a configuration."""
