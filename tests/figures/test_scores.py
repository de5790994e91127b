"""Figures of scores: means over seeds, error bars, references."""

from statistics import mean, stdev

import pytest
from figure_inputs import NAMES, block, record
from matplotlib.text import Text

from monoglot.errors import UserError
from monoglot.figures.blocks import Sources, drawing, from_csv, numbers

LINE = {
    "label": "trimmed",
    "points": [{"variant": "v5", "x": 5000}, {"variant": "v40", "x": 40000}],
}
SCORES = {"v5": (0.5, 0.6, 0.7), "v40": (0.8, 0.8, 0.8), "whole": (0.9, 0.85, 0.95)}
RECORDS = [
    record(variant, seed, score)
    for variant, scores in SCORES.items()
    for seed, score in enumerate(scores)
]


def scores(**keys: object) -> dict:
    references = [{"variant": "whole", "label": "untrimmed"}]
    spec = {"kind": "scores", "task": "tc", "x_label": "pieces", "lines": [LINE]}
    return block(**spec | {"references": references} | keys)


def test_the_csv_holds_mean_and_deviation_over_seeds():
    rows = from_csv(numbers(scores(), Sources(), RECORDS))
    assert [(row["variant"], row["x"]) for row in rows] == [
        ("v5", "5000"),
        ("v40", "40000"),
        ("whole", ""),
    ]
    for row in rows:
        percent = [100 * score for score in SCORES[row["variant"]]]
        assert float(row["mean"]) == pytest.approx(mean(percent))
        assert float(row["mean_std"]) == pytest.approx(stdev(percent))
        assert (row["metric"], row["seeds"]) == ("macro_f1", "3")


def test_another_metric_can_be_shown():
    (row, *_) = from_csv(numbers(scores(score="accuracy"), Sources(), RECORDS))
    assert (row["metric"], float(row["mean"])) == ("accuracy", pytest.approx(30))
    with pytest.raises(UserError, match=r"no score 'loss' in .* seed 0; it has accur"):
        numbers(scores(score="loss"), Sources(), RECORDS)


def test_points_bars_and_the_reference_are_drawn_where_the_csv_says():
    spec, sources = scores(x_scale="log"), Sources(names=NAMES)
    (axes,) = drawing(numbers(spec, sources, RECORDS), spec, sources).panels
    (bars,) = axes.containers
    assert list(bars.lines[0].get_xdata()) == [5000, 40000]
    assert list(bars.lines[0].get_ydata()) == pytest.approx([60, 80])
    lowest, highest = bars.lines[2][0].get_segments()[0][:, 1]
    assert (lowest, highest) == (pytest.approx(50), pytest.approx(70))
    assert any(list(line.get_ydata()) == [90, 90] for line in axes.get_lines())
    assert axes.get_ylabel() == "TC, macro F1 (%)"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["5,000", "40,000"]


def test_one_seed_has_no_bar():
    rows = from_csv(numbers(scores(), Sources(), RECORDS[::3]))
    assert {row["mean_std"] for row in rows} == {""}


def test_missing_and_double_records_are_named():
    with pytest.raises(UserError, match="needs records of m/mt/whole/tc, but none of them"):
        numbers(scores(), Sources(), RECORDS[:6])
    with pytest.raises(UserError, match="two records are of m/mt/v5/tc and seed 0; keep one"):
        numbers(scores(), Sources(), [*RECORDS, RECORDS[0]])


@pytest.mark.parametrize("label", ["$5 and $6", r"$\undefined$", "_x", "=1+1", "a_b^c {"])
def test_a_label_is_drawn_as_it_is(label):
    names = {"m": label, "mt": "$", "tc": r"$\undefined$"}
    spec = scores(lines=[LINE | {"label": label}], x_label=label, caption=f"{label}, $x$")
    text, sources = numbers(spec, Sources(names=names), RECORDS), Sources(names=names)
    canvas = drawing(text, spec, sources)
    canvas.bytes("png")
    canvas.bytes("pdf")
    (legend,) = canvas.figure.legends
    assert [one.get_text() for one in legend.get_texts()] == [label, "untrimmed"]
    drawn = canvas.figure.findobj(Text)
    assert not any(one.get_parse_math() for one in drawn)
    assert {label, f"{label}, $x$", f"$, {label}"} <= {one.get_text() for one in drawn}
    assert [row["label"] for row in from_csv(text)] == [label, label, "untrimmed"]
    assert "\nm,mt,tc,macro_f1,=" not in text


def test_what_the_most_frequent_label_scores_is_a_dotted_line_if_it_is_in_sight():
    spec, sources = scores(), Sources(names=NAMES)
    for chance, shown in ((0.62, True), (0.1, False)):
        records = [one | {"chance": {"macro_f1": chance}} for one in RECORDS]
        canvas = drawing(numbers(spec, sources, records), spec, sources)
        heights = [list(line.get_ydata()) for line in canvas.panels[0].get_lines()]
        assert ([pytest.approx(100 * chance)] * 2 in heights) is shown
        said = " ".join(text.get_text() for text in canvas.figure.findobj(Text))
        assert f"The most frequent label (dotted): {100 * chance:.1f} %." in " ".join(said.split())
