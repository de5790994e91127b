"""A few sentences of Welsh as files in the formats that the published sets come in."""

import json
from pathlib import Path

TOPICS = {
    "science/technology": [
        "Mae gwyddonwyr yn astudio'r sêr.",
        "Mae'r cyfrifiadur newydd yn gyflym.",
    ],
    "travel": ["Aeth Siân i Gaerdydd ar y trên.", "Mae'r bws yn gadael y dref am naw."],
    "politics": ["Pleidleisiodd y senedd dros y gyfraith.", "Siaradodd y gweinidog yn y senedd."],
    "sports": ["Enillodd Cymru y gêm yn erbyn Iwerddon.", "Collodd y tîm y gêm ddoe."],
    "health": ["Bydd y meddyg yn ymweld â'r ysbyty.", "Mae'r nyrs yn gweithio yn yr ysbyty."],
    "entertainment": ["Roedd y ffilm yn y sinema neithiwr.", "Canodd y côr yn yr eisteddfod."],
    "geography": ["Mae'r afon yn llifo i'r môr.", "Mae'r Wyddfa yn fynydd uchel."],
}
MOODS = (
    [
        "Roedd y bwyd yn ofnadwy.",
        "Ffilm ddiflas iawn, peidiwch â mynd.",
        "Gwasanaeth gwael ac araf!",
    ],
    ["Ffilm wych, mwynheais bob munud.", "Roedd y bwyd yn flasus iawn.", "Gwasanaeth da, diolch!"],
)
NAMED = [
    [("Aeth", "O"), ("Siân", "B-PER"), ("Jones", "I-PER"), ("i", "O"), ("Gaerdydd", "B-LOC")],
    [("Mae", "O"), ("Prifysgol", "B-ORG"), ("Bangor", "I-ORG"), ("yn", "O"), ("agor", "O")],
    [
        ("Mae", "O"),
        ("Dafydd", "B-PER"),
        ("yn", "O"),
        ("byw", "O"),
        ("yn", "O"),
        ("Aberystwyth", "B-LOC"),
    ],
]
TREES = [
    [
        ("Mae", "AUX"),
        ("'r", "DET"),
        ("gath", "NOUN"),
        ("yn", "AUX"),
        ("cysgu", "NOUN"),
        (".", "PUNCT"),
    ],
    [("Enillodd", "VERB"), ("Cymru", "PROPN"), ("y", "DET"), ("gêm", "NOUN"), (".", "PUNCT")],
]
SPLITS = ("train", "dev", "test")


def write(root: Path) -> None:
    """Write text, FLORES and four labelled sets under `root`, in the demo's folders."""
    texts = [text for group in TOPICS.values() for text in group] + MOODS[0] + MOODS[1]
    rows = ({"content": f"{a} {b}", "num-sents": 2} for a in texts for b in texts)
    _write(root / "glotcc/cym_Latn.jsonl", (json.dumps(row, ensure_ascii=False) for row in rows))
    _write(root / "flores200/dev/cym_Latn.dev", texts[:10])
    _write(root / "flores200/devtest/cym_Latn.devtest", texts[10:])
    for split in SPLITS:
        topics = [(topic, text) for topic, group in TOPICS.items() for text in group]
        lines = [f"{number}\t{topic}\t{text}" for number, (topic, text) in enumerate(topics)]
        _write(root / f"sib200/cym_Latn/{split}.tsv", ["index_id\tcategory\ttext", *lines])
        moods = [f'{label},"{text}"' for label, group in enumerate(MOODS) for text in group]
        _write(root / f"sentiment/cy/{split}.csv", moods)
        named = ([*(f"cy:{word}\t{tag}" for word, tag in words), ""] for words in NAMED)
        _write(root / f"wikiann/cy/{split}.txt", (line for lines in named for line in lines))
        _write(root / f"ud/cy-{split}.conllu", (line for words in TREES for line in _tree(words)))


def _tree(words: list[tuple[str, str]]) -> list[str]:
    """CoNLL-U rows, with the row of a multiword token before a word that begins with a mark."""
    rows = ["# text = " + " ".join(word for word, _ in words)]
    for place, (word, tag) in enumerate(words, start=1):
        if words[place : place + 1] and words[place][0].startswith("'"):
            rows.append(f"{place}-{place + 1}\t{word}{words[place][0]}" + "\t_" * 8)
        rows.append(f"{place}\t{word}\t_\t{tag}" + "\t_" * 6)
    return [*rows, ""]


def _write(path: Path, lines) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
