"""The command: three files, the same bytes at any time, and errors in one sentence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from figure_inputs import curves, history_sources

from monoglot.figures.blocks import drawing, numbers
from monoglot.figures.canvas import COLOURS, DASHES, MARKERS, plain

ROOT = Path(__file__).parents[2]
FORMS = ("pdf", "png", "csv")


def figure(out: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    outputs = [part for form in FORMS for part in (f"--out-{form}", str(out / f"f.{form}"))]
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "figure.py"), *arguments, *outputs],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_same_bytes_on_another_day_with_other_settings(tmp_path):
    sources = history_sources(tmp_path / "models")
    about = json.dumps({"names": dict(sources.names), "histories": dict(sources.histories)})
    arguments = ("--spec", json.dumps(curves().given()), "--sources", about)
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 9\nfont.family: serif\n")
    days = (
        {"PYTHONHASHSEED": "1", "SOURCE_DATE_EPOCH": "0"},
        {"PYTHONHASHSEED": "2", "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "TZ": "Asia/Tokyo"},
    )
    for number, day in enumerate(days):
        done = figure(tmp_path / str(number), *arguments, **day)
        assert (done.returncode, done.stderr) == (0, "")
    for form in FORMS:
        first, second = ((tmp_path / n / f"f.{form}").read_bytes() for n in "01")
        assert first == second
    pdf = (tmp_path / "1" / "f.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"CreationDate" not in pdf
    assert b"/Type3" not in pdf
    assert (tmp_path / "1" / "f.png").read_bytes().startswith(b"\x89PNG")


def test_the_drawing_is_a_function_of_the_csv(tmp_path):
    spec, sources = curves(), history_sources(tmp_path)
    text = numbers(spec, sources, [])
    before = drawing(text, spec, sources).bytes("png")
    for path in tmp_path.rglob("history.csv"):
        path.unlink()
    assert drawing(text, spec, sources).bytes("png") == before
    assert drawing(text.replace("0.51", "0.41"), spec, sources).bytes("png") != before


def test_lines_differ_in_more_than_colour():
    looks = [
        (DASHES[i % len(DASHES)], MARKERS[i % len(MARKERS)], COLOURS[i % len(COLOURS)])
        for i in range(7)
    ]
    for part in (1, 2):
        assert len({look[part] for look in looks}) == 7
    assert len({look[:2] for look in looks}) == 7


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{kind: pie}", "error: the figure.kind: 'pie' must be one of curves, drop, scores"),
        ("{kind: curves}", "error: the figure: the key 'lines' is missing"),
        ("{kind: curves, lines: [{variant: a, label: b}]}", "the key 'models' is missing"),
        ("- one", "error: the figure's spec: ['one'] must be a mapping"),
        ("no.yaml", "error: the figure's spec is neither YAML nor a file of it"),
    ],
)
def test_a_bad_spec_is_one_sentence_and_leaves_nothing(tmp_path, spec, message):
    done = figure(tmp_path / "out", "--spec", spec)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_unknown_sources_are_refused(tmp_path):
    spec = json.dumps(curves().given())
    done = figure(tmp_path / "out", "--spec", spec, "--sources", "{histroies: {}}")
    assert "sources: unknown key 'histroies'; known keys are corpora, histories" in done.stderr


def test_help_says_what_it_does():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "figure.py"), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the numbers drawn as CSV" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (40000, "40,000"),
        (1032, "1,032"),
        (188, "188"),
        (0.0627519, "0.0628"),
        (2, "2"),
        (2.5, "2.5"),
    ],
)
def test_numbers_of_axes_are_written_in_full(value, text):
    assert plain(value) == text
