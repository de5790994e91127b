"""Tables as a pure function of records; the published tables come back cell for cell."""

import csv
import io
import random
from pathlib import Path

import pytest
from scipy import stats

from monoglot.errors import UserError
from monoglot.tables.base import compared, read_published, shown
from monoglot.tables.formats import to_csv, to_latex, to_markdown
from monoglot.tables.scores import KIND, ScoresSpec, render

PUBLISHED = Path(__file__).parents[2] / "resources" / "paper" / "tables_1_and_6.csv"
LANGUAGES, TASKS = ["mt", "sk", "sw"], ["tc", "sa", "ner", "pos"]
CELLS = [f"{language}_{task}" for language in LANGUAGES for task in TASKS]
PARAMETERS = {
    "mbert": {
        "base": 177974523,
        "adapted": 177974523,
        "kd": 135447291,
        "ffn2048": 126003963,
        "hidden564": 89692779,
        "hidden456": 71311611,
        "hidden312": 47710587,
        "hidden564-vocab40k": 44751549,
        "hidden456-vocab40k": 34960917,
        "hidden312-vocab40k": 22813941,
    },
    "xlmr": {
        "base": 278295186,
        "adapted": 278295186,
        "kd": 235767954,
        "ffn2048": 226324626,
        "hidden564": 163400418,
        "hidden456": 130930002,
        "hidden312": 88543314,
        "hidden564-vocab40k": 44752113,
        "hidden456-vocab40k": 34961373,
        "hidden312-vocab40k": 22814253,
    },
}


def published_rows(model: str) -> list[dict[str, str]]:
    with open(PUBLISHED, encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["model"] == model]


def published_spec(model: str, **more):
    rows = [{"variant": row["row"], "label": row["label"]} for row in published_rows(model)]
    block = {"model": model, "caption": "c", "languages": LANGUAGES, "tasks": TASKS, "rows": rows}
    return ScoresSpec.checked(block | more)


def published_records(model: str) -> list[dict]:
    return [
        record(
            float(row[f"{language}_{task}"]) / 100,
            model=model,
            language=language,
            variant=row["row"],
            task=task,
            seed=seed,
            parameters=PARAMETERS[model][row["row"]],
        )
        for row in published_rows(model)
        for language in LANGUAGES
        for task in TASKS
        for seed in (1, 2, 3)
    ]


def record(score: float, **more) -> dict:
    return {
        "model": "m",
        "language": "mt",
        "variant": "base",
        "task": "tc",
        "seed": 1,
        "metric": "accuracy",
        "score": score,
        "scores": {"accuracy": score},
        "parameters": 2_000_000,
    } | more


def spec(**more):
    rows = [{"variant": "base", "label": "Base"}, {"variant": "kd", "label": "KD ×2"}]
    block = {"model": "m", "caption": "Small", "languages": ["mt"], "tasks": ["tc", "ner"]}
    return ScoresSpec.checked(block | {"rows": rows} | more)


def small_records() -> list[dict]:
    return [
        record(0.5, seed=1),
        record(0.6, seed=2),
        record(0.25, task="ner", seed=1),
        record(0.35, task="ner", seed=2),
        record(0.45, variant="kd", parameters=117_000),
    ]


@pytest.mark.parametrize("model", ["xlmr", "mbert"])
def test_published_tables_come_back_cell_for_cell(model):
    table = render(published_records(model), published_spec(model))
    table = compared(table, PUBLISHED, KIND.keys)
    for row, known in zip(table.rows, published_rows(model), strict=True):
        assert (row["model"], row["row"], row["label"]) == (model, known["row"], known["label"])
        for column in [*CELLS, "avg"]:
            assert row[column] == f"{float(known[column]):.2f}", (row["row"], column)
            assert row[f"difference_{column}"] == "+0.00"
        for cell in CELLS:
            assert (row[f"{cell}_std"], row[f"{cell}_seeds"]) == ("0.00", "3")
        # The paper's two base rows count the pooler too; all others are as computed here.
        base = known["row"] in ("base", "adapted")
        assert int(row["size_millions"]) == int(known["size_millions"]) - base
        assert abs(int(row["reduction_percent"]) - int(known["reduction_percent"])) <= 1


def test_csv_starts_with_the_columns_of_the_published_file():
    table = render(published_records("xlmr"), published_spec("xlmr"))
    header = to_csv(table).splitlines()[0].split(",")
    ours = PUBLISHED.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert header[: len(ours)] == ours
    more = ["parameters", *(f"{c}_std" for c in CELLS), *(f"{c}_seeds" for c in CELLS)]
    assert header[len(ours) :] == more


def doubtful_records() -> list[dict]:
    """Of two tasks and two seeds; the second variant's topics are at chance."""
    sure = {"n_test": 100, "n_test_words": 1000, "n_test_words_cut": 0}
    return [
        record(
            score,
            **{"variant": variant, "task": task, "seed": seed, "errors": {"accuracy": 0.04}},
            **{"chance": {"accuracy": 0.3}, **sure, "n_test_words_cut": 41 if task == "ner" else 0},
        )
        for variant, task, scores in (
            ("base", "tc", (0.5, 0.6)),
            ("kd", "tc", (0.2, 0.4)),
            ("base", "ner", (0.7, 0.7)),
            ("kd", "ner", (0.6, 0.7)),
        )
        for seed, score in enumerate(scores)
    ]


def test_intervals_and_chance_stand_beside_scores():
    table = render(doubtful_records(), spec())
    base, kd = table.rows
    # Over examples: 4 points, of 99 degrees of freedom; over two seeds: 5 points, of one.
    variance, freedom = 16 + 25, 41**2 / (16**2 / 99 + 25**2)
    half = stats.t.ppf(0.975, freedom) * variance**0.5
    assert float(base["mt_tc_low"]) == pytest.approx(55 - half, abs=0.01)
    assert float(base["mt_tc_high"]) == pytest.approx(55 + half, abs=0.01)
    assert base["mt_ner_low"] == f"{70 - 4 * stats.t.ppf(0.975, 99):.2f}"
    assert (base["mt_tc_chance"], base["avg_chance"]) == ("30.00", "30.00")
    spread = stats.t.ppf(0.975, ((41 + 16) / 4) ** 2 / ((16**2 * 2 / 99 + 25**2) / 16))
    assert float(base["avg_low"]) == pytest.approx(62.5 - spread * (57 / 4) ** 0.5, abs=0.01)
    assert kd["mt_tc_low"] == "0.00", "no score is below"
    assert table.note.endswith(
        " ° marks what is not above always giving the most frequent label. Intervals (95 %) count "
        "other test examples and other seeds as chance. An interval from 0 to 100 says that seeds "
        "are too few and too far apart to tell a mean. Test words beyond the longest input, at "
        "most: mt NER 4.1 %."
    )


def test_mistakes_of_single_seeds_do_not_count_twice():
    records = [one | {"shared_errors": {"accuracy": 0.03}} for one in doubtful_records()]
    base = render(records, spec()).rows[0]
    variance, freedom = 9 + 25, 34**2 / (9**2 / 99 + 25**2)
    half = stats.t.ppf(0.975, freedom) * variance**0.5
    assert float(base["mt_tc_low"]) == pytest.approx(55 - half, abs=0.01)
    # Two seeds agree on the score, though not on all of their mistakes.
    half = stats.t.ppf(0.975, 99) * ((16 + 9) / 2) ** 0.5
    assert float(base["mt_ner_low"]) == pytest.approx(70 - half, abs=0.01)


def test_an_interval_of_the_whole_scale_is_explained():
    """Seeds of which some have learned nothing tell nothing of the mean."""
    records = [one for one in doubtful_records() if one["variant"] == "base"]
    said = "An interval from 0 to 100 says that seeds are too few and too far apart to tell a mean."
    assert said not in render(records, spec()).note
    apart = [
        one | {"score": 0.9 * one["seed"], "scores": {"accuracy": 0.9 * one["seed"]}}
        for one in records
    ]
    table = render(apart, spec())
    assert (table.rows[0]["mt_tc_low"], table.rows[0]["mt_tc_high"]) == ("0.00", "100.00")
    assert said in table.note


def test_every_form_shows_intervals_and_marks_what_is_at_chance():
    table = render(doubtful_records(), spec())
    text = to_markdown(table)
    assert " 30.00° |" in text
    assert "55.00° " not in text
    assert f"| {table.rows[0]['mt_ner_low']} to {table.rows[0]['mt_ner_high']} |" in text
    low, high = (table.rows[0][f"mt_ner_{end}"] for end in ("low", "high"))
    assert rf"\tiny {low}--{high}" in to_latex(table)
    header = to_csv(table).splitlines()[0]
    assert header.endswith(
        "mt_tc_low,mt_tc_high,mt_tc_chance,mt_ner_low,mt_ner_high,mt_ner_chance,"
        "avg_low,avg_high,avg_chance"
    )


def test_large_numbers_have_commas():
    row = {"a": "1234567.25", "b": "-12345", "c": "9999", "d": ""}
    assert [shown(row, name) for name in row] == ["1,234,567.25", "-12,345", "9999", "–"]


def test_a_single_seed_has_no_interval():
    records = [one for one in doubtful_records() if one["seed"] == 0]
    header = to_csv(render(records, spec())).splitlines()[0]
    assert "_low" not in header
    assert "mt_tc_chance" in header


def test_order_of_records_does_not_matter():
    records = published_records("mbert")
    expected = to_csv(render(records, published_spec("mbert")))
    random.Random(0).shuffle(records)
    assert to_csv(render(records, published_spec("mbert"))) == expected
    assert next(csv.DictReader(io.StringIO(expected)))["row"] == "base"


def test_mean_std_and_sizes():
    base, kd = render(small_records(), spec()).rows
    assert (base["mt_tc"], base["mt_tc_std"], base["mt_tc_seeds"]) == ("55.00", "7.07", "2")
    assert (base["mt_ner"], base["avg"]) == ("30.00", "42.50")
    assert (base["size_millions"], base["reduction_percent"]) == ("2.00", "0")
    assert (kd["size_millions"], kd["reduction_percent"]) == ("0.117", "-94")
    assert (kd["mt_tc"], kd["mt_tc_std"], kd["mt_tc_seeds"]) == ("45.00", "", "1")
    assert (kd["parameters"], base["parameters"]) == ("117000", "2000000")


def test_cells_averages_and_sizes_are_means_and_no_medians():
    """Each of three numbers, so that the middle one is not the mean."""
    places = [("mt", "tc"), ("mt", "ner"), ("sk", "tc"), ("sk", "ner"), ("sw", "tc"), ("sw", "ner")]
    sizes = {"mt": 1_000_000, "sk": 2_000_000, "sw": 9_000_000}
    records = [
        record((at + 6 * place) / 100, language=one, task=task, seed=at, parameters=sizes[one])
        for place, (one, task) in enumerate(places)
        for at in (10, 20, 60 if place else 0)
    ]
    row = render(records, spec(languages=["mt", "sk", "sw"])).rows[0]
    assert (row["mt_tc"], row["mt_tc_std"]) == ("10.00", "10.00")
    assert (row["mt_ner"], row["mt_ner_std"]) == ("36.00", "26.46")
    # 10, 36, 42, 48, 54, 60
    assert row["avg"] == "41.67"
    assert (row["parameters"], row["size_millions"]) == ("4000000", "4.00")


def test_missing_cells_are_empty_and_leave_no_average():
    kd = render(small_records(), spec()).rows[1]
    assert (kd["mt_ner"], kd["mt_ner_std"], kd["mt_ner_seeds"], kd["avg"]) == ("", "", "0", "")


def test_row_without_records_is_missing():
    row = render(small_records(), spec(rows=[{"variant": "other"}])).rows[0]
    assert row["label"] == "other"
    assert {row[c] for c in ("mt_tc", "avg", "size_millions", "reduction_percent")} == {""}


def test_scores_are_rounded_from_their_decimal_form():
    # In binary, 100 * 0.00035 is 0.034999..., which would print as 0.03.
    assert render([record(0.00035)], spec()).rows[0]["mt_tc"] == "0.04"


def test_size_is_the_mean_over_languages():
    records = [record(0.5, parameters=3_000_000), record(0.5, language="sk", parameters=6_000_000)]
    row = render(records, spec(languages=["mt", "sk"])).rows[0]
    assert (row["parameters"], row["size_millions"]) == ("4500000", "4.50")


def test_named_score_and_other_baseline():
    records = [
        record(0.5, task="ner", scores={"accuracy": 0.5, "word_f1": 0.25}),
        record(0.5, variant="kd", parameters=1_000_000),
    ]
    base, kd = render(records, spec(scores={"ner": "word_f1"}, baseline="kd")).rows
    assert base["mt_ner"] == "25.00"
    assert (base["reduction_percent"], kd["reduction_percent"]) == ("100", "0")


def test_a_baseline_without_a_checkpoint_has_no_size():
    extra = record(0.2, variant="majority", parameters=None)
    rows = [{"variant": "base"}, {"variant": "majority"}]
    table = render([*small_records(), extra], spec(rows=rows, tasks=["tc"]))
    row = table.rows[1]
    assert (row["mt_tc"], row["mt_tc_std"], row["mt_tc_seeds"]) == ("20.00", "", "1")
    assert {row[c] for c in ("size_millions", "reduction_percent", "parameters")} == {""}
    assert (row["avg"], table.rows[0]["size_millions"]) == ("20.00", "2.00")
    assert table.note.endswith("mean over 1 to 2 seeds.")
    assert "| majority |      – |" in to_markdown(table)


def test_a_score_of_subtokens_is_missing_without_a_tokenizer_and_the_note_says_so():
    records = [
        record(0.5, task="ner", scores={"accuracy": 0.5, "subtoken_f1": 0.25}),
        record(0.5, task="ner", variant="kd", parameters=None),
    ]
    table = render(records, spec(tasks=["ner"], scores={"ner": "subtoken_f1"}))
    base, baseline = table.rows
    assert (base["mt_ner"], baseline["mt_ner"], baseline["avg"]) == ("25.00", "", "")
    assert table.note.endswith("mean over one seed. No sub-token F1 without a tokenizer: KD ×2.")
    with pytest.raises(UserError, match="no score 'word_f1'"):
        render(records, spec(tasks=["ner"], scores={"ner": "word_f1"}))


def test_a_task_that_a_language_lacks_has_no_column():
    records = [record(0.5), record(0.25, task="ner"), record(0.75, language="cy")]
    table = render(records, spec(languages=["mt", "cy"], left_out={"cy": ["ner"]}))
    row = table.rows[0]
    assert "cy_ner" not in row
    assert (row["mt_tc"], row["mt_ner"], row["cy_tc"]) == ("50.00", "25.00", "75.00")
    assert row["avg"] == "50.00"
    assert table.note.endswith(" No NER for cy.")
    assert r"\multicolumn{1}{c}{cy}" in to_latex(table)


def test_differences_are_those_of_the_numbers_shown(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text("model,row,label,size_millions,mt_tc,avg\nm,base,B,3,55.3,\nm,kd,K,1.39,,\n")
    base, kd = compared(render(small_records(), spec()), path, KIND.keys).rows
    assert (base["published_mt_tc"], base["difference_mt_tc"]) == ("55.30", "-0.30")
    assert (base["published_size_millions"], base["difference_size_millions"]) == ("3", "-1.00")
    assert kd["published_size_millions"] == "1.39"
    assert float(kd["difference_size_millions"]) == pytest.approx(float(kd["size_millions"]) - 1.39)
    assert (base["published_avg"], base["difference_avg"]) == ("", "")
    assert (base["published_mt_ner"], kd["published_mt_tc"]) == ("", "")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (record(0.5, seed=1), "two records are of m/mt/base/tc and seed 1"),
        (record(0.5, seed=9, parameters=7), "disagree on parameters: 7"),
        (record(0.5, seed=9, parameters=0), "parameters 0"),
        (record(0.5, seed=9, metric="word_f1"), "disagree on the metric: accuracy, word_f1"),
    ],
)
def test_bad_records_are_refused(extra, message):
    with pytest.raises(UserError, match=message):
        render([*small_records(), extra], spec())


def test_missing_score_and_no_records_are_refused():
    with pytest.raises(UserError, match=r"no score 'word_f1' .* it has accuracy"):
        render(small_records(), spec(scores={"ner": "word_f1"}))
    with pytest.raises(UserError, match="no record is of model 'm'"):
        render([record(0.5, model="other")], spec())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,mt_tc\nm,5\n", "no column 'row'"),
        ("model,row,mt_tc\nm,base,x\n", "line 2, column mt_tc: 'x' is not a number"),
        ("model,row\nm,base\nm,base\n", "line 3: the row of m base appears twice"),
    ],
)
def test_bad_published_files_are_refused(tmp_path, text, message):
    path = tmp_path / "published.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_published(path, KIND.keys)


def test_markdown_of_small_records(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text("model,row,mt_tc\nm,base,54\n")
    markdown = to_markdown(compared(render(small_records(), spec()), path, KIND.keys))
    assert markdown == (Path(__file__).parent / "small.md").read_text(encoding="utf-8")


def test_markdown_of_one_seed_has_one_block():
    assert "##" not in to_markdown(render([record(0.5)], spec()))


def test_rows_of_other_models_are_reduced_from_the_tables_baseline():
    rows = [
        {"variant": "base", "label": "Base"},
        {"model": "n", "variant": "base", "label": "N"},
        {"model": "n", "variant": "kd", "label": "N small"},
    ]
    theirs = [
        record(0.7, model="n", parameters=1_000_000),
        record(0.8, model="n", variant="kd", parameters=500_000),
    ]
    table = render([*theirs, record(0.5)], spec(rows=rows, tasks=["tc"]))
    columns = ("model", "row", "reduction_percent", "mt_tc")
    assert [tuple(row[name] for name in columns) for row in table.rows] == [
        ("m", "base", "0", "50.00"),
        ("n", "base", "-50", "70.00"),
        ("n", "kd", "-75", "80.00"),
    ]
    assert table.note == "Scores in percent (TC: accuracy), mean over one seed."
    assert to_csv(table).splitlines()[2].startswith("n,base,N,-50,")


def test_models_whose_records_show_different_metrics_are_refused():
    rows = [{"variant": "base"}, {"model": "n", "variant": "base"}]
    theirs = record(0.7, model="n", metric="macro_f1")
    with pytest.raises(
        UserError, match=r"metric of 'tc': accuracy \(m/mt/base/tc\), macro_f1 \(n/mt"
    ):
        render([record(0.5), theirs], spec(rows=rows))
