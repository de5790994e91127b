"""What makes a job run again, shown by dry runs of the real Snakemake on the demo grid."""

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
    file = "monoglot/operations/prune_ffn.py"
    text = (project.folder / file).read_text(encoding="utf-8")
    name = re.search(r"^def (\w+)\(", text, flags=re.MULTILINE)[1]
    (project.folder / file).write_text(text + f"\n\nagain = {name}\n", encoding="utf-8")
    planned = project.planned()
    assert variants(planned) == below(*of_operation("prune_ffn"))
    assert scored(planned) == below(*of_operation("prune_ffn")) & ROWS


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
    file = project.folder / "monoglot" / "report" / "corpora.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n\nagain = render\n", encoding="utf-8")
    assert {path.split(".")[0] for path in project.planned()} == {"tables/table2"}


def test_a_task_parameter_runs_that_task_alone(project):
    project.edit(DEMO, "    epochs: ", "    epochs: 1")
    planned = project.planned()
    rendered = {path.split(".")[0].removeprefix("tables/") for path in tables(planned)}
    assert rendered == {"table1", "table4", "table6"}
    assert {path.split("/")[4] for path in planned if path.startswith("scores/")} == {"tc"}
    assert scored(planned) == ROWS
    assert variants(planned) == set()
