"""Tables of what students retain of a teacher's scores."""

import pytest
from test_tables_scores import record

from monoglot.errors import UserError
from monoglot.tables.base import compared
from monoglot.tables.formats import to_markdown
from monoglot.tables.retention import KIND, RetentionSpec, render

# Weighted F1 of AfroXLMR-Large and AfroXLMR-Comet on AfriSenti, and the share retained. Of the
# unrounded scores it is 90.6 for hau, 92.8 for ibo and 89.2 on average.
COMET = {
    "kin": ("68.91", "58.94", "85.5"),
    "swa": ("64.10", "55.30", "86.3"),
    "hau": ("79.30", "71.89", "90.7"),
    "ibo": ("79.60", "73.82", "92.7"),
    "yor": ("74.20", "66.39", "89.5"),
}
BLOCK = {
    "model": "large",
    "task": "sa",
    "languages": {language: language.title() for language in COMET},
    "parameters": "encoder_pooler",
    "columns": [
        {"variant": "teacher", "label": "AfroXLMR-Large"},
        {"model": "small", "variant": "comet", "label": "Comet"},
    ],
}
SIZES = {"teacher": 559_890_432, "comet": 68_937_216}


def comet_records() -> list[dict]:
    return [
        record(
            float(score) / 100,
            model=model,
            variant=variant,
            language=language,
            task="sa",
            seed=seed,
            parameters=1,
            parameters_encoder_pooler=SIZES[variant],
        )
        for language, scores in COMET.items()
        for (model, variant), score in zip(
            (("large", "teacher"), ("small", "comet")), scores, strict=False
        )
        for seed in (1, 2)
    ]


def test_shares_of_the_published_scores():
    table = render(comet_records(), RetentionSpec.checked(BLOCK))
    by_row = {row["row"]: row for row in table.rows}
    for language, (teacher, comet, retained) in COMET.items():
        row = by_row[language]
        assert (row["teacher"], row["small-comet"]) == (teacher, comet)
        assert row["small-comet_retained"] == retained
    average = by_row["avg"]
    assert (average["teacher"], average["small-comet"]) == ("73.22", "65.27")
    assert average["small-comet_retained"] == "89.1"
    assert by_row["parameters"]["teacher"] == "559890432"
    assert by_row["parameters"]["small-comet"] == "68937216"
    assert by_row["reduction_percent"]["small-comet"] == "87.69"
    assert list(by_row) == [*COMET, "avg", "parameters", "reduction_percent"]


def test_a_missing_language_leaves_no_average():
    records = [r for r in comet_records() if (r["variant"], r["language"]) != ("comet", "hau")]
    by_row = {row["row"]: row for row in render(records, RetentionSpec.checked(BLOCK)).rows}
    assert by_row["hau"]["small-comet"] == by_row["hau"]["small-comet_retained"] == ""
    assert by_row["avg"]["small-comet"] == by_row["avg"]["small-comet_retained"] == ""
    assert by_row["avg"]["teacher"] == "73.22"


def test_published_numbers_and_markdown(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text("row,label,small-comet,small-comet_retained\nkin,K,60,85.5\nparameters,P,7,\n")
    table = compared(render(comet_records(), RetentionSpec.checked(BLOCK)), path, KIND.keys)
    first = table.rows[0]
    assert (first["published_small-comet"], first["difference_small-comet"]) == ("60", "-1.06")
    assert first["difference_small-comet_retained"] == "+0.0"
    markdown = to_markdown(table)
    assert "| AfroXLMR-Large score |" in markdown.replace("  ", " ").replace("  ", " ")
    assert "559,890,432" in markdown
    assert "+68,937,209 (7)" in markdown


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": []}, r"columns: \[\] should be non-empty"),
        ({"columns": [BLOCK["columns"][0]] * 2}, "columns: 'teacher' appears twice"),
        ({"parameters": "all"}, "parameters: 'all' must be one of mlm, encoder_pooler"),
        ({"languages": ["mt"]}, r"languages: \['mt'\] is not of type object"),
        ({"teacher": "x"}, "unknown key 'teacher'"),
    ],
)
def test_bad_blocks_are_refused(change, message):
    with pytest.raises(UserError, match=message):
        RetentionSpec.checked(BLOCK | change)


def test_records_without_the_size_asked_for_are_refused():
    about = {"task": "sa", "language": "kin", "variant": "teacher"}
    records = [record(0.5, model=model, **about) for model in ("large", "small")]
    with pytest.raises(UserError, match="lacks the key 'parameters_encoder_pooler'"):
        render(records, RetentionSpec.checked(BLOCK))


@pytest.mark.parametrize("size", ["12", 1.5, True, 0])
def test_sizes_that_are_no_counts_are_refused(size):
    about = {"task": "sa", "language": "kin", "variant": "teacher"}
    about |= {"parameters_encoder_pooler": size}
    records = [record(0.5, model=model, **about) for model in ("large", "small")]
    with pytest.raises(UserError, match="is not a count from 1 up"):
        render(records, RetentionSpec.checked(BLOCK))


def test_scores_of_seeds_and_languages_are_averaged_and_no_medians_taken():
    scores = {"kin": (0.1, 0.2, 0.6), "swa": (0.3, 0.3, 0.3), "hau": (0.9, 0.9, 0.9)}
    languages = {language: language for language in scores}
    records = [
        record(
            part * score,
            model=model,
            variant=variant,
            language=language,
            task="sa",
            seed=seed,
            parameters=1,
            parameters_encoder_pooler=1,
        )
        for language, seeds in scores.items()
        for seed, score in enumerate(seeds)
        for model, variant, part in (("large", "teacher", 1), ("small", "comet", 0.5))
    ]
    rows = render(records, RetentionSpec.checked(BLOCK | {"languages": languages})).rows
    by_row = {row["row"]: row for row in rows}
    assert (by_row["kin"]["teacher"], by_row["kin"]["small-comet"]) == ("30.00", "15.00")
    assert (by_row["avg"]["teacher"], by_row["avg"]["small-comet"]) == ("50.00", "25.00")


@pytest.mark.parametrize(("chance", "retained"), [(0.5, "80.0"), (0.75, ""), (0.8, "")])
def test_nothing_is_retained_of_a_teacher_at_chance(chance, retained):
    block = BLOCK | {"languages": {"hau": "Hausa"}}
    about = {"language": "hau", "task": "sa", "parameters_encoder_pooler": 1}
    about["chance"] = {"accuracy": chance}
    records = [
        record(0.75, model="large", variant="teacher", **about),
        record(0.6, model="small", variant="comet", **about),
    ]
    rows = render(records, RetentionSpec.checked(block)).rows
    assert [row["small-comet_retained"] for row in rows[:2]] == [retained, retained]
    assert [row["small-comet"] for row in rows[:2]] == ["60.00", "60.00"]
