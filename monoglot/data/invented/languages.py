"""The three languages: sound laws, inflection, little words and word order.

The codes are from the range that ISO 639-3 leaves to private use (qaa-qtz). Endings are short and
many mean several things, as in real languages: `en` marks accusatives and plural verbs in Belorin.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

CASES = ("nominative", "accusative", "genitive", "locative")
TENSES = ("present", "past", "future")


@dataclass(frozen=True)
class Language:
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


AVORZAN = Language(
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

BELORIN = Language(
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

CEDOSH = Language(
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

LANGUAGES: tuple[Language, ...] = (AVORZAN, BELORIN, CEDOSH)
