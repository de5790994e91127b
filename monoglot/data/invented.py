"""Three invented, related languages with labelled data, for trying everything without a download.

`generate` writes raw text and task data in the published formats. Nothing of it is taken from a
real language: words are drawn from a random proto-lexicon, changed by regular sound laws, inflected
and put in each language's word order.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from random import Random

from monoglot.errors import UserError
from monoglot.files import whole_file

# The three languages: sound laws, inflection, little words and word order.
#
# The codes are from the range that ISO 639-3 leaves to private use (qaa-qtz). Endings are short
# and many mean several things, as in real languages: `en` marks accusatives and plural verbs in
# Belorin.

CASES = ("nominative", "accusative", "genitive", "locative")
TENSES = ("present", "past", "future")


@dataclass(frozen=True)
class InventedLanguage:
    """What turns a sentence plan into words.

    `laws` are (pattern, replacement) pairs applied in order to a proto-form; `order` arranges
    subject, verb, object and other parts (X); `before` names what stands before its noun.
    Articles (DET) agree with the class of the noun: one for each topic, and one more.
    Three interjections are negative, three positive; two degree words (ADV) go with negative
    adjectives, two with positive ones, two with all others.
    """

    code: str
    name: str
    laws: tuple[tuple[str, str], ...]
    order: str
    before: frozenset[str]
    plural: str
    cases: Mapping[str, str]
    tenses: Mapping[str, str]
    verb_plural: str
    adjective_plural: str
    adverb: str
    little_words: Mapping[str, tuple[str, ...]]

    @property
    def flores(self) -> str:
        """Return the code with its script, as in FLORES-200: `qaa_Latn`."""
        return f"{self.code}_Latn"

    def sound(self, proto: str) -> str:
        """Apply the sound laws to a proto-form."""
        for pattern, replacement in self.laws:
            proto = re.sub(pattern, replacement, proto)
        return proto

    def inflect(self, stem: str, upos: str, plural: bool, case: str, tense: str) -> str:
        """Return the inflected form of `stem` as a word of class `upos`."""
        if upos in ("NOUN", "PROPN"):
            return stem + (self.plural if plural else "") + self.cases[case]
        if upos == "VERB":
            return stem + self.tenses[tense] + (self.verb_plural if plural else "")
        if upos == "ADJ":
            return stem + (self.adjective_plural if plural else "")
        return stem + self.adverb if upos == "ADV" else stem


AVORZAN = InventedLanguage(
    code="qaa",
    name="Avöržan",
    laws=(
        (r"k", "ħ"),
        (r"s(?=[ei])", "š"),
        (r"z", "ž"),
        (r"(?<=[aeiou])[bv](?=[aeiou])", "w"),
        (r"o", "ö"),
        (r"u$", "ë"),
    ),
    order="VSOX",
    before=frozenset({"adposition"}),
    plural="ët",
    cases={"nominative": "", "accusative": "aš", "genitive": "ir", "locative": "ö"},
    tenses={"present": "ir", "past": "aš", "future": "un"},
    verb_plural="ët",
    adjective_plural="ö",
    adverb="un",
    little_words={
        "DET": ("ħa", "söl", "nië", "žut", "ġem", "röš", "pal", "ëk"),
        "INTJ": ("oħ", "wej", "tja", "haj", "ëla", "böm"),
        "ADP": ("wa", "peš", "önt", "šar"),
        "ADV": ("duš", "ħel", "žiw", "möl", "taš", "ren"),
        "PRON": ("ma", "ta", "jel", "nöš", "wöš"),
        "CCONJ": ("u", "ime"),
        "SCONJ": ("ħil", "žan"),
        "AUX": ("awe", "möž"),
        "PART": ("nö",),
        "NUM": ("ën", "döw", "tirš", "ħat"),
    },
)

BELORIN = InventedLanguage(
    code="qab",
    name="Belorin",
    laws=((r"h", ""), (r"z", "s"), (r"w", "v"), (r"([td])(?=i)", "c")),
    order="SVOX",
    before=frozenset({"adjective", "adposition"}),
    plural="i",
    cases={"nominative": "", "accusative": "en", "genitive": "os", "locative": "ar"},
    tenses={"present": "a", "past": "os", "future": "ar"},
    verb_plural="en",
    adjective_plural="i",
    adverb="a",
    little_words={
        "DET": ("il", "sal", "nuva", "tor", "gem", "ruso", "pali", "ek"),
        "INTJ": ("ok", "vei", "tia", "ai", "ela", "bom"),
        "ADP": ("ba", "po", "enta", "sur"),
        "ADV": ("dus", "kel", "siv", "mol", "tas", "ren"),
        "PRON": ("mi", "tu", "el", "nos", "vos"),
        "CCONJ": ("ed", "mas"),
        "SCONJ": ("kel", "sin"),
        "AUX": ("avi", "pote"),
        "PART": ("ne",),
        "NUM": ("un", "dova", "tiri", "kater"),
    },
)

CEDOSH = InventedLanguage(
    code="qac",
    name="Cedosh",
    laws=((r"p", "f"), (r"k(?=[ei])", "ch"), (r"(?<=[aeiou])t(?=[aeiou])", "d"), (r"w", "b")),
    order="SXOV",
    before=frozenset({"adjective", "genitive"}),
    plural="ul",
    cases={"nominative": "", "accusative": "om", "genitive": "ev", "locative": "esh"},
    tenses={"present": "e", "past": "esh", "future": "ev"},
    verb_plural="om",
    adjective_plural="e",
    adverb="ul",
    little_words={
        "DET": ("da", "sho", "nich", "zor", "gam", "rush", "fel", "yek"),
        "INTJ": ("och", "vey", "chya", "ay", "yela", "bum"),
        "ADP": ("vab", "fod", "ench", "sor"),
        "ADV": ("duz", "chel", "ziv", "mul", "taz", "rin"),
        "PRON": ("me", "te", "yel", "nash", "vash"),
        "CCONJ": ("ya", "ale"),
        "SCONJ": ("cho", "zen"),
        "AUX": ("bude", "mozh"),
        "PART": ("nie",),
        "NUM": ("yen", "duva", "terish", "chetir"),
    },
)

LANGUAGES: tuple[InventedLanguage, ...] = (AVORZAN, BELORIN, CEDOSH)


# Words: what can be said (concepts), and how each language says it.
#
# Content words fall into clusters (seven topics, two moods, general ones) that only show in what
# they stand next to: the form of a word says nothing about its topic. Nouns have a class, by their
# topic with exceptions, and articles agree with it; adjectives have degree words that fit their
# mood.

TOPICS = (
    "science/technology",
    "travel",
    "politics",
    "sports",
    "health",
    "entertainment",
    "geography",
)
MOODS = ("negative", "positive")
GENERAL = "general"

TOPIC_WORDS = {"NOUN": 10, "VERB": 4, "ADJ": 4}
MOOD_WORDS = {"NOUN": 7, "VERB": 6, "ADJ": 9, "ADV": 5}
GENERAL_WORDS = {"NOUN": 8, "VERB": 5, "ADJ": 4, "ADV": 4}
NAME_VERBS = {"VERB": 3}  # what a person, a place or a company does
NAMES = {"given": 16, "family": 16, "place": 16, "company": 14, "feast": 8}
ENDINGS = {
    "given": ("a", "il", "o"),
    "family": ("sen", "ova", "il"),
    "place": ("burg", "ova", "ia"),
    "company": ("tek", "ia", "sen"),
    "feast": ("a", "tek", "ia"),
}
CONTENT = (
    *((topic, TOPIC_WORDS) for topic in TOPICS),
    *((mood, MOOD_WORDS) for mood in MOODS),
    (GENERAL, GENERAL_WORDS),
    *((kind, NAME_VERBS) for kind in ("PER", "LOC", "ORG")),
)
COGNATES, LOANS, CONVERTED = 0.6, 0.1, 0.06
IRREGULAR = 0.08  # share of nouns of a class that is not their topic's
MARKED = 0.75  # share of names with an ending of their kind


@dataclass(frozen=True)
class Concept:
    """Something to say: word class, and a number that each language has a stem for."""

    upos: str
    number: int


class Lexicon:
    """All clusters, keyed by (cluster, upos), and the stems of all languages.

    Frequencies are Zipfian: the weight of rank r in its cluster is 1 / r.
    """

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"lexicon {seed}")
        self._taken: set[str] = set()
        self._stems: dict[str, list[str]] = {language.code: [] for language in LANGUAGES}
        self.moods: dict[Concept, str] = {}
        self.noun_classes: dict[Concept, int] = {}
        self.clusters: dict[tuple[str, str], list[Concept]] = {}
        for cluster, counts in CONTENT:
            for upos, count in counts.items():
                self.clusters[cluster, upos] = [self._word(upos) for _ in range(count)]
            if "NOUN" in counts:
                self._classify(cluster)
        for kind, count in NAMES.items():
            self.clusters[kind, "PROPN"] = [self._name(kind) for _ in range(count)]

    def draw(self, rng: Random, cluster: str, upos: str) -> Concept:
        """Draw a concept of class `upos` from `cluster`."""
        concepts = self.clusters[cluster, upos]
        weights = list(accumulate(1 / (rank + 1) for rank in range(len(concepts))))
        return rng.choices(concepts, cum_weights=weights)[0]

    def stem(self, concept: Concept, language: InventedLanguage) -> str:
        """Return the stem of `concept` in `language`."""
        return self._stems[language.code][concept.number]

    def _classify(self, cluster: str) -> None:
        usual = TOPICS.index(cluster) if cluster in TOPICS else len(TOPICS)
        for noun in self.clusters[cluster, "NOUN"]:
            odd = self._rng.random() < IRREGULAR
            self.noun_classes[noun] = self._rng.randrange(len(TOPICS) + 1) if odd else usual
        if cluster in MOODS:
            self.moods |= dict.fromkeys(self.clusters[cluster, "ADJ"], cluster)

    def _word(self, upos: str) -> Concept:
        known = len(self._stems[LANGUAGES[0].code])
        if known and self._rng.random() < CONVERTED:
            return Concept(upos, self._rng.randrange(known))
        loan = self._rng.random() < LOANS
        root = self._root()
        for language in LANGUAGES:
            native = root if self._rng.random() < COGNATES else self._root()
            self._stems[language.code].append(root if loan else language.sound(native))
        return Concept(upos, known)

    def _name(self, kind: str) -> Concept:
        ending = ENDINGS[kind] if self._rng.random() < MARKED else ("", "en", "ar")
        name = (self._root() + self._rng.choice(ending)).capitalize()
        for language in LANGUAGES:
            self._stems[language.code].append(name)
        return Concept("PROPN", len(self._stems[LANGUAGES[0].code]) - 1)

    def _root(self) -> str:
        """Return a proto-root that no other word has."""
        while True:
            syllables = range(self._rng.choice((1, 2, 2)))
            root = "".join(
                self._rng.choice("ptkbdgmnlrszw") + self._rng.choice("aeiou") for _ in syllables
            )
            root += self._rng.choice("ptkdgmnlrsz")
            if root not in self._taken and len(root) > 2:
                self._taken.add(root)
                return root


# Sentence plans: what is said, before any language says it, so that texts can be parallel.

ENTITIES = ("PER", "LOC", "ORG")


@dataclass(frozen=True)
class Little:
    """A little word: its class and its number in each language's list."""

    upos: str
    number: int


@dataclass(frozen=True)
class Phrase:
    """A noun phrase; `heads` are several words for a name, which `entity` may label."""

    heads: tuple[Concept | Little, ...]
    entity: str | None = None
    plural: bool = False
    case: str = "nominative"
    front: tuple[Little, ...] = ()
    adjectives: tuple[Concept | Little, ...] = ()
    owner: "Phrase | None" = None
    adposition: Little | None = None


@dataclass(frozen=True)
class Clause:
    """A verb with its phrases; `joint` joins it to the clause before, `opening` is a cry."""

    subject: Phrase
    verb: Concept
    tense: str
    helpers: tuple[Little, ...]
    object: Phrase | None
    others: tuple[Phrase, ...]
    adverb: Concept | None
    joint: Little | None = None
    opening: Little | None = None


@dataclass(frozen=True)
class Style:
    """What a sentence is about: topic and mood (or None), and how often names occur (0 to 1)."""

    topic: str | None = None
    mood: str | None = None
    names: float = 0.1
    topical: float = 0.9
    moody: float = 0.45
    astray: float = 0.05


class Composer:
    """Draws sentence plans from a lexicon."""

    def __init__(self, lexicon: Lexicon, rng: Random) -> None:
        self._lexicon = lexicon
        self._rng = rng

    def sentence(self, style: Style) -> tuple[Clause, ...]:
        """Return the clauses of one sentence, about 6 to 16 words in all."""
        first = replace(self._clause(style, None), opening=self._cry(style))
        if not self._chance(0.4):
            return (first,)
        joint = self._little(*self._rng.choice((("CCONJ", 2), ("SCONJ", 2))))
        return first, self._clause(style, joint)

    def _cry(self, style: Style) -> Little | None:
        """Return an interjection that mostly goes with the mood, or nothing."""
        if not style.mood or not self._chance(0.4):
            return None
        mood = self._rng.choice(MOODS) if self._chance(0.1) else style.mood
        return Little("INTJ", 3 * MOODS.index(mood) + self._rng.randrange(3))

    def _clause(self, style: Style, joint: Little | None) -> Clause:
        entity = self._rng.choice(ENTITIES) if self._chance(style.names) else None
        subject = self._subject(style, entity)
        object_ = self._phrase(style, "accusative") if self._chance(0.65) else None
        place = self._chance(style.names)
        others = (self._place(),) if place else ()
        if not place and (joint is None or object_ is None) and self._chance(0.6):
            others = (self._phrase(style, "locative", self._little("ADP", 4)),)
        helpers = (self._little("AUX", 2),) if self._chance(0.1) else ()
        helpers += (self._little("PART", 1),) if self._chance(0.07) else ()
        return Clause(
            subject=subject,
            verb=self._verb(style, subject.entity),
            tense=self._rng.choices(TENSES, (6, 3, 1))[0],
            helpers=helpers,
            object=object_,
            others=others,
            adverb=self._content(style, "ADV") if self._chance(0.2) else None,
            joint=joint,
        )

    def _subject(self, style: Style, entity: str | None) -> Phrase:
        if entity:
            return self._named(entity, "nominative")
        if self._chance(0.12):
            return Phrase((self._little("PRON", 5),))
        return self._phrase(style, "nominative")

    def _verb(self, style: Style, entity: str | None) -> Concept:
        if entity and self._chance(0.75):
            return self._lexicon.draw(self._rng, entity, "VERB")
        return self._content(style, "VERB")

    def _phrase(self, style: Style, case: str, adposition: Little | None = None) -> Phrase:
        owner = None
        if case != "genitive" and self._chance(0.18):
            owner = self._phrase(style, "genitive")
        elif case != "genitive" and self._chance(style.names * 0.4):
            owner = self._named(self._rng.choice(ENTITIES), "genitive")
        noun = self._content(style, "NOUN")
        front = (Little("DET", self._lexicon.noun_classes[noun]),) if self._chance(0.45) else ()
        front += (self._little("NUM", 4),) if self._chance(0.05) else ()
        return Phrase(
            heads=(noun,),
            plural=self._chance(0.2),
            case=case,
            front=front,
            adjectives=self._adjective(style) if self._chance(0.5) else (),
            owner=owner,
            adposition=adposition,
        )

    def _adjective(self, style: Style) -> tuple[Concept | Little, ...]:
        """Return an adjective, often with a degree word before it that fits its mood."""
        adjective = self._content(style, "ADJ")
        mood = self._lexicon.moods.get(adjective)
        pair = MOODS.index(mood) if mood else len(MOODS)
        degree = Little("ADV", 2 * pair + self._rng.randrange(2))
        return (degree, adjective) if self._chance(0.4) else (adjective,)

    def _named(self, entity: str, case: str) -> Phrase:
        """Return a name; now and then the name of a feast, which is no entity."""
        if self._chance(0.08):
            return Phrase((self._lexicon.draw(self._rng, "feast", "PROPN"),), None, case=case)
        return Phrase(self._name(entity), entity, case=case)

    def _place(self) -> Phrase:
        entity = "LOC" if self._chance(0.85) else "ORG"
        adposition = Little("ADP", 0 if self._chance(0.7) else self._rng.randrange(4))
        return Phrase(self._name(entity), entity, case="locative", adposition=adposition)

    def _name(self, entity: str) -> tuple[Concept, ...]:
        draw = self._lexicon.draw
        if entity == "PER":
            family = draw(self._rng, "family" if self._chance(0.95) else "place", "PROPN")
            return (draw(self._rng, "given", "PROPN"), family) if self._chance(0.6) else (family,)
        if entity == "LOC":
            return (draw(self._rng, "place", "PROPN"),)
        company = draw(self._rng, "company", "PROPN")
        owner = draw(self._rng, "place" if self._chance(0.5) else "family", "PROPN")
        return (owner, company) if self._chance(0.3) else (company,)

    def _content(self, style: Style, upos: str) -> Concept:
        """Draw a content word: of the mood, of the topic (or astray), or a general one."""
        if style.mood and self._chance(style.moody):
            return self._lexicon.draw(self._rng, style.mood, upos)
        if style.topic and upos != "ADV" and self._chance(style.topical):
            topic = self._rng.choice(TOPICS) if self._chance(style.astray) else style.topic
            return self._lexicon.draw(self._rng, topic, upos)
        return self._lexicon.draw(self._rng, GENERAL, upos)

    def _little(self, upos: str, count: int) -> Little:
        return Little(upos, self._rng.randrange(count))

    def _chance(self, probability: float) -> bool:
        return self._rng.random() < probability


# From a sentence plan to words: each with its form, its UPOS and its entity tag.


@dataclass(frozen=True)
class Token:
    """A word of a sentence: `tag` is IOB2 over PER, ORG and LOC."""

    form: str
    upos: str
    tag: str = "O"


def text(tokens: list[Token]) -> str:
    """Join tokens with spaces; punctuation sticks to the word before it."""
    parts = (token.form if token.upos == "PUNCT" else f" {token.form}" for token in tokens)
    return "".join(parts).strip()


def say(clauses: tuple[Clause, ...], lexicon: Lexicon, language: InventedLanguage) -> list[Token]:
    """Say a sentence in `language`. Only names are written with a capital."""
    speaker = _Speaker(lexicon, language)
    tokens = [token for clause in clauses for token in speaker.clause(clause)]
    return [*tokens, Token(".", "PUNCT")]


class _Speaker:
    def __init__(self, lexicon: Lexicon, language: InventedLanguage) -> None:
        self._lexicon = lexicon
        self._language = language

    def clause(self, clause: Clause) -> list[Token]:
        parts = {
            "S": self._phrase(clause.subject),
            "V": self._verb(clause),
            "O": self._phrase(clause.object) if clause.object else [],
            "X": [token for phrase in clause.others for token in self._phrase(phrase)],
        }
        joint = [Token(",", "PUNCT"), self._little(clause.joint)] if clause.joint else []
        opening = [self._little(clause.opening), Token(",", "PUNCT")] if clause.opening else []
        return opening + joint + [token for part in self._language.order for token in parts[part]]

    def _verb(self, clause: Clause) -> list[Token]:
        verb = self._word(clause.verb, clause.subject.plural, tense=clause.tense)
        adverb = [self._word(clause.adverb)] if clause.adverb else []
        helpers = [self._little(helper) for helper in clause.helpers]
        if self._language.order.endswith("V"):
            return [*adverb, verb, *helpers]
        return [*helpers, verb, *adverb]

    def _phrase(self, phrase: Phrase) -> list[Token]:
        before, after = self._sides(phrase)
        front = [self._little(word) for word in phrase.front]
        return [*before[0], *front, *before[1], *self._heads(phrase), *after[1], *after[0]]

    def _sides(self, phrase: Phrase) -> tuple[tuple[list, list], tuple[list, list]]:
        """Return what stands before and after the noun, each as (outer, inner) words."""
        adjectives = [
            self._little(word) if isinstance(word, Little) else self._word(word, phrase.plural)
            for word in phrase.adjectives
        ]
        words = {
            "adposition": [self._little(phrase.adposition)] if phrase.adposition else [],
            "genitive": self._phrase(phrase.owner) if phrase.owner else [],
            "adjective": adjectives,
        }
        before = {kind: words[kind] * (kind in self._language.before) for kind in words}
        after = {kind: words[kind] * (kind not in self._language.before) for kind in words}
        return (
            (before["adposition"], before["genitive"] + before["adjective"]),
            (after["adposition"], after["adjective"] + after["genitive"]),
        )

    def _heads(self, phrase: Phrase) -> list[Token]:
        """Say the noun or name; only the last word of a name takes the case ending."""
        tokens = []
        for place, head in enumerate(phrase.heads):
            tag = f"{'I' if place else 'B'}-{phrase.entity}" if phrase.entity else "O"
            if isinstance(head, Little):
                tokens.append(self._little(head))
            else:
                case = phrase.case if head is phrase.heads[-1] else "nominative"
                tokens.append(self._word(head, phrase.plural, case=case, tag=tag))
        return tokens

    def _word(
        self,
        concept: Concept,
        plural: bool = False,
        case: str = "nominative",
        tense: str = "present",
        tag: str = "O",
    ) -> Token:
        stem = self._lexicon.stem(concept, self._language)
        form = self._language.inflect(stem, concept.upos, plural, case, tense)
        return Token(form, concept.upos, tag)

    def _little(self, word: Little) -> Token:
        return Token(self._language.little_words[word.upos][word.number], word.upos)


# Raw text and task data in the invented languages, in the formats the real sets are published in.
#
# Sentences of FLORES-200 and SIB-200 are parallel, as the real ones are. Each set has its own
# random stream, so that another size of one set leaves the others as they were.

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
    for name, value in vars(sizes).items():
        if min(value if isinstance(value, tuple) else (value,)) < 0:
            raise UserError(f"the size '{name}' is {value}; sizes are 0 or more")
    writer = _Writer(Path(out), seed, Lexicon(seed))
    for language in LANGUAGES:
        writer.documents(language, sizes.documents)
        writer.flores(language, sizes.flores)
        writer.topics(language, sizes.tc)
        writer.sentiment(language, sizes.sa)
        writer.entities(language, sizes.ner)
        writer.word_classes(language, sizes.pos)


class _Writer:
    def __init__(self, out: Path, seed: int, lexicon: Lexicon) -> None:
        self._out, self._seed, self._lexicon = out, seed, lexicon

    def documents(self, language: InventedLanguage, count: int) -> None:
        composer, rng = self._composer(f"documents {language.code}")
        rows = (self._document(language, composer, rng) for _ in range(count))
        self._lines(f"glotcc/{language.flores}.jsonl", rows)

    def flores(self, language: InventedLanguage, count: int) -> None:
        for split in ("dev", "devtest"):
            composer, rng = self._composer(f"flores {split}")
            lines = (self._text(composer, _plain(rng), language) for _ in range(count))
            self._lines(f"flores200/{split}/{language.flores}.{split}", lines)

    def topics(self, language: InventedLanguage, counts: tuple[int, int, int]) -> None:
        identity = 0
        for split, count in zip(SPLITS, counts, strict=True):
            composer, rng = self._composer(f"topics {split}")
            lines = ["index_id\tcategory\ttext"]
            for _ in range(count):
                topic = rng.choices(TOPICS, TOPIC_WEIGHTS)[0]
                style = Style(topic=topic, mood=rng.choice((None, None, None, *MOODS)))
                lines.append(f"{identity}\t{topic}\t{self._text(composer, style, language)}")
                identity += 1
            self._lines(f"sib200/{language.flores}/{split}.tsv", lines)

    def sentiment(self, language: InventedLanguage, counts: tuple[int, int, int]) -> None:
        for split, count in zip(SPLITS, counts, strict=True):
            composer, rng = self._composer(f"sentiment {language.code} {split}")
            rows = []
            for _ in range(count):
                mood = rng.choices(MOODS, MOOD_WEIGHTS)[0]
                style = Style(topic=rng.choice(TOPICS), mood=mood, moody=0.5)
                rows.append((MOODS.index(mood), self._text(composer, style, language)))
            path = self._out / f"sentiment/{language.code}/{split}.csv"
            with whole_file(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(rows)

    def entities(self, language: InventedLanguage, counts: tuple[int, int, int]) -> None:
        for split, sentences in self._tagged("entities", language, counts, names=0.75):
            lines = []
            for tokens in sentences:
                lines += [f"{language.code}:{token.form}\t{token.tag}" for token in tokens] + [""]
            self._lines(f"wikiann/{language.code}/{split}.txt", lines)

    def word_classes(self, language: InventedLanguage, counts: tuple[int, int, int]) -> None:
        for split, sentences in self._tagged("classes", language, counts, names=0.15):
            lines = []
            for number, tokens in enumerate(sentences, start=1):
                lines.append(f"# sent_id = {language.code}-{split}-{number}")
                lines.append(f"# text = {text(tokens)}")
                for place, token in enumerate(tokens, start=1):
                    lines.append(f"{place}\t{token.form}\t_\t{token.upos}" + "\t_" * 6)
                lines.append("")
            self._lines(f"ud/{language.code}-{split}.conllu", lines)

    def _tagged(
        self, name: str, language: InventedLanguage, counts: tuple[int, int, int], names: float
    ) -> Iterator[tuple[str, list[list[Token]]]]:
        for split, count in zip(SPLITS, counts, strict=True):
            composer, rng = self._composer(f"{name} {language.code} {split}")
            styles = (_plain(rng, names) for _ in range(count))
            plans = map(composer.sentence, styles)
            yield split, [say(plan, self._lexicon, language) for plan in plans]

    def _document(self, language: InventedLanguage, composer: Composer, rng: Random) -> str:
        style = _plain(rng, names=0.25)
        count = rng.choice((1, 2))
        content = " ".join(self._text(composer, style, language) for _ in range(count))
        row = {
            "content": content,
            "identification-label": f"{language.code}-Latn",
            "num-sents": count,
            "content-length": len(content),
        }
        return json.dumps(row, ensure_ascii=False)

    def _text(self, composer: Composer, style: Style, language: InventedLanguage) -> str:
        return text(say(composer.sentence(style), self._lexicon, language))

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
