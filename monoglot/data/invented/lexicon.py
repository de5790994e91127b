"""Words: what can be said (concepts), and how each language says it.

Content words fall into clusters (seven topics, two moods, general ones) that only show in what they
stand next to: the form of a word says nothing about its topic. Nouns have a class, by their topic
with exceptions, and articles agree with it; adjectives have degree words that fit their mood.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from monoglot.data.invented.languages import LANGUAGES, Language

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
COGNATES, LOANS, CONVERTED = 0.6, 0.1, 0.06
IRREGULAR = 0.08  # share of nouns of a class that is not their topic's
MARKED = 0.75  # share of names with an ending of their kind


@dataclass(frozen=True)
class Concept:
    """Something to say: word class, and a number that each language has a stem for."""

    upos: str
    number: int


class Cluster:
    """Concepts with Zipfian frequencies: the weight of rank r is 1 / r."""

    def __init__(self, concepts: Sequence[Concept]) -> None:
        self.concepts = concepts
        self._weights = list(accumulate(1 / (rank + 1) for rank in range(len(concepts))))

    def draw(self, rng: Random) -> Concept:
        """Draw one concept."""
        return rng.choices(self.concepts, cum_weights=self._weights)[0]


class Lexicon:
    """All clusters, keyed by (cluster, upos), and the stems of all languages."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"lexicon {seed}")
        self._taken: set[str] = set()
        self._stems: dict[str, list[str]] = {language.code: [] for language in LANGUAGES}
        self.moods: dict[Concept, str] = {}
        self.noun_classes: dict[Concept, int] = {}
        self.clusters: dict[tuple[str, str], Cluster] = {}
        for cluster, counts in self._content():
            for upos, count in counts.items():
                self._add(cluster, upos, [self._word(upos) for _ in range(count)])
            if "NOUN" in counts:
                self._classify(cluster)
        for kind, count in NAMES.items():
            self._add(kind, "PROPN", [self._name(kind) for _ in range(count)])

    def draw(self, rng: Random, cluster: str, upos: str) -> Concept:
        """Draw a concept of class `upos` from `cluster`."""
        return self.clusters[cluster, upos].draw(rng)

    def stem(self, concept: Concept, language: Language) -> str:
        """Return the stem of `concept` in `language`."""
        return self._stems[language.code][concept.number]

    def _content(self) -> list[tuple[str, dict[str, int]]]:
        return [
            *((topic, TOPIC_WORDS) for topic in TOPICS),
            *((mood, MOOD_WORDS) for mood in MOODS),
            (GENERAL, GENERAL_WORDS),
            *((kind, NAME_VERBS) for kind in ("PER", "LOC", "ORG")),
        ]

    def _add(self, cluster: str, upos: str, concepts: list[Concept]) -> None:
        self.clusters[cluster, upos] = Cluster(concepts)

    def _classify(self, cluster: str) -> None:
        usual = TOPICS.index(cluster) if cluster in TOPICS else len(TOPICS)
        for noun in self.clusters[cluster, "NOUN"].concepts:
            odd = self._rng.random() < IRREGULAR
            self.noun_classes[noun] = self._rng.randrange(len(TOPICS) + 1) if odd else usual
        if cluster in MOODS:
            self.moods |= dict.fromkeys(self.clusters[cluster, "ADJ"].concepts, cluster)

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
            root = "".join(self._syllable() for _ in range(self._rng.choice((1, 2, 2))))
            root += self._rng.choice("ptkdgmnlrsz")
            if root not in self._taken and len(root) > 2:
                self._taken.add(root)
                return root

    def _syllable(self) -> str:
        onset = self._rng.choice(("p", "t", "k", "b", "d", "g", "m", "n", "l", "r", "s", "z", "w"))
        return onset + self._rng.choice("aeiou")
