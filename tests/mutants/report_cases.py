"""Records, histories and published numbers edited by hand, and the tables and figures of them."""

import csv
import io
import json
import random
from fractions import Fraction
from pathlib import Path
from statistics import mean

from mutations import spoilt_bytes, spoilt_document, spoilt_json

from monoglot.evaluate.records import read_record
from monoglot.figures.blocks import numbers, read_sources, read_spec
from monoglot.tables.base import compared, parse_block, read_published
from monoglot.tables.formats import show_scores, to_csv, to_latex, to_markdown
from monoglot.tables.scores import KIND, ScoresSpec, read_scores, render

LANGUAGES, TASKS, VARIANTS, SEEDS = ("mt", "sk"), ("tc", "ner"), ("base", "kd"), (1, 2)
METRICS = {"tc": "macro_f1", "ner": "word_f1"}
SPEC = {
    "model": "xlmr",
    "languages": list(LANGUAGES),
    "tasks": list(TASKS),
    "rows": [{"variant": variant, "label": variant} for variant in VARIANTS],
}


def record_case(draw: random.Random, folder: Path) -> None:
    """Edit a record: the table shows the mean of what the files now say, or is refused."""
    files = written_records(draw, folder)
    spoilt = draw.choice(files)
    spoilt.write_bytes(spoilt_json(spoilt.read_bytes(), draw))
    table = render(read_scores(files), ScoresSpec.checked(SPEC))
    read = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    for row in table.rows:
        for language in LANGUAGES:
            for task in TASKS:
                scores = [
                    100 * Fraction(str(one["score"]))
                    for one in read
                    if (one["model"], one["variant"]) == ("xlmr", row["row"])
                    and (one["language"], one["task"]) == (language, task)
                ]
                expected = f"{float(mean(scores)):.2f}" if scores else ""
                assert row[f"{language}_{task}"] == expected, f"{language} {task}: another mean"


def spec_case(draw: random.Random, folder: Path) -> None:
    """Spoil a table's block: every form of the table is still in one piece, or it is refused."""
    files = written_records(draw, folder)
    spec = spoilt_document(SPEC | {"caption": "A & B", "scores": {"ner": "word_f1"}}, draw)
    table = render(read_scores(files), ScoresSpec.checked(parse_block(json.dumps(spec))))
    _sound(table)
    (folder / "t.csv").write_text(to_csv(table), encoding="utf-8")
    show_scores(folder / "t.csv", 80)


def label_case(draw: random.Random, folder: Path) -> None:
    """Give odd labels, which must not break out of the cell in any form of the table."""
    odd = [
        "a|b",
        "$x$",
        r"\input{/etc/passwd}",
        "<script>",
        "`id`",
        "a\\",
        "&amp;",
        "% no",
        "#",
        "{",
        "~^_",
    ]
    spec = SPEC | {
        "rows": [{"variant": v, "label": draw.choice(odd) + draw.choice(odd)} for v in VARIANTS],
        "caption": draw.choice(odd),
    }
    _sound(render(read_scores(written_records(draw, folder)), ScoresSpec.checked(spec)))


def published_case(draw: random.Random, folder: Path) -> None:
    """Spoil the file of published numbers: what is read is what stands there."""
    rows = [f"xlmr,{variant},{draw.random():.4f},{draw.random():.4f}" for variant in VARIANTS]
    content = "\n".join(["model,row,mt_tc,sk_tc", *rows]) + "\n"
    (folder / "p.csv").write_bytes(spoilt_bytes(content.encode(), draw))
    table = render(read_scores(written_records(draw, folder)), ScoresSpec.checked(SPEC))
    _sound(compared(table, folder / "p.csv", KIND.keys))
    read = list(
        csv.DictReader(io.StringIO((folder / "p.csv").read_bytes().decode("utf-8-sig"), newline=""))
    )
    found = read_published(folder / "p.csv", KIND.keys)
    assert len(found) == len(read)
    for row in read:
        for column, value in found[row["model"], row["row"]].items():
            assert float(row[column]) == float(value), "another number than is printed"


def history_case(draw: random.Random, folder: Path) -> None:
    """Spoil a history: the figure's numbers are those of the file, or it is refused."""
    lines = ["step,tokens,validation_loss,validation_accuracy"]
    lines += [f"{100 * i},{i},{3 - i / 9:.3f},{i / 9:.3f}" for i in range(5)]
    content = ("\n".join(lines) + "\n").encode()
    (folder / "h.csv").write_bytes(spoilt_bytes(content, draw))
    spec = {
        "kind": "curves",
        "models": ["xlmr"],
        "languages": ["mt"],
        "lines": [{"variant": "kd", "label": "KD"}],
        "column": "validation_loss",
        "smoothing": draw.choice([0, 1]),
        "caption": "",
    }
    sources = {
        "names": {"xlmr": "X", "mt": "M"},
        "histories": {"xlmr/mt/kd": str(folder / "h.csv")},
    }
    text = numbers(read_spec(json.dumps(spec)), read_sources(json.dumps(sources)), [])
    drawn = list(csv.DictReader(io.StringIO(text)))
    read = csv.DictReader(
        io.StringIO((folder / "h.csv").read_bytes().decode("utf-8-sig"), newline="")
    )
    expected = [row["validation_loss"] for row in read]
    assert [row["validation_loss"] for row in drawn] == expected, "other numbers than are there"
    for value in expected:
        assert abs(float(value)) < float("inf"), "a point that is no number"


def _sound(table: object) -> None:
    """Each form has as many rows and cells as the table."""
    lines = to_markdown(table).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("| "))
    grid = lines[first : first + 2 + len(table.rows)]
    cells = {line.replace("\\\\", "").replace("\\|", "").count("|") for line in grid}
    assert cells == {len(table.labels) + len(table.columns) + 1}, grid
    assert not any("<" in line.replace("\\<", "") for line in lines), "HTML in Markdown"
    latex = to_latex(table).splitlines()
    body = latex[latex.index(r"\midrule") + 1 : latex.index(r"\bottomrule")]
    # Below a row may stand one with its intervals.
    assert len(body) - sum(r"\tiny" in line for line in body) == len(table.rows)
    for line in body:
        assert line.replace(r"\&", "").count("&") == len(table.labels) + len(table.columns) - 1
        plain = line.replace(r"\%", "").replace(r"\textbackslash{}", "")
        assert "%" not in plain, line
        assert r"\input" not in plain, line
    assert len(list(csv.reader(io.StringIO(to_csv(table))))) == len(table.rows) + 1


def written_records(draw: random.Random, folder: Path) -> list[Path]:
    """Write the records of a table, of random scores."""
    files = []
    for variant in VARIANTS:
        for language in LANGUAGES:
            for task in TASKS:
                for seed in SEEDS:
                    score = round(draw.random(), 4)
                    record = {
                        "model": "xlmr",
                        "language": language,
                        "variant": variant,
                        "task": task,
                        "seed": seed,
                        "metric": METRICS[task],
                        "score": score,
                        "scores": {METRICS[task]: score, "accuracy": 0.5},
                        "errors": {METRICS[task]: 0.05},
                        "chance": {METRICS[task]: 0.2},
                        **{"n_test": 90, "n_test_words": 900, "n_test_words_cut": 9},
                        "parameters": {"base": 1000, "kd": 600}[variant],
                    }
                    file = folder / f"{variant}-{language}-{task}-{seed}.json"
                    file.write_text(json.dumps(record), encoding="utf-8")
                    read_record(file)
                    files.append(file)
    return files
