"""Figures of drops: from records, from published numbers, and from the size of a corpus."""

from pathlib import Path
from statistics import stdev

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from figure_inputs import NAMES, block, record

from monoglot.errors import UserError
from monoglot.figures.blocks import Sources, drawing, from_csv, numbers

PAPER = Path(__file__).parents[2] / "resources" / "paper"
PAIR = {"teacher": "adapted", "student": "small"}
SCORES = {("mt", "adapted"): (0.8, 0.9), ("mt", "small"): (0.6, 0.8)}
SCORES |= {("sk", "adapted"): (0.9, 0.9), ("sk", "small"): (0.8, 0.9)}


def records(task: str = "tc", shift: float = 0) -> list[dict]:
    return [
        record(variant, seed, score + shift, language=language, task=task)
        for (language, variant), scores in SCORES.items()
        for seed, score in enumerate(scores)
    ]


def drop(**keys: object) -> dict:
    spec = {"kind": "drop", "languages": ["mt", "sk"], "tasks": ["tc"], "points": [PAIR]}
    return block(**spec | keys)


def test_the_drop_is_that_of_the_means_over_tasks_and_seeds():
    spec = drop(volumes={"mt": 100, "sk": 400}, tasks=["tc", "sa"])
    maltese, slovak = from_csv(numbers(spec, Sources(), records() + records("sa", -0.1)))
    # Teacher: mean of 0.8, 0.9, 0.7, 0.8; student: mean of 0.6, 0.8, 0.5, 0.7.
    assert float(maltese["teacher_score"]) == pytest.approx(80)
    assert float(maltese["student_score"]) == pytest.approx(65)
    assert float(maltese["drop"]) == pytest.approx(100 * (1 - 65 / 80))
    by_seed = [100 * (1 - 0.55 / 0.75), 100 * (1 - 0.75 / 0.85)]
    assert float(maltese["drop_std"]) == pytest.approx(stdev(by_seed), rel=1e-5)
    assert (maltese["megabytes"], slovak["megabytes"]) == ("100", "400")
    assert maltese["fit_exponent"] == slovak["fit_exponent"] != ""
    assert maltese["fit_exponent_low"] == ""


def test_tasks_are_averaged_and_no_median_is_taken():
    shifts = {"tc": 0.0, "sa": -0.1, "ner": -0.5}
    made = [one for task, shift in shifts.items() for one in records(task, shift)]
    spec = drop(volumes={"mt": 100, "sk": 400}, tasks=list(shifts))
    maltese, _ = from_csv(numbers(spec, Sources(), made))
    assert float(maltese["teacher_score"]) == pytest.approx(85 - 20)
    assert float(maltese["student_score"]) == pytest.approx(70 - 20)


def test_volumes_are_those_of_the_corpora_times_the_share_of_the_teacher(tmp_path):
    corpora = {}
    for language, text in (("mt", "ħġż" * 1000), ("sk", "a" * 9000)):
        corpora[language] = str(tmp_path / f"{language}.parquet")
        pq.write_table(pa.table({"text": [text, "ħ"]}), corpora[language])
    texts = {"m/mt/adapted": {"mt": 0.25}, "m/sk/adapted": {"sk": 1.0}}
    sources = Sources(texts=texts, corpora=corpora)
    maltese, slovak = from_csv(numbers(drop(), sources, records()))
    assert float(maltese["megabytes"]) == pytest.approx(0.25 * 6002e-6)
    assert float(slovak["megabytes"]) == pytest.approx(9002e-6)


def published(**keys: object) -> list[dict]:
    spec = drop(
        models=["xlmr", "mbert"],
        languages=["mt", "sk", "sw"],
        tasks=["tc", "sa", "ner", "pos"],
        volumes={"mt": 188, "sk": 1032, "sw": 332},
        published=str(PAPER / "tables_1_and_6.csv"),
        points=[{"teacher": "adapted", "student": "hidden312-vocab40k"}],
        **keys,
    )
    return from_csv(numbers(spec, Sources(), []))


def test_the_published_numbers_give_the_published_drops():
    drops = {(row["model"], row["language"]): float(row["drop"]) for row in published()}
    assert {key: round(value, 1) for key, value in drops.items()} == {
        ("xlmr", "mt"): 19.2,
        ("xlmr", "sk"): 2.9,
        ("xlmr", "sw"): 5.2,
        ("mbert", "mt"): 13.2,
        ("mbert", "sk"): 3.3,
        ("mbert", "sw"): 5.0,
    }


def test_three_published_languages_do_not_exclude_an_exponent_of_zero():
    for row in published():
        assert float(row["fit_exponent"]) < 0
        assert float(row["fit_exponent_low"]) < 0 < float(row["fit_exponent_high"])


def test_the_drawing_says_so_and_has_a_point_for_each_language():
    spec, sources = drop(volumes={"mt": 100, "sk": 400}), Sources(names=NAMES)
    canvas = drawing(numbers(spec, sources, records()), spec, sources)
    (axes,) = canvas.panels
    (points,) = axes.containers
    assert list(points.lines[0].get_xdata()) == [100, 400]
    assert [text.get_text() for text in axes.texts] == ["Maltese", "Slovak"]
    assert axes.get_yscale() == "log"
    note = canvas.figure.texts[1].get_text()
    assert "2 languages differ in more" in " ".join(note.split())


def test_a_student_that_is_better_has_no_power_law_and_a_linear_axis():
    better = [record("small", 0, 0.9), record("adapted", 0, 0.8)]
    spec = drop(languages=["mt"], volumes={"mt": 100})
    sources = Sources(names=NAMES)
    text = numbers(spec, sources, better)
    canvas = drawing(text, spec, sources)
    assert float(from_csv(text)[0]["drop"]) == pytest.approx(-12.5)
    assert canvas.panels[0].get_yscale() == "linear"
    assert canvas.panels[0].get_legend_handles_labels()[1] == ["Model M: no power law"]


def test_what_is_missing_is_named():
    with pytest.raises(UserError, match="needs records of m/sk/small/tc"):
        numbers(drop(volumes={"mt": 1, "sk": 2}), Sources(), records()[:-2])
    with pytest.raises(UserError, match="needs the volume of the text of 'sk', not given"):
        numbers(drop(volumes={"mt": 1}), Sources(), records())
    with pytest.raises(UserError, match=r"tables_1_and_6.csv: has no 'mt_tc' of m adapted"):
        spec = drop(volumes={"mt": 1, "sk": 2}, published=str(PAPER / "tables_1_and_6.csv"))
        numbers(spec, Sources(), [])


def test_a_fit_that_may_as_well_rise_is_drawn_no_louder_than_it_is():
    spec, sources = (
        drop(
            models=["xlmr"],
            languages=["mt", "sk", "sw"],
            tasks=["tc", "sa", "ner", "pos"],
            volumes={"mt": 188, "sk": 1032, "sw": 332},
            published=str(PAPER / "tables_1_and_6.csv"),
            points=[{"teacher": "adapted", "student": "hidden312-vocab40k"}],
        ),
        Sources(),
    )
    (axes,) = drawing(numbers(spec, sources, []), spec, sources).panels
    (label,) = axes.get_legend_handles_labels()[1]
    assert label.endswith("(95 %: −6.66 to 4.63, no trend)")
    assert [line.get_alpha() for line in axes.get_lines() if len(line.get_xdata()) == 50] == [0.5]
