"""Figures of curves: what their CSV holds, and what is refused."""

import math

import pytest
from figure_inputs import curves, history_sources, write_history

from monoglot.errors import UserError
from monoglot.figures.blocks import Sources, drawing, numbers
from monoglot.figures.curves_figure import draw, rows


def test_the_csv_holds_every_evaluation_as_in_the_history(tmp_path):
    text = numbers(curves(), history_sources(tmp_path), [])
    lines = text.splitlines()
    assert lines[0] == "model,language,variant,label,step,validation_accuracy"
    assert lines[1] == "m,mt,kd,with,0,0.1"
    assert lines[6] == "m,mt,student,without,0,0.11"
    assert len(lines) == 1 + 2 * 5


def test_lines_are_drawn_at_the_numbers_of_the_csv_in_percent(tmp_path):
    spec, sources = curves(), history_sources(tmp_path)
    (axes,) = drawing(numbers(spec, sources, []), spec, sources).panels
    first, second = axes.get_lines()
    assert list(first.get_xdata()) == [0, 100, 200, 300, 400]
    assert list(second.get_ydata()) == pytest.approx([11, 21, 31, 41, 51])
    assert axes.get_title() == "Maltese, Model M"


def test_a_panel_for_each_language_and_model_in_its_place(tmp_path):
    sources = history_sources(tmp_path, models=("m", "n"), languages=("mt", "sk"))
    spec = curves(models=["m", "n"], languages=["mt", "sk"])
    canvas = draw(rows(spec, sources), spec, sources)
    titles = [axes.get_title() for axes in canvas.figure.axes]
    assert titles == ["Maltese, Model M", "Maltese, Model N", "Slovak, Model M", "Slovak, Model N"]


def test_smoothing_is_a_gaussian_over_evaluations_with_reflected_borders(tmp_path):
    values = [0.1, 0.5, 0.2, 0.7]
    sources = Sources(histories={"m/mt/kd": str(write_history(tmp_path / "h.csv", values))})
    line = [{"variant": "kd", "label": "kd"}]
    drawn = rows(curves(lines=line, smoothing=0.6), sources)
    width = round(4 * 0.6)  # scipy cuts the filter at four standard deviations
    weights = [math.exp(-((k / 0.6) ** 2) / 2) for k in range(-width, width + 1)]
    mirrored = values[:width][::-1] + values + values[::-1][:width]
    for i, row in enumerate(drawn):
        window = mirrored[i : i + 2 * width + 1]
        expected = sum(w * v for w, v in zip(weights, window, strict=True)) / sum(weights)
        assert float(row["validation_accuracy_smoothed"]) == pytest.approx(expected, rel=1e-5)
        assert float(row["validation_accuracy"]) == values[i]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"h\.csv: cannot be read as a history"),
        ("step,loss\n0,1\n", "is not the history of a training; it has no 'validation_accuracy'"),
        ("step,validation_accuracy\n0,high\n", "'high' at step 0 is not a number"),
    ],
)
def test_a_bad_history_is_one_sentence(tmp_path, content, message):
    path = tmp_path / "h.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=message):
        rows(curves(), Sources(histories={"m/mt/kd": str(path)}))


def test_a_history_that_is_not_given_is_named():
    with pytest.raises(UserError, match="needs the history of m/mt/kd, which is not given"):
        rows(curves(), Sources())
