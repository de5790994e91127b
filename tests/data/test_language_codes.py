"""Languages by any of their codes."""

import pytest

from monoglot.data.languages import find, known
from monoglot.errors import UserError


@pytest.mark.parametrize("code", ["cy", "cym", "cym_Latn", "cym-Latn"])
def test_a_language_by_any_of_its_codes(code):
    welsh = find(code)
    assert (welsh.short, welsh.flores, welsh.name) == ("cy", "cym_Latn", "Welsh")


def test_what_sources_call_a_language():
    swahili = find("sw")
    assert swahili.known_as("flores") == ["swh_Latn"]
    assert swahili.known_as("glotcc") == ["swh-Latn"]
    assert swahili.known_as("wikiann") == ["sw", "swh", "swa"]
    assert swahili.known_as("masakha") == ["swa", "swh"]
    assert swahili.known_as("of-mine") == ["sw", "swh", "swa", "swh_Latn", "swh-Latn"]
    assert find("swa") == find("swh") == swahili


def test_scripts():
    assert find("zho_Hant").script == "Hant"
    with pytest.raises(UserError, match="'zh' may be zho_Hans, zho_Hant; give one of these"):
        find("zh")
    assert find("cym_Cyrl").name == ""


def test_languages_that_flores_has_not():
    manx = find("glv")
    assert (manx.iso3, manx.name, manx.known_as("flores")) == ("glv", "", [])
    assert find("glv_Latn").known_as("flores") == ["glv_Latn"]


@pytest.mark.parametrize("code", ["", "Welsh", "c", "cymr", "cy_latn", "../x"])
def test_what_is_no_code(code):
    with pytest.raises(UserError, match="is not the code of a language"):
        find(code)


def test_the_table_is_that_of_flores_200():
    found = known()
    assert len({one.flores for one in found}) == len(found) == 204
    assert all(one.name and len(one.iso3) == len(one.macro) == 3 for one in found)


def test_codes_against_the_standard():
    countries = pytest.importorskip("pycountry")
    for one in known():
        for code in {one.iso3, one.macro} - {"ajp"}:  # merged into apc in 2023
            assert countries.languages.get(alpha_3=code), code
        if len(one.short) == 2:
            assert countries.languages.get(alpha_2=one.short).alpha_3 == one.macro
        assert countries.scripts.get(alpha_4=one.script), one
