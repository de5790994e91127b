"""From a sentence plan to words: each with its form, its UPOS and its entity tag."""

from dataclasses import dataclass

from monoglot.data.invented.languages import Language
from monoglot.data.invented.lexicon import Concept, Lexicon
from monoglot.data.invented.plans import Clause, Little, Phrase


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


def say(clauses: tuple[Clause, ...], lexicon: Lexicon, language: Language) -> list[Token]:
    """Say a sentence in `language`. Only names are written with a capital."""
    speaker = _Speaker(lexicon, language)
    tokens = [token for clause in clauses for token in speaker.clause(clause)]
    return [*tokens, Token(".", "PUNCT")]


class _Speaker:
    def __init__(self, lexicon: Lexicon, language: Language) -> None:
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
        adposition = [self._little(phrase.adposition)] if phrase.adposition else []
        adjectives = [
            self._little(word) if isinstance(word, Little) else self._word(word, phrase.plural)
            for word in phrase.adjectives
        ]
        owner = self._phrase(phrase.owner) if phrase.owner else []
        is_before = self._language.before
        inner_before = owner * ("genitive" in is_before) + adjectives * ("adjective" in is_before)
        inner_after = adjectives * ("adjective" not in is_before) + owner * (
            "genitive" not in is_before
        )
        outer = (adposition, []) if "adposition" in is_before else ([], adposition)
        return (outer[0], inner_before), (outer[1], inner_after)

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
