"""The table of deployment: a row for each form, numbers from files, means over languages."""

import csv
import json
from copy import deepcopy
from pathlib import Path

import pytest

from monoglot.energy import Total
from monoglot.errors import UserError
from monoglot.tables.deployment import DeploymentSpec, significant, table_of
from monoglot.tables.formats import to_csv, to_latex, to_markdown

LENGTHS = ["16", "64", "256"]
FORMS = {"torch-fp32": (8_000_000, 500, 4.0), "onnx-int8": (2_000_000, 80, 1.0)}


def run(threads, memory, ms, scale=1.0):
    percentiles = {"p50_ms": ms * scale, "p95_ms": 2 * ms, "p99_ms": 3 * ms, "mean_ms": ms}
    rates = {"sequences_per_second": 1000 / ms, "tokens_per_second": 64_000 / ms}
    peak = memory * 10**6
    return {
        "device": "cpu",
        "threads": threads,
        "load_seconds": 0.5,
        "memory": {
            "imported_bytes": 60 * 10**6,
            "peak_bytes": peak,
            "batch_peak_bytes": peak + 10**7,
        },
        "latency": dict.fromkeys(LENGTHS, percentiles),
        "throughput": dict.fromkeys(LENGTHS, rates),
    }


def measurement(language, variant, parameters, scale=1.0):
    return {
        "model": "xlmr",
        "language": language,
        "variant": variant,
        "parameters": parameters,
        "measuring": {"lengths": [16, 64, 256], "repeats": 50, "batch": 32},
        "tokens": {"16": 16, "64": 64, "256": 128},
        "threads": {"1": 1, "all": 8},
        "hardware": {"cpu": "A processor", "cores": 8, "gpu": None},
        "load_average_before": 0.25,
        "forms": {
            form: {
                "disk": {"weights_bytes": int(disk * scale), "folder_bytes": disk + 100_000},
                "runs": [run(1, memory, ms, scale), run(8, memory + 5, ms / 4, scale)],
            }
            for form, (disk, memory, ms) in FORMS.items()
        },
    }


def scores(language, variant, torch, int8):
    tasks = {
        task: {
            "seed": 1,
            "metric": "macro_f1",
            "torch": {"score": torch + shift},
            "int8": {"score": int8 + shift},
        }
        for task, shift in (("tc", 0.0), ("sa", 0.1))
    }
    return {"model": "xlmr", "language": language, "variant": variant, "tasks": tasks}


@pytest.fixture
def block(tmp_path):
    """Two languages of one trained variant, and a base that is the same for both."""
    measured = [
        measurement("any", "base", 270_000_000),
        measurement("mt", "kd", 100_000_000),
        measurement("sk", "kd", 120_000_000, scale=2.0),
    ]
    scored = [scores(language, v, 0.6, 0.55) for language in ("mt", "sk") for v in ("base", "kd")]
    paths = {"measured": [], "scored": []}
    for kind, files in (("measured", measured), ("scored", scored)):
        for number, said in enumerate(files):
            path = tmp_path / f"{kind}{number}.json"
            path.write_text(json.dumps(said))
            paths[kind].append(str(path))
    rows = [("base", "Base"), ("kd", "KD layer red. ×2")]
    return {
        "caption": "Served",
        "models": {"xlmr": "XLM-R"},
        "languages": {"mt": "Maltese", "sk": "Slovak"},
        "tasks": ["tc", "sa"],
        "rows": [{"model": "xlmr", "variant": v, "label": label} for v, label in rows],
        "checkpoints": {
            f"xlmr/{language}/{v}": f"xlmr/{'any' if v == 'base' else language}/{v}"
            for language in ("mt", "sk")
            for v in ("base", "kd")
        },
        **paths,
    }


def energies(checkpoint, run):
    kwh = 3.0 if "/sk/" in checkpoint else 1.0
    return Total(kwh, kwh / 2, 4, 0), Total(0.25, 0.125, 2, 0)


def made(block, energies):
    return table_of(DeploymentSpec.checked(block, "the table"), energies)


def rows_of(table):
    return {row["row"]: row for row in csv.DictReader(to_csv(table).splitlines())}


def test_each_form_of_a_variant_is_a_row(block):
    rows = rows_of(made(block, energies))
    assert list(rows) == ["base:torch-fp32", "base:onnx-int8", "kd:torch-fp32", "kd:onnx-int8"]
    base = rows["base:onnx-int8"]
    assert (base["variant"], base["form"], base["language"]) == ("base", "onnx-int8", "mean")
    assert base["parameters"] == "270000000"
    assert (base["disk_mb"], base["folder_mb"]) == ("2.00", "2.10")
    assert (base["memory_mb"], base["memory_above_mb"]) == ("80.0", "20.0")
    assert base["batch_memory_mb"] == "90.0"
    assert (base["cpu_1_64_p50_ms"], base["cpu_1_64_p95_ms"]) == ("1.00", "2.00")
    assert (base["cpu_all_16_p50_ms"], base["cpu_all_256_p99_ms"]) == ("0.250", "0.750")
    assert base["cpu_all_64_sequences_per_second"] == "4000"
    assert (base["score"], base["score_change"]) == ("60.00", "-5.00")
    assert (rows["base:torch-fp32"]["score"], rows["base:torch-fp32"]["score_change"]) == (
        "65.00",
        "0.00",
    )


def test_numbers_are_means_over_languages(block):
    kd = rows_of(made(block, energies))["kd:onnx-int8"]
    assert kd["parameters"] == "110000000"
    assert kd["disk_mb"] == "3.00"
    assert kd["cpu_1_16_p50_ms"] == "1.50"
    assert (kd["making_kwh"], kd["making_co2_kg"]) == ("2.00", "1.00")
    assert (kd["scoring_kwh"], kd["scoring_co2_kg"]) == ("0.250", "0.125")


def test_scores_are_means_over_all_cells_in_the_metrics_of_the_tables(block):
    """One task of one language and two of the other are three cells, as in a row of Table 1."""
    for number in (1, 3):  # the two of kd
        said = json.loads(Path(block["scored"][number]).read_text())
        said["tasks"]["tc"]["torch"] |= {"score": 0.5, "scores": {"accuracy": 0.9}}
        if number == 3:
            del said["tasks"]["sa"]
        Path(block["scored"][number]).write_text(json.dumps(said))
    table = made(block, energies)
    # 50 and 70 of Maltese, 50 of Slovak.
    assert rows_of(table)["kd:torch-fp32"]["score"] == "56.67"
    assert "(TC: macro F1, SA: macro F1; seed 1)" in table.note
    table = made(block | {"scores": {"tc": "accuracy"}}, energies)
    assert rows_of(table)["kd:torch-fp32"]["score"] == "83.33"
    assert "(TC: accuracy, SA: macro F1; seed 1)" in table.note


def test_the_middle_length_is_that_by_size(block):
    for path in block["measured"]:
        said = json.loads(Path(path).read_text())
        said["measuring"]["lengths"] = [256, 16, 64]
        Path(path).write_text(json.dumps(said))
    names = [column.name for column in made(block, energies).columns]
    assert "cpu_1_64_p50_ms" in names


def test_or_of_each_language(block):
    table = made(block | {"each_language": True}, energies)
    rows = rows_of(table)
    assert len(rows) == 8
    assert rows["kd:sk:onnx-int8"]["disk_mb"] == "4.00"
    assert rows["base:mt:onnx-int8"]["disk_mb"] == rows["base:sk:onnx-int8"]["disk_mb"]
    assert "| Slovak " in to_markdown(table)


def test_markdown_and_latex_show_one_length(block):
    table = made(block, energies)
    names = [column.name for column in table.columns]
    assert "cpu_1_64_p50_ms" in names
    assert not [name for name in names if "_16_" in name or "_256_" in name or "cuda" in name]
    assert "| ONNX, int8 " in to_markdown(table)
    assert r"\multicolumn{2}{c}{1 thread, ms}" in to_latex(table)
    other = made(block | {"length": 256}, energies)
    assert "cpu_1_256_p50_ms" in [column.name for column in other.columns]
    with pytest.raises(UserError, match=r"length: 32 is not one of those measured"):
        made(block | {"length": 32}, energies)


def test_where_a_gpu_was_measured_it_has_columns_and_rows(block):
    for path in block["measured"]:
        said = json.loads(Path(path).read_text())
        on_gpu = run(1, 900, 0.5) | {"device": "cuda"}
        on_gpu["memory"]["gpu_peak_bytes"] = 300 * 10**6
        disk = said["forms"]["torch-fp32"]["disk"]
        said["forms"]["torch-fp32"]["runs"].append(on_gpu)
        said["forms"]["torch-bf16"] = {"disk": disk, "runs": [on_gpu]}
        Path(path).write_text(json.dumps(said))
    table = made(block, energies)
    rows = rows_of(table)
    assert rows["kd:torch-bf16"]["cuda_64_p50_ms"] == rows["kd:torch-fp32"]["cuda_64_p50_ms"]
    assert rows["kd:torch-bf16"]["gpu_memory_mb"] == "300"
    assert rows["kd:torch-bf16"]["cpu_1_64_p50_ms"] == rows["kd:torch-bf16"]["score"] == ""
    assert rows["kd:onnx-int8"]["cuda_64_p50_ms"] == ""
    assert rows["kd:torch-fp32"]["memory_mb"] == "500"
    assert "GPU, ms" in [column.group for column in table.columns]


def test_the_note_says_how_it_was_measured(block):
    note = made(block, energies).note
    for part in (
        "A processor, 8 cores",
        "64 tokens",
        "of 50",
        "32 at a time",
        "seed 1",
        "up to 0.2;",
    ):
        assert part in note
    assert "cut" in note


def test_unknown_energy_is_missing_and_said(block):
    def older(checkpoint, run):
        return Total(1.0, 0.5, 4, 1), Total(0.0, 0.0, 0, 0)

    table = made(block, older)
    assert rows_of(table)["kd:onnx-int8"]["making_kwh"] == ""
    assert "Energy is missing where a job does not say what it used." in table.note


def test_a_language_without_a_task_has_the_mean_of_the_others(block, tmp_path):
    lacking = scores("mt", "kd", 0.6, 0.55)
    del lacking["tasks"]["sa"]
    (tmp_path / "lacking.json").write_text(json.dumps(lacking))
    block["scored"] = [*block["scored"][:1], str(tmp_path / "lacking.json"), *block["scored"][2:]]
    rows = rows_of(made(block | {"each_language": True}, energies))
    assert rows["kd:mt:onnx-int8"]["score"] == "55.00"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measured": []}, "'measured': names no file"),
        ({"scored": ["/none.json"]}, "none.json: cannot be read"),
        ({"checkpoints": {"xlmr/mt/base": "xlmr/any/base"}}, "'checkpoints' lacks"),
        ({"models": {"mbert": "mBERT"}}, "'models' lacks 'xlmr'"),
        ({"rows": []}, r"table\.rows"),
        ({"threads": [1]}, "unknown key 'threads'"),
    ],
)
def test_a_bad_block_is_refused(block, change, message):
    with pytest.raises(UserError, match=message):
        made(block | change, energies)


def test_files_measured_differently_are_refused(block, tmp_path):
    other = deepcopy(measurement("mt", "kd", 1))
    other["hardware"]["cpu"] = "Another processor"
    (tmp_path / "other.json").write_text(json.dumps(other))
    block["measured"][1] = str(tmp_path / "other.json")
    with pytest.raises(UserError, match="xlmr/mt/kd: were measured with other hardware"):
        made(block, energies)


@pytest.mark.parametrize("text", ["[]", "{}", "{"])
def test_a_file_of_something_else_is_refused(block, tmp_path, text):
    (tmp_path / "wrong.json").write_text(text)
    block["measured"][0] = str(tmp_path / "wrong.json")
    with pytest.raises(UserError, match=r"wrong.json: (has no 'model'|cannot be read)"):
        made(block, energies)


def test_digits_before_the_point_all_stand_there():
    numbers = (123456.7, 12.345, 0.0012345, 0, None, -5.678)
    assert [significant(x) for x in numbers] == ["123457", "12.3", "0.00123", "0", "", "-5.68"]


def test_the_script_adds_the_energy_of_the_jobs(block, script, tmp_path):
    results = tmp_path / "results"
    job = {"script": "scripts/train.py", "code": "0", "git_commit": None, "seconds": 1.0}
    job |= {"started": "", "arguments": {}, "versions": {}, "inputs": {}}
    job |= {"hardware": {"cpu": "?", "cores": 1, "gpu": None}, "cpu_seconds": 3600.0}
    for checkpoint in sorted(set(block["checkpoints"].values())):
        folder = results / "models" / checkpoint
        folder.mkdir(parents=True)
        (folder / "config.json").touch()
        said = job | {"outputs": {"config.json": ""}, "gpu_joules": None}
        (folder / "provenance.json").write_text(json.dumps(said))
    out = [
        f"--out-{kind}={tmp_path / 'tables' / 'deployment'}.{kind}" for kind in ("csv", "md", "tex")
    ]
    spec = json.dumps(block | {"results": str(results), "country": "DEU"})
    assert script("table", "--kind", "deployment", "--spec", spec, *out) is None
    text = (tmp_path / "tables" / "deployment.csv").read_text()
    row = next(csv.DictReader(text.splitlines()))
    assert (row["making_kwh"], row["making_co2_kg"]) == ("0.00400", "0.00152")
    provenance = json.loads((tmp_path / "tables" / "deployment.provenance.json").read_text())
    assert sum("measured" in name for name in provenance["inputs"]) == 3
