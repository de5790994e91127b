"""Ways to spoil a file or a parsed document, each a function of a seeded source of chance."""

import copy
import gzip
import io
import json
import math
import random
import zipfile
from collections.abc import Callable
from typing import Any

ODD_BYTES = [
    b"\x00", b"\xef\xbb\xbf", b"\r\n", b"\r", b"\x1b[31m", b"\xff\xfe", b"\xed\xa0\x80",
    b"\xc3", b"\xe2\x80\xa8", b"\xc2\xa0", b"\t\t", b"\t", b"\n\n", b'"', b"'", b"\\", b"{}",
    b"\xf4\x90\x80\x80", "é".encode(), "e\N{COMBINING ACUTE ACCENT}".encode(), b"\x0b", b"\x1c",
    "\N{RIGHT-TO-LEFT OVERRIDE}".encode(), b"a" * 5000, b" ", b"#", b"-", b"1-2", b"0", b"9" * 400,
]  # fmt: skip
ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 3, 7, 10**6, 10**30, -(10**30), 0.5, -0.5, 1.0, 1e308, 1e-308,
    math.nan, math.inf, -math.inf, "", " ", "a", "kd", "../x", "a;b", "$(id)", "a b",
    "x\ny", "\x00", "\ud800", "é", "--out", "{x}", "{flores.__class__}", "{}", "nan", "1",
    "a" * 300, [], [[]], [None], ["a"], ["a", "a"], [1, 2], {}, {"a": 1}, {"": None},
    {"by_model": {"xlmr": "base"}},
    {"by_model": []}, {"by_language": {}}, {"by_model": {"xlmr": []}},
]  # fmt: skip


def spoilt_bytes(content: bytes, draw: random.Random) -> bytes:
    """Return `content` after one to three changes."""
    for _ in range(draw.choice([1, 1, 2, 3])):
        content = draw.choice(OF_BYTES)(content, draw)
    return content


def spoilt_document(document: Any, draw: random.Random) -> Any:
    """Return a copy of a parsed document (mappings, lists, values) after one or two changes."""
    document = copy.deepcopy(document)
    for _ in range(draw.choice([1, 1, 1, 2])):
        places = list(_places(document))
        if not places:
            return draw.choice(ODD_VALUES)
        holder, key = draw.choice(places)
        draw.choice(OF_DOCUMENTS)(holder, key, places, draw)
    return document


def spoilt_json(content: bytes, draw: random.Random) -> bytes:
    """Return JSON spoilt as bytes or, more often, as a document."""
    if draw.random() < 0.3:
        return spoilt_bytes(content, draw)
    return json.dumps(spoilt_document(json.loads(content), draw)).encode()


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content) + 1)]


def _flip(content: bytes, draw: random.Random) -> bytes:
    if not content:
        return b"\x01"
    place = draw.randrange(len(content))
    changed = content[place] ^ (1 << draw.randrange(8))
    return content[:place] + bytes([changed]) + content[place + 1 :]


def _insert(content: bytes, draw: random.Random) -> bytes:
    place = draw.choice([0, len(content), draw.randrange(len(content) + 1)])
    return content[:place] + draw.choice(ODD_BYTES) + content[place:]


def _remove(content: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(content) + 1)
    return content[:start] + content[start + draw.randint(1, 20) :]


def _lines(content: bytes, draw: random.Random) -> bytes:
    """Lose, double, swap or join lines."""
    lines = content.split(b"\n")
    at = draw.randrange(len(lines))
    kind = draw.choice(["lose", "double", "swap", "reverse"])
    if kind == "lose":
        del lines[at]
    elif kind == "double":
        lines.insert(at, lines[at])
    elif kind == "swap":
        other = draw.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines[at] = lines[at][::-1]
    return b"\n".join(lines)


def _separators(content: bytes, draw: random.Random) -> bytes:
    old, new = draw.choice([(b"\t", b" "), (b"\t", b","), (b"\n", b"\r\n"), (b"\n", b"\r")])
    return content.replace(old, new, draw.choice([1, 3, -1]))


def _empty(content: bytes, draw: random.Random) -> bytes:
    return draw.choice([b"", b"\n", b"\x00" * 100, b" \n \n", b"\xef\xbb\xbf"])


def _packed(content: bytes, draw: random.Random) -> bytes:
    return gzip.compress(content, mtime=0)


def _archived(content: bytes, draw: random.Random) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../data.txt", content)
    return file.getvalue()


def _doubled(content: bytes, draw: random.Random) -> bytes:
    return content + content


OF_BYTES: list[Callable[[bytes, random.Random], bytes]] = [
    *(_cut, _flip, _flip, _insert, _insert, _insert, _remove, _lines, _lines, _lines),
    *(_separators, _empty, _packed, _archived, _doubled),
]


def _places(document: Any) -> Any:
    """Yield every (mapping or list, key or index) of a document."""
    if isinstance(document, dict):
        for key in list(document):
            yield document, key
            yield from _places(document[key])
    elif isinstance(document, list):
        for index in range(len(document)):
            yield document, index
            yield from _places(document[index])


def _replace(holder: Any, key: Any, places: list, draw: random.Random) -> None:
    holder[key] = copy.deepcopy(draw.choice(ODD_VALUES))


def _delete(holder: Any, key: Any, places: list, draw: random.Random) -> None:
    del holder[key]


def _rename(holder: Any, key: Any, places: list, draw: random.Random) -> None:
    names = ["", "a b", "../x", "$(id)", "x\n", 1, None, True, "any", "base", f"{key}x"]
    if isinstance(holder, dict):
        holder[draw.choice(names)] = holder.pop(key)
    else:
        holder.insert(0, holder.pop(key))


def _exchange(holder: Any, key: Any, places: list, draw: random.Random) -> None:
    other, at = draw.choice(places)
    holder[key] = copy.deepcopy(other[at])


def _nudge(holder: Any, key: Any, places: list, draw: random.Random) -> None:
    """Another value of the same type."""
    value = holder[key]
    if isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, int | float):
        holder[key] = draw.choice(
            [value + 1, value - 1, -value, value * 2, value / 2, float(value)]
        )
    elif isinstance(value, str):
        holder[key] = draw.choice(
            [value[:-1], value + "x", value.upper(), value + "\n", f"{value}/.."]
        )
    elif isinstance(value, list) and value:
        holder[key] = draw.choice([value[:-1], [*value, value[0]], value[::-1]])
    else:
        holder[key] = None


OF_DOCUMENTS = [_replace, _replace, _delete, _rename, _exchange, _nudge, _nudge]
