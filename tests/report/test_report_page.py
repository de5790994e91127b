"""The report as HTML: what is in it, that it needs nothing else, that it tells no lies."""

import json
import shutil
from pathlib import Path

import pytest
from html_checks import Page, check
from made_up_run import configuration, make

from monoglot.errors import UserError
from monoglot.graph import Graph
from monoglot.report import costs, standings
from monoglot.report.finished_run import jobs, read_run
from monoglot.report.page import render
from monoglot.tables.formats import read_rows

HOSTILE = '</script><script>alert(1)</script>"\' & <b onclick="x">'


@pytest.fixture(scope="module")
def config() -> dict:
    return configuration()


@pytest.fixture(scope="module")
def results(config, tmp_path_factory) -> Path:
    return make(config, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def text(config, results) -> str:
    return render(Graph(config), results)


@pytest.fixture(scope="module")
def page(text) -> Page:
    return check(text)


def headings(page: Page) -> list[str]:
    return [text.split(maxsplit=1)[1] for _, text in page.all("h2")]


def test_every_part_is_there(page):
    assert headings(page) == [
        "Size against score",
        "Tables",
        "What each variant keeps",
        "Training",
        "How the variants are made",
        "In use",
        "Time and energy",
        "How the numbers were made",
    ]


def test_the_same_files_give_the_same_bytes(config, results, text, tmp_path):
    shutil.copytree(results, tmp_path / "copy")
    again = json.loads(json.dumps(config))
    assert render(Graph(again), tmp_path / "copy") == text


def test_numbers_are_those_of_the_table(config, results, page):
    row = (results / "tables/table1.csv").read_text(encoding="utf-8").splitlines()[3].split(",")
    assert row[1] == "kd"
    cells = [about["data-sort"] for about, _ in page.all("td") if "data-sort" in about]
    assert set(row[3:10]) <= set(cells)


def test_what_models_have_read_before_is_said(config, results, page):
    language = config["languages"]["qaa"]["name"]
    (said,) = [text for _, text in page.all("li") if "sentences of" in text]
    assert said == f"{language}: 1,234 of 2,000 test sentences of tc are in the text."


def of_chance(results: Path, level: float) -> None:
    """Let records say what the most frequent label scores."""
    for file in results.glob("scores/**/seed*.json"):
        record = json.loads(file.read_text())
        record["chance"] = dict.fromkeys(record["scores"], level)
        file.write_text(json.dumps(record))


def test_chance_stands_beside_the_scores(config, results, text, tmp_path):
    assert "the most frequent label" not in text
    (panel,) = standings.panels(read_run(Graph(config), results))
    scores = sorted(point.score for point in panel.ours)
    shutil.copytree(results, tmp_path / "low")
    for level, is_drawn in ((scores[0] + 0.1, True), (scores[0] / 2, False)):
        of_chance(tmp_path / "low", round(level / 100, 6))
        low = render(Graph(config), tmp_path / "low")
        assert f"; the most frequent label scores {level:.1f} %." in low
        assert f"(the most frequent label: {level:.1f} %)" in low
        assert ('class="chance"' in low) is is_drawn
        assert "% of its score" in low


def test_nothing_is_kept_of_what_is_at_chance(config, results, tmp_path):
    shutil.copytree(results, tmp_path / "high")
    of_chance(tmp_path / "high", 0.99)
    high = render(Graph(config), tmp_path / "high")
    assert "% of its score" not in high
    assert "No smaller model stays" not in high
    assert not standings.retention(read_run(Graph(config), tmp_path / "high"), "xlmr")


def test_published_numbers_stand_beside_ours(tmp_path):
    config = configuration("config.yaml")
    text = render(Graph(config), make(config, tmp_path))
    page = check(text)
    assert sum("mark published" in about.get("class", "") for _, about, _ in page.elements) > 60
    assert "hollow: as published" in text
    spans = [t for about, t in page.all("span") if about.get("class") == "published"]
    assert any(one.startswith("84.96 (") for one in spans)
    panels = [text for _, text in page.all("figcaption")]
    assert panels[:4] == ["Average of 3 languages", "Maltese", "Slovak", "Swahili"]


def test_latency_and_score_are_those_of_the_table_of_deployment(config, results, page):
    (panels,) = costs.in_use(read_run(Graph(config), results)).values()
    assert [panel.title for panel in panels] == ["PyTorch", "ONNX, int8"]
    rows = read_rows(results / "tables/deployment.csv")
    wanted = [(r["variant"], float(r["cpu_1_16_p50_ms"]), float(r["score"])) for r in rows[::2]]
    assert [(p.variant, p.size, p.score) for p in panels[0].ours] == wanted
    assert {text for _, text in page.all("h3")} >= {"In use"}


@pytest.mark.parametrize("kept", [(), ("tables",), ("scores",), ("models",), ("tables", "scores")])
def test_what_is_missing_is_left_out(config, results, tmp_path, kept):
    for part in kept:
        shutil.copytree(results / part, tmp_path / part)
    page = check(render(Graph(config), tmp_path))
    assert headings(page)[-1] == "How the numbers were made"
    assert ("Tables" in headings(page)) == ("tables" in kept)
    assert ("Size against score" in headings(page)) == ("scores" in kept)
    assert ("Training" in headings(page)) == ("models" in kept)


def test_scores_that_are_missing_are_dashes(config, results, tmp_path):
    shutil.copytree(results / "scores", tmp_path / "scores")
    shutil.rmtree(tmp_path / "scores/xlmr/qaa/kd/ner")
    run = read_run(Graph(config), tmp_path)
    assert ("xlmr", "qaa", "kd", "ner") not in run.cells
    page = check(render(Graph(config), tmp_path))
    assert any(text.strip() == "–" for _, text in page.all("td"))


def test_a_whole_model_that_scores_nothing_is_no_measure(config, results, tmp_path):
    shutil.copytree(results / "scores", tmp_path / "scores")
    for path in tmp_path.rglob("seed*.json"):
        record = json.loads(path.read_text())
        if record["variant"] in ("base", "adapted"):
            record |= {"score": 0.0, "scores": dict.fromkeys(record["scores"], 0.0)}
            path.write_text(json.dumps(record))
    text = render(Graph(config), tmp_path)
    assert "% of its score" not in text
    check(text)


def test_models_of_which_nothing_is_scored_are_not_named(config, results, tmp_path):
    shutil.copytree(results / "scores/mbert", tmp_path / "scores/mbert")
    page = check(render(Graph(config), tmp_path))
    assert page.all("h1")[0][1].endswith("small models made from mBERT")


def test_the_job_that_invents_the_data_is_counted(config, results):
    assert "raw/provenance.json" in read_run(Graph(config), results).jobs
    elsewhere = config | {"results": "results/other"}
    assert "../demo/raw/provenance.json" in jobs(Graph(elsewhere))
    real = configuration("configs/real-small.yaml")
    assert not any("raw" in path for path in jobs(Graph(real)))


def test_one_model_alone(config, tmp_path):
    one = json.loads(json.dumps(config))
    del one["models"]["mbert"], one["tables"]["table6"], one["tables"]["table5"]
    one["variants"]["kd-init"]["strategy"] = "last_k"
    page = check(render(Graph(one), make(one, tmp_path)))
    assert len([1 for about, _ in page.all("svg") if about.get("id", "").startswith("graph-")]) == 1


def test_thirty_languages_in_other_scripts(config, tmp_path):
    many = json.loads(json.dumps(config))
    names = ("עברית", "العربية", "日本語", "ქართული")
    del many["models"]["mbert"], many["tables"]["table6"], many["tables"]["table5"]
    many |= {"seeds": [1]}
    many["tables"]["table1"] |= {"tasks": ["tc"], "rows": many["tables"]["table1"]["rows"][:4]}
    many["variants"]["kd-init"]["strategy"] = "last_k"
    for number in range(29):
        about = {"name": f"{names[number % 4]} {number}", "codes": {"flores": "x"}}
        many["languages"][f"x{number}"] = about | {"evaluated": True}
    page = check(render(Graph(many), make(many, tmp_path)))
    assert page.all("h1")[0][1].startswith("30 languages")
    assert any("日本語" in text for _, text in page.all("figcaption"))


def test_texts_of_the_configuration_are_escaped(config, tmp_path):
    hostile = json.loads(json.dumps(config))
    hostile["languages"]["qaa"]["name"] = HOSTILE
    hostile["models"]["xlmr"]["name"] = HOSTILE
    for row in hostile["tables"]["table1"]["rows"]:
        row["label"] += HOSTILE
    hostile["tables"]["table1"]["rows"][0]["label"] = "=\x1b[31m [a](b) $x$"
    hostile["data"]["root"] = "results/demo/raw #1"
    hostile["tables"]["table1"]["caption"] = HOSTILE + "| a \\ b"
    page = check(render(Graph(hostile), make(hostile, tmp_path)))
    assert len(page.all("script")) == 1
    assert "alert" not in page.all("script")[0][1]
    assert any(text == HOSTILE + "| a \\ b" for _, text in page.all("h3"))
    assert any(text.startswith("=�[31m [a](b) $x$") for _, text in page.all("th"))
    assert {"raw%20%231/provenance.json"} <= {about.get("href") for about, _ in page.all("a")}


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("tables/table1.md", "nothing", "holds no table"),
        ("tables/table1.md", "# a\n\n| x |\n|--:|\n| 1 |\n", "is not the table of table1.csv"),
        ("tables/table1.csv", "model,row\nxlmr,kd,1\n", "line 2 has another number of cells"),
        ("models/xlmr/qaa/kd/history.csv", "step\nmany\n", "cannot be read as a history"),
        ("scores/xlmr/qaa/kd/ner/seed1.json", "{", "is not valid JSON"),
        ("tables/table1.provenance.json", "[]", "is not a file of provenance"),
        ("tables/deployment.csv", "label\n" + "a\n" * 40, "is not a table of deployment"),
    ],
)
def test_files_that_are_something_else_are_refused(
    config, results, tmp_path, path, content, message
):
    shutil.copytree(results, tmp_path / "run")
    (tmp_path / "run" / path).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        render(Graph(config), tmp_path / "run")
