"""Files of a run that were edited or cut: a sound page, or one sentence; never a traceback."""

import json
import os
import random
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from html_checks import check
from made_up_run import configuration, make

from monoglot.errors import UserError
from monoglot.graph import Graph
from monoglot.report.page import render

CASES = int(os.environ.get("MONOGLOT_SPOILT", "40"))
VALUES = (None, "", "x", -1, 0, 1e999, float("nan"), True, [], {}, ["a"], {"a": 1}, 10**40, "\x00")
WRONG = ("", "x", "nan", "inf", "-1", '"', "1e400", "\x00", "a,b", "|")


@pytest.fixture(scope="module")
def graph() -> Graph:
    config = configuration()
    for name in ("table5", "table6"):
        del config["tables"][name]
    del config["models"]["mbert"]
    config["variants"]["kd-init"]["strategy"] = "last_k"
    table = config["tables"]["table1"]
    table |= {"tasks": ["tc", "ner"], "rows": table["rows"][:5]}
    return Graph(config | {"seeds": [1, 2]})


@pytest.fixture(scope="module")
def results(graph, tmp_path_factory) -> Path:
    return make(graph.config, tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("seed", range(CASES))
def test_a_spoilt_file_is_shown_right_or_refused(graph, results, tmp_path, seed):
    draw = random.Random(seed)
    whole = [file for file in sorted(results.rglob("*")) if file.is_file()]
    kinds = sorted({(file.relative_to(results).parts[0], file.suffix) for file in whole})
    kind = draw.choice(kinds)
    file = draw.choice(
        [one for one in whole if (one.relative_to(results).parts[0], one.suffix) == kind]
    )
    copy = shutil.copytree(results, tmp_path / "run") / file.relative_to(results)
    copy.write_bytes(spoilt(copy, draw))
    text = None
    with suppress(UserError):
        text = render(graph, tmp_path / "run")
    assert text is None or check(text)


def spoilt(file: Path, draw: random.Random) -> bytes:
    """Return the content of a file with one fault."""
    content = file.read_bytes()
    way = draw.choice(("cut", "flip", "value", "value", "value", "delete"))
    if way == "cut":
        return content[: draw.randrange(len(content))]
    if way == "flip":
        at = draw.randrange(len(content))
        return content[:at] + bytes([draw.randrange(256)]) + content[at + 1 :]
    if file.suffix == ".json":
        document = json.loads(content)
        _spoil(document, draw, way)
        return json.dumps(document).encode()
    lines = [line.split(",") for line in content.decode().split("\n")]
    line = draw.choice(lines)
    line[draw.randrange(len(line))] = draw.choice(WRONG)
    if way == "delete":
        lines.remove(line)
    return "\n".join(map(",".join, lines)).encode()


def _spoil(document: Any, draw: random.Random, way: str) -> None:
    places = list(_places(document))
    holder, key = draw.choice(places)
    if way == "delete":
        del holder[key]
    else:
        holder[key] = draw.choice(VALUES)


def _places(document: Any):
    keys = range(len(document)) if isinstance(document, list) else document
    if isinstance(document, list | dict):
        for key in keys:
            yield document, key
            yield from _places(document[key])
