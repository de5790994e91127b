"""The parts of a report by themselves: front, layers, labels, ticks, numbers, tables read back."""

import random
import re
from itertools import pairwise
from types import SimpleNamespace

import matplotlib
import pytest
from matplotlib.text import Text

from monoglot.graph import Graph
from monoglot.paths import Checkpoint
from monoglot.report import html_tables as numbers
from monoglot.report import plots
from monoglot.report.finished_run import reference
from monoglot.report.html_tables import read_table
from monoglot.report.plots import Plot, spread
from monoglot.report.standings import Panel, Point, front, tint
from monoglot.report.variant_graph import broken, layout
from monoglot.tables.base import Column, Table
from monoglot.tables.formats import to_csv, to_markdown


def naive_front(points: list[Point]) -> list[Point]:
    def beats(one: Point, other: Point) -> bool:
        as_good = one.size <= other.size and one.score >= other.score
        return as_good and (one.size, one.score) != (other.size, other.score)

    return [p for p in points if not any(beats(other, p) for other in points)]


@pytest.mark.parametrize("seed", range(20))
def test_the_front_is_that_of_the_definition(seed):
    draw = random.Random(seed)
    points = [
        Point("m", str(n), draw.randint(1, 9), draw.randint(1, 9))
        for n in range(draw.randint(1, 40))
    ]
    found = front(points)
    assert sorted(p.variant for p in found) == sorted(p.variant for p in naive_front(points))
    assert [p.size for p in found] == sorted(p.size for p in found)


def test_no_point_no_front():
    assert front([]) == []


def random_links(seed: int) -> dict[str, list[str]]:
    draw = random.Random(seed)
    names = [f"n{n}" for n in range(20)]
    return {
        name: draw.sample(names[:n], min(n, draw.choice((0, 1, 1, 2))))
        for n, name in enumerate(names)
    }


@pytest.mark.parametrize("seed", range(10))
def test_links_lead_to_the_right_and_nodes_do_not_overlap(seed):
    links = random_links(seed)
    found = layout(links, 10)
    assert sorted(found) == sorted(links)
    for node, those in links.items():
        assert found[node][0] == 1 + max((found[one][0] for one in those), default=-1)
    assert min(down for _, down in found.values()) == 0
    for number in {layer for layer, _ in found.values()}:
        downs = sorted(down for layer, down in found.values() if layer == number)
        assert all(b - a >= 10 - 1e-9 for a, b in pairwise(downs))


def test_a_chain_is_a_straight_line():
    links = {"a": [], "b": ["a"], "c": ["b"]}
    assert layout(links, 10) == {"a": (0, 0), "b": (1, 0), "c": (2, 0)}


def test_places_keep_their_distance_and_order():
    found = spread([50, 50, 51, 10], 12, 0, 60)
    assert sorted(found) == [found[3], found[0], found[1], found[2]]
    assert all(b - a >= 12 for a, b in pairwise(sorted(found)))
    assert max(found) <= 60


@pytest.mark.parametrize("span", [1e-4, 0.03, 1, 7, 43, 1e6])
def test_ticks_are_few_and_in_range(span):
    with plots.look():
        axes = Plot(390, 330).axes((0, 1), (3, 3 + span), ("x", "y"))
    found = [one for one in axes.get_yticks() if 3 <= one <= 3 + span]
    assert 2 <= len(found) <= 6


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (22, 280, [50, 100, 200]),
        (1.24, 1.67, [1.3, 1.4, 1.5, 1.6]),
        (0.02, 300, [0.1, 1, 10, 100]),
    ],
)
def test_ticks_of_a_logarithm(low, high, ticks):
    with plots.look():
        axes = Plot(390, 330).axes((low, high), (0, 1), ("x", "y"), log=True)
    found = [one for one in axes.get_xticks() if low <= one <= high]
    assert found == pytest.approx(ticks)


def test_numbers_as_they_are_read():
    assert [numbers.duration(one) for one in (None, 59.4, 3 * 3600 + 299)] == [
        "–",
        "59 s",
        "3 h 4 min",
    ]
    assert numbers.millions(278295186) == "278 M"
    assert numbers.millions(29605) == "0.0296 M"
    assert numbers.energy(0.00042) == "0.42 Wh"
    assert numbers.energy(12.34) == "12.3 kWh"
    assert numbers.mass(0.5) == "500 g"
    assert numbers.fixed(-1.005, 1) == "−1.0"
    shares = (0, 0.24, 1.2, 63.4, 99.76, 100)
    assert [numbers.rounded(one) for one in shares] == ["0", "0.2", "1", "63", "99.8", "100"]
    assert numbers.tokens(1_500_000) == "1.5M"
    assert numbers.listed(["a", "b", "c"]) == "a, b and c"
    assert numbers.listed(list("abcdef")) == "a, b, c and 3 more"


def test_tints_change_where_it_is_said():
    assert [tint(p) for p in (0, 49.9, 50, 94.9, 95, 100, 120)] == [0, 0, 1, 5, 6, 7, 7]


def drawing(text: str) -> str:
    with plots.look():
        plot = Plot(100, 50)
        look = {"color": plots.ink("c3"), "gid": plot.gid("name", text)}
        plot.add(Text(5, 20, plots.printable(text), **look))
        return str(plot.svg("drawing", text, text))


def test_text_in_a_drawing_is_escaped_and_stays_text():
    found = drawing('<a & "b"> $x_1$ \ud800\x01日本')
    escaped = '&lt;a &amp; "b"&gt; $x_1$ ��日本'
    assert found.count(f">{escaped}<") == 4  # title, description, tooltip, text
    assert found.startswith('<svg viewBox="0 0 100 50" id="drawing" role="img"')
    assert '<g class="name"><title>' in found
    assert "fill: var(--c3)" in found
    assert not re.search("#0000|DejaVu|metadata|<style", found)


def test_drawings_depend_on_nothing_but_what_is_drawn(monkeypatch):
    once = drawing("x")
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 30)
    assert drawing("x") == once


NAMED = ("base", "adapted", "hidden456-vocab40k", "best-hidden156", "the-name-of-a-variant " * 3)


@pytest.mark.parametrize("smallest", [0.3, 8.9, 110])
@pytest.mark.parametrize("size", [plots.LARGE, plots.SMALL])
def test_names_in_a_plot_stay_in_it_and_off_its_numbers(size, smallest):
    """Wherever marks are: a name stands on the side where it fits, and is shortened at last."""
    run = SimpleNamespace(models=["m"], model_name=str)
    for seed in range(5):
        draw = random.Random(seed)
        points = [
            Point("m", name, smallest * 10**6 * 1.5 ** (number + draw.random()), 40 + 5 * number)
            for number, name in enumerate(draw.sample(NAMED, len(NAMED)))
        ]
        with plots.look():
            svg = str(plots.score_plot(run, Panel("x", points), "x", (size,)).drawings[0])
        names = re.findall(r'class="name"><text style="([^"]*)" x="([^"]*)"[^>]*>([^<]*)<', svg)
        assert len(names) == len(points)
        for style, x, name in names:
            wide = plots.width(name, plots.FONT)
            left = float(x) - ("anchor: end" in style) * wide
            assert plots.LEFT - 1 < left < left + wide < size[0] + 1, (name, left)


def test_text_is_broken_and_shortened():
    assert broken("hidden312-vocab40k", 12, 100, 2) == ["hidden312-", "vocab40k"]
    assert plots.shortened("日本語日本語", 10, 35) == "日本…"


def test_a_table_is_read_back_as_it_was_written(tmp_path):
    columns = (
        Column("size", "Size", unit="M"),
        Column("a|b_tc", "TC", "a|b", 2),
        Column("a|b_sa", "SA", "a|b", 2),
        Column("none", "None"),
    )
    rows = [
        {
            "row": f"r{n}",
            "label": "\\ | <b> & `code`",
            "size": "12345",
            "a|b_tc": "1.00",
            "a|b_sa": "" if n else "2.00",
            "none": "",
            "a|b_tc_std": "0.10",
            "a|b_tc_seeds": "3",
            "published_a|b_sa": "1.50",
            "difference_a|b_sa": "" if n else "+0.50",
        }
        for n in range(2)
    ]
    table = Table("A *caption* | <x>", "Its & note.", {"label": "Model"}, columns, rows)
    (tmp_path / "t.csv").write_text(to_csv(table), encoding="utf-8")
    (tmp_path / "t.md").write_text(to_markdown(table), encoding="utf-8")
    found = read_table(tmp_path / "t.csv", {"a|b": "Maltese"})
    assert (found.caption, found.note) == (table.caption, table.note)
    assert [h.head for h in found.headings] == ["Model", "Size", "TC", "SA", "None"]
    assert found.groups == [("", 2), ("Maltese", 2), ("", 1)]
    first, second = found.rows
    assert first[0].text == "\\ | <b> & `code`"
    assert (first[1].text, first[1].sort) == ("12,345M", "12345")
    assert first[2].std == "0.10"
    assert (first[3].published, first[3].difference) == ("1.50", "+0.50")
    assert (second[3].text, second[3].sort, second[3].published) == ("–", "", "1.50")


@pytest.mark.parametrize(("chance", "none"), [("50.00", True), ("49.99", False), ("odd", False)])
def test_a_cell_says_how_sure_it_is_and_what_chance_gives(tmp_path, chance, none):
    row = {"label": "x", "a": "50.00", "a_low": "45.06", "a_high": "54.94", "a_chance": chance}
    table = Table("T", "N", {"label": "L"}, (Column("a", "A"),), [row])
    (tmp_path / "t.csv").write_text(to_csv(table), encoding="utf-8")
    (tmp_path / "t.md").write_text(to_markdown(table), encoding="utf-8")
    found = read_table(tmp_path / "t.csv", {})
    cell = found.rows[0][1]
    assert (cell.text, cell.interval, cell.at_chance) == ("50.00" + "°" * none, "45.1–54.9", none)
    assert cell.chance == chance
    assert found.has("interval")


def test_each_cell_has_the_level_of_chance_of_its_own_column(tmp_path):
    row = {"label": "x", "n": "7"} | dict.fromkeys("ab", "50.00")
    row |= {f"{name}_{end}": "50.00" for name in "ab" for end in ("low", "high")}
    row |= {"a_chance": "10.00", "b_chance": "20.00"}
    columns = (Column("n", "Size"), Column("a", "A"), Column("b", "B"))
    table = Table("T", "N", {"label": "L"}, columns, [row])
    (tmp_path / "t.csv").write_text(to_csv(table), encoding="utf-8")
    (tmp_path / "t.md").write_text(to_markdown(table), encoding="utf-8")
    cells = read_table(tmp_path / "t.csv", {}).rows[0]
    assert [cell.chance for cell in cells] == ["", "", "10.00", "20.00"]


@pytest.mark.parametrize(
    ("variant", "whole"),
    [
        ("base", "base"),
        ("adapted", "adapted"),
        ("kd", "adapted"),
        ("hidden24-vocab400", "adapted"),
        ("alone", "adapted"),
        ("trimmed", "base"),
        ("from-scratch", "adapted"),
    ],
)
def test_what_a_variant_is_measured_against(variant, whole):
    from made_up_run import configuration

    config = configuration()
    config["variants"] |= {
        "alone": {"operation": "train", "parent": "kd-init", "loss": "none"},
        "trimmed": {"operation": "trim_vocab", "parent": "base", "size": 100},
        "small": {"operation": "scratch", "parent": "adapted", "shape": {"layers": 2}},
        "from-scratch": {"operation": "train", "parent": "small", "teacher": "adapted"},
    }
    graph = Graph(config)
    assert reference(graph, Checkpoint("xlmr", "qaa", variant)).variant == whole
