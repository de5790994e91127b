"""Sentence plans: what is said, before any language says it, so that texts can be parallel."""

from dataclasses import dataclass, replace
from random import Random

from monoglot.data.invented.languages import TENSES
from monoglot.data.invented.lexicon import GENERAL, MOODS, TOPICS, Concept, Lexicon

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
