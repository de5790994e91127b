"""Raw text and task data in the invented languages, in the formats the real sets are published in.

Sentences of FLORES-200 and SIB-200 are parallel, as the real ones are. Each set has its own random
stream, so that another size of one set leaves the others as they were.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from monoglot.data.invented.languages import LANGUAGES, Language
from monoglot.data.invented.lexicon import MOODS, TOPICS, Lexicon
from monoglot.data.invented.plans import Clause, Composer, Style
from monoglot.data.invented.speech import Token, say, text
from monoglot.errors import UserError
from monoglot.files import whole_file

SPLITS = ("train", "dev", "test")
TOPIC_WEIGHTS = (176, 138, 102, 85, 77, 65, 58)  # as in SIB-200
MOOD_WEIGHTS = (58, 42)


@dataclass(frozen=True)
class Sizes:
    """How much to write for each language: documents, sentences, and examples per split."""

    documents: int = 9000
    flores: int = 200
    tc: tuple[int, int, int] = (170, 60, 200)
    sa: tuple[int, int, int] = (150, 60, 200)
    ner: tuple[int, int, int] = (140, 60, 200)
    pos: tuple[int, int, int] = (60, 40, 200)


def generate(out: Path, seed: int = 0, sizes: Sizes | None = None) -> None:
    """Write every set of every language under `out`; the same arguments give the same bytes.

    Raises `UserError` if a size is negative.
    """
    sizes = sizes or Sizes()
    _check(sizes)
    writer = _Writer(Path(out), seed, Lexicon(seed))
    for language in LANGUAGES:
        writer.documents(language, sizes.documents)
        writer.flores(language, sizes.flores)
        writer.topics(language, sizes.tc)
        writer.sentiment(language, sizes.sa)
        writer.entities(language, sizes.ner)
        writer.word_classes(language, sizes.pos)


def _check(sizes: Sizes) -> None:
    for name, value in vars(sizes).items():
        if min(value if isinstance(value, tuple) else (value,)) < 0:
            raise UserError(f"the size '{name}' is {value}; sizes are 0 or more")


class _Writer:
    def __init__(self, out: Path, seed: int, lexicon: Lexicon) -> None:
        self._out = out
        self._seed = seed
        self._lexicon = lexicon

    def documents(self, language: Language, count: int) -> None:
        composer, rng = self._composer(f"documents {language.code}")
        rows = (self._document(language, composer, rng) for _ in range(count))
        self._lines(f"glotcc/{language.flores}.jsonl", rows)

    def flores(self, language: Language, count: int) -> None:
        for split in ("dev", "devtest"):
            composer, rng = self._composer(f"flores {split}")
            lines = [
                text(self._say(composer.sentence(_plain(rng)), language)) for _ in range(count)
            ]
            self._lines(f"flores200/{split}/{language.flores}.{split}", lines)

    def topics(self, language: Language, counts: tuple[int, int, int]) -> None:
        identity = 0
        for split, count in zip(SPLITS, counts, strict=True):
            composer, rng = self._composer(f"topics {split}")
            lines = ["index_id\tcategory\ttext"]
            for _ in range(count):
                topic = rng.choices(TOPICS, TOPIC_WEIGHTS)[0]
                mood = rng.choice((None, None, None, *MOODS))
                said = self._say(composer.sentence(Style(topic=topic, mood=mood)), language)
                lines.append(f"{identity}\t{topic}\t{text(said)}")
                identity += 1
            self._lines(f"sib200/{language.flores}/{split}.tsv", lines)

    def sentiment(self, language: Language, counts: tuple[int, int, int]) -> None:
        for split, count in zip(SPLITS, counts, strict=True):
            composer, rng = self._composer(f"sentiment {language.code} {split}")
            rows = []
            for _ in range(count):
                mood = rng.choices(MOODS, MOOD_WEIGHTS)[0]
                style = Style(topic=rng.choice(TOPICS), mood=mood, moody=0.5)
                rows.append(
                    (MOODS.index(mood), text(self._say(composer.sentence(style), language)))
                )
            path = self._out / f"sentiment/{language.code}/{split}.csv"
            with whole_file(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(rows)

    def entities(self, language: Language, counts: tuple[int, int, int]) -> None:
        for split, sentences in self._tagged("entities", language, counts, names=0.75):
            lines = []
            for tokens in sentences:
                lines += [f"{language.code}:{token.form}\t{token.tag}" for token in tokens] + [""]
            self._lines(f"wikiann/{language.code}/{split}.txt", lines)

    def word_classes(self, language: Language, counts: tuple[int, int, int]) -> None:
        for split, sentences in self._tagged("classes", language, counts, names=0.15):
            lines = []
            for number, tokens in enumerate(sentences, start=1):
                lines += [
                    f"# sent_id = {language.code}-{split}-{number}",
                    f"# text = {text(tokens)}",
                ]
                lines += [_conllu(place, token) for place, token in enumerate(tokens, start=1)]
                lines.append("")
            self._lines(f"ud/{language.code}-{split}.conllu", lines)

    def _tagged(
        self, name: str, language: Language, counts: tuple[int, int, int], names: float
    ) -> Iterator[tuple[str, list[list[Token]]]]:
        for split, count in zip(SPLITS, counts, strict=True):
            composer, rng = self._composer(f"{name} {language.code} {split}")
            yield (
                split,
                [self._say(composer.sentence(_plain(rng, names)), language) for _ in range(count)],
            )

    def _document(self, language: Language, composer: Composer, rng: Random) -> str:
        style = _plain(rng, names=0.25)
        count = rng.choice((1, 2))
        sentences = [text(self._say(composer.sentence(style), language)) for _ in range(count)]
        content = " ".join(sentences)
        row = {
            "content": content,
            "identification-label": f"{language.code}-Latn",
            "num-sents": count,
            "content-length": len(content),
        }
        return json.dumps(row, ensure_ascii=False)

    def _say(self, clauses: tuple[Clause, ...], language: Language) -> list[Token]:
        return say(clauses, self._lexicon, language)

    def _composer(self, name: str) -> tuple[Composer, Random]:
        rng = Random(f"{name} {self._seed}")
        return Composer(self._lexicon, rng), rng

    def _lines(self, path: str, lines: Iterable[str]) -> None:
        with whole_file(self._out / path) as aside:
            aside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _plain(rng: Random, names: float = 0.3) -> Style:
    """Return the style of ordinary text: any topic, sometimes a mood."""
    topic = rng.choices(TOPICS, TOPIC_WEIGHTS)[0]
    mood = rng.choice((None, *MOODS, *MOODS))
    return Style(topic=topic, mood=mood, names=names)


def _conllu(place: int, token: Token) -> str:
    return f"{place}\t{token.form}\t_\t{token.upos}" + "\t_" * 6
