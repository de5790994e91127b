"""A language by any of its codes, and what other sources call it."""

import re
from dataclasses import dataclass
from functools import cache

from monoglot.errors import UserError
from monoglot.languages.table import ENTRIES

CODE = re.compile(r"[a-z]{2,3}([_-][A-Z][a-z]{3})?")


@dataclass(frozen=True)
class Language:
    """A language in one script.

    Attributes:
        short: Wikipedia's code: ISO 639-1, or 639-3 where there is none.
        iso3: ISO 639-3; script: ISO 15924, empty if unknown.
        macro: ISO 639-3 of the macrolanguage, as some sets have it; else as `iso3`.
        name: in English, empty if unknown.
    """

    short: str
    iso3: str
    script: str
    macro: str
    name: str

    @property
    def flores(self) -> str:
        return f"{self.iso3}_{self.script}"

    def known_as(self, source: str) -> list[str]:
        """Return what a source may call the language, the likeliest first.

        Sources are named as in configurations (`flores`, `glotcc`, `wikiann`, ...); of others,
        every code is a possibility.
        """
        scripts = [self.flores, f"{self.iso3}-{self.script}"] if self.script else []
        by_source = {
            "flores": scripts[:1],
            "glotcc": scripts[1:],
            "wikiann": [self.short, self.iso3, self.macro],
            "ud": [self.short, self.iso3, self.macro],
            "masakha": [self.macro, self.iso3],
            "afrisenti": [self.macro, self.iso3],
        }
        every = [self.short, self.iso3, self.macro, *scripts]
        return list(dict.fromkeys(by_source.get(source, every)))


def find(code: str) -> Language:
    """Return the language that a code means: `cy`, `cym`, `cym_Latn` or `cym-Latn`.

    Raises `UserError` for what is no code, and for a language with several scripts of which the
    code names none. One that FLORES-200 does not have is returned without name and, unless the
    code has it, without script.
    """
    if not CODE.fullmatch(code):
        raise UserError(
            f"'{code}' is not the code of a language; give ISO 639-1 or 639-3 (cy, cym), or that "
            "with a script (cym_Latn)"
        )
    letters, _, script = code.replace("-", "_").partition("_")
    codes = [one for one in known() if letters in (one.short, one.iso3, one.macro)]
    exact = [one for one in codes if letters == one.iso3] or codes
    found = [one for one in exact if script in ("", one.script)]
    if len(found) > 1:
        several = ", ".join(one.flores for one in found)
        raise UserError(f"'{code}' may be {several}; give one of these")
    return found[0] if found else Language(letters, letters, script, letters, "")


@cache
def known() -> tuple[Language, ...]:
    """Return the languages of FLORES-200."""
    return tuple(_read(entry) for entry in ENTRIES.strip().replace("\n", " ").split("; "))


def _read(entry: str) -> Language:
    short, code, name = entry.split(" ", 2)
    flores, _, macro = code.partition("/")
    iso3, _, script = flores.partition("_")
    return Language(short, iso3, script, macro or iso3, name)
