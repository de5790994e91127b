"""What makes a job run again, shown by dry runs of the real Snakemake on the demo grid."""

import json
import os
import re
import shutil

import pytest
import yaml
from project_copy import DEMO, ROOT

CONFIG = yaml.safe_load((ROOT / DEMO).read_text(encoding="utf-8"))
VARIANTS = CONFIG["variants"]
ROWS = {row["variant"] for row in CONFIG["tables"]["table1"]["rows"]}
SMALLEST = [name for name, about in VARIANTS.items() if about["operation"] == "reduce_hidden"][-1]


def variants(planned: set[str]) -> set[str]:
    """Names of the variants among planned checkpoints."""
    return {path.split("/")[3] for path in planned if path.startswith("models/")}


def scored(planned: set[str]) -> set[str]:
    return {path.split("/")[3] for path in planned if path.startswith("scores/")}


def below(*names: str) -> set[str]:
    """The variants made from these, directly or not, and they themselves."""
    found = set(names)
    while True:
        more = {
            name
            for name, about in VARIANTS.items()
            if {about.get("parent"), about.get("teacher")} & found
        }
        if more <= found:
            return found
        found |= more


def of_operation(operation: str) -> set[str]:
    return {name for name, about in VARIANTS.items() if about["operation"] == operation}


def tables(planned: set[str]) -> set[str]:
    return {path for path in planned if path.startswith("tables/")}


def test_a_finished_grid_has_nothing_to_do(project):
    assert project.planned() == set()


def test_adapters_that_were_deleted_to_save_space_are_not_trained_again(project):
    shutil.rmtree(project.folder / "results" / "demo" / "adapters")
    assert project.planned() == set()


def test_a_touched_or_newly_checked_out_file_runs_nothing(project):
    for file in project.folder.rglob("*"):
        if file.is_file() and ".snakemake" not in file.parts:
            os.utime(file)
    assert project.planned() == set()


def test_a_parameter_of_a_variant_runs_it_and_what_hangs_below(project):
    line = f"  {SMALLEST}: {{operation: reduce_hidden, "
    project.edit(DEMO, line, line + "method: svd, ")
    planned = project.planned()
    assert variants(planned) == below(SMALLEST)
    assert scored(planned) == below(SMALLEST) & ROWS
    assert tables(planned)
    assert not any(path.startswith(("tokens/", "data/")) for path in planned)


@pytest.mark.parametrize(
    "setting", ["reduction_factor: 2", "seeds_affect: initialisation", "label_subtokens: first"]
)
def test_what_a_variant_sets_of_its_adapters_runs_no_training(project, setting):
    name = SMALLEST.removesuffix("-init")
    project.edit(DEMO, f"  {name}: {{", f"  {name}: {{{setting}, ")
    planned = project.planned()
    assert variants(planned) == set()
    assert scored(planned) == {name}


def test_the_code_of_an_operation_runs_it_and_what_hangs_below(project):
    project.edit_code("scores.sort(dim=1, descending=True", "scores.sort(dim=1, descending=False")
    planned = project.planned()
    assert variants(planned) == below(*of_operation("prune_ffn"))
    assert scored(planned) == below(*of_operation("prune_ffn")) & ROWS


HARMLESS = {
    "a help text": ('"""Share of the tokens that are masked."""', '"""Masked tokens."""'),
    "advice": ("free space there, or give another folder", "make room there, or elsewhere"),
    "how energy is rounded": ("round(share * spent, 3)", "round(share * spent, 2)"),
    "seconds to wait before an end": ("SECONDS_TO_SAVE = 120", "SECONDS_TO_SAVE = 60"),
    "seconds between saved states": ('get(SAVE_EVERY, "300")', 'get(SAVE_EVERY, "600")'),
    "retries of a download": ("ATTEMPTS = 5", "ATTEMPTS = 9"),
    "an unused constant in a reader": (
        "\n\ndef read_texts(",
        "\n\nUNUSED = 1\n\n\ndef read_texts(",
    ),
    "a docstring": ("Train `student` in place", "Reworded"),
    "a message of the log": ('"resumed at step %d of %d"', '"goes on at step %d of %d"'),
    "wording of an error": (
        "/{name} is not that of {parent}",
        "/{name} is another",
    ),
    "a type hint": ('def _descending(scores: "torch.Tensor")', "def _descending(scores)"),
}


def test_edits_that_change_no_result_run_nothing(project):
    """All at once, since each plan takes seconds: if one does run jobs, its rule says which."""
    for edit in HARMLESS.values():
        project.edit_code(*edit)
    assert project.plan() == (set(), set())


EDITS_OF_RESULTS = {
    "masking": ("RANDOM_SHARE = 0.8, 0.1", "RANDOM_SHARE = 0.7, 0.2"),
    "losses": ("LOGIT_POSITIONS = 128", "LOGIT_POSITIONS = 256"),
    "packing": ("MULTIPLE = 32", "MULTIPLE = 64"),
    "scoring": ('"weighted", zero_division=0', '"weighted", zero_division=1'),
}


@pytest.mark.parametrize("what", EDITS_OF_RESULTS)
def test_edits_that_change_results_run_those_and_what_hangs_below(project, what):
    operations = {"masking": ("train", "prune_ffn"), "losses": ("train",)}.get(what, ())
    remade = below(*(name for operation in operations for name in of_operation(operation)))
    project.edit_code(*EDITS_OF_RESULTS[what])
    planned, rules = project.plan()
    assert variants(planned) == remade
    assert scored(planned) == (remade & ROWS if remade else ROWS)
    made_by = {VARIANTS[name]["operation"] for name in remade}
    assert {rule for rule in rules if "table" not in rule} == made_by | {"evaluate", "report"}
    assert tables(planned)


def test_other_versions_of_libraries_run_nothing_and_are_said(project):
    folder = next((project.folder / "results").glob("*/scores/*/*/base/*"))
    about = {"script": "scripts/evaluate.py", "versions": {"torch": "0.1"}}
    file = folder / "provenance.json"
    before = file.stat()
    file.write_text(json.dumps(about | {"inputs": {}, "outputs": {}}))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    said = project.snakemake("--configfile", DEMO, "--cores", "1").stdout
    assert "jobs ran with other versions of libraries: 1 with torch 0.1 (now " in said
    assert "`--forcerun evaluate` makes them again" in said
    assert "Nothing to be done" in said


def test_comments_docstrings_and_the_readme_run_nothing(project):
    for file in (project.folder / "monoglot").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        text = re.sub('^"""(.*)', r'"""Reworded. \1', text)
        file.write_text(f"{text}\n# A comment.\n", encoding="utf-8")
    project.edit("README.md", "#", "# Again:")
    assert project.planned() == set()


def test_a_new_row_runs_only_the_new_row(project):
    new = "  one-layer: {operation: select_layers, parent: adapted, layers: 1}\n"
    project.edit(DEMO, "\nvariants:\n", f"\nvariants:\n{new}")
    project.edit(DEMO, "rows: &rows\n", "rows: &rows\n      - {variant: one-layer, label: One}\n")
    planned = project.planned()
    assert variants(planned) == {"one-layer"}
    assert scored(planned) == {"one-layer"}


def test_the_caption_of_a_table_renders_that_table_alone(project):
    start = "  table6:\n    model: mbert\n    caption: "
    project.edit(DEMO, start, start + "New ")
    assert {path.split(".")[0] for path in project.planned()} == {"tables/table6"}


def test_the_code_of_a_kind_of_table_renders_its_tables_alone(project):
    project.edit_code("megabytes >= 10 else", "megabytes >= 100 else")
    assert {path.split(".")[0] for path in project.planned()} == {"tables/table2"}


def test_a_task_parameter_runs_that_task_alone(project):
    project.edit(DEMO, "    epochs: ", "    epochs: 1")
    planned = project.planned()
    rendered = {path.split(".")[0].removeprefix("tables/") for path in tables(planned)}
    assert rendered == {"table1", "table4", "table6"}
    assert {path.split("/")[4] for path in planned if path.startswith("scores/")} == {"tc"}
    assert scored(planned) == ROWS
    assert variants(planned) == set()
