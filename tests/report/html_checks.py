"""What holds of every page: its structure as a browser without eyes would read it."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "img", "br"}
EMPTY = {"path", "circle", "rect", "line"}


class Page(HTMLParser):
    """The elements of a page: name, attributes, text, and the names of those they stand in."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.faults: list[str] = []
        self._open: list[int] = []
        self._inside: list[tuple[str, ...]] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{self.elements[one][0]}> is never closed" for one in self._open]

    def handle_starttag(self, name, attributes):
        self.elements.append((name, {key: value or "" for key, value in attributes}, []))
        self._inside.append(tuple(self.elements[one][0] for one in self._open))
        if name not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, name, attributes):
        self.handle_starttag(name, attributes)
        if name not in VOID:
            self.handle_endtag(name)

    def handle_endtag(self, name):
        if not self._open or self.elements[self._open[-1]][0] != name:
            self.faults.append(f"</{name}> closes nothing")
            return
        self._open.pop()

    def handle_data(self, data):
        for one in self._open:
            self.elements[one][2].append(data)

    def all(self, name: str) -> list[tuple[dict[str, str], str]]:
        """Attributes and text of all elements of a name."""
        return [(about, "".join(text)) for one, about, text in self.elements if one == name]

    def inside(self, name: str, outer: str) -> list[dict[str, str]]:
        """Attributes of elements of a name that stand in an element of another."""
        pairs = zip(self.elements, self._inside, strict=True)
        return [about for (one, about, _), within in pairs if one == name and outer in within]


def check(text: str) -> Page:
    """Read a page and assert what holds of all of them."""
    page = Page(text)
    assert page.faults == []
    ids = [about["id"] for _, about, _ in page.elements if "id" in about]
    assert len(set(ids)) == len(ids), [one for one in ids if ids.count(one) > 1]
    _check_links(page, set(ids))
    _check_drawings(page)
    _check_tables(page)
    for name in ("main", "nav", "h1", "header", "footer", "title"):
        found = page.all(name)
        assert len(found) == 1 or name == "title", name
    assert re.search(r"<html lang=\"en\"", text)
    return page


def _check_links(page: Page, ids: set[str]) -> None:
    """No address leaves the folder; labels, titles and anchors name what there is."""
    for name, about, _ in page.elements:
        for key in ("href", "src", "xlink:href", "data", "action"):
            address = about.get(key, "")
            assert not re.match(r"(?!data:)([a-z]+:|//|/)", address, re.I), (name, address)
            assert not address.startswith("#") or address[1:] in ids, address
        for key in ("aria-labelledby", "for"):
            assert set(about.get(key, "").split()) <= ids
        assert not any(key.startswith("on") for key in about), about
    styles = "".join(text for _, text in page.all("style"))
    assert "url(" not in styles
    assert "@import" not in styles


def _check_drawings(page: Page) -> None:
    for about, text in page.all("svg"):
        if about.get("aria-hidden") == "true":
            continue
        assert about["role"] == "img"
        title, description = about["aria-labelledby"].split()
        texts = {a.get("id"): t for a, t in [*page.all("title"), *page.all("desc")]}
        assert texts[title].strip()
        assert texts[description].strip()
        assert "nan" not in text
    for about, _ in page.all("img"):
        assert about["alt"].strip()
    numbers = [v for _, a, _ in page.elements for v in (a.get("d", ""), a.get("x", ""))]
    assert not any("nan" in one or "inf" in one for one in numbers)


def _check_tables(page: Page) -> None:
    assert all(about.get("scope") in ("col", "row", "colgroup") for about, _ in page.all("th"))
    assert all(text.strip() for _, text in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(text.strip() for _, text in page.all("caption"))
