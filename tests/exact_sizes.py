"""Exact sizes of the paper's twenty rows and their adapters, worked out from its shapes.

With V pieces, P positions, T token types, hidden size h and FFN size f, a masked language model has
(V + P + T + 2) h parameters in its embeddings, 4 (h² + h) + 2 h f + f + 5 h in a layer, and
h² + 3 h + V in its head. The first base model is mBERT (V = 119,547, P = 512, T = 2), the second
XLM-R (V = 250,002, P = 514, T = 1); 40,000 kept pieces and five special ones are 40,005.
"""

PARAMETERS = {
    "mbert": {
        "base": 177_974_523,
        "adapted": 177_974_523,
        "kd": 135_447_291,
        "ffn2048": 126_003_963,
        "hidden564": 89_692_779,
        "hidden564-vocab40k": 44_751_549,
        "hidden456": 71_311_611,
        "hidden456-vocab40k": 34_960_917,
        "hidden312": 47_710_587,
        "hidden312-vocab40k": 22_813_941,
    },
    "xlmr": {
        "base": 278_295_186,
        "adapted": 278_295_186,
        "kd": 235_767_954,
        "ffn2048": 226_324_626,
        "hidden564": 163_400_418,
        "hidden564-vocab40k": 44_752_113,
        "hidden456": 130_930_002,
        "hidden456-vocab40k": 34_961_373,
        "hidden312": 88_543_314,
        "hidden312-vocab40k": 22_814_253,
    },
}
ROWS = [(model, row) for model, rows in PARAMETERS.items() for row in rows]

# Every tensor of the published checkpoints: with pooler and, for mBERT, the next-sentence head.
WHOLE_CHECKPOINT = {"mbert": 178_566_653, "xlmr": 278_885_778}

# Hidden size and layers to the adapters' parameters at a reduction factor of 16 (Table 5) and 2.
ADAPTERS = {
    (768, 12): {16: 894_528, 2: 7_091_712},
    (768, 6): {16: 447_264, 2: 3_545_856},
    (564, 6): {16: 240_474, 2: 1_913_652},
    (456, 6): {16: 156_120, 2: 1_251_720},
    (312, 6): {16: 73_122, 2: 586_872},
}
