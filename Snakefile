"""The experiment: from raw text to tables and figures. Wiring only; see docs/design.md."""

from snakemake.utils import min_version

from monoglot.config import WORKFLOW

min_version("9.27")

# The paper's grid, unless the command line or a workflow that uses this one names another.
if not workflow.configfiles:

    configfile: "config.yaml" if exists("config.yaml") else str(WORKFLOW / "config.yaml")


report: "rules/report.rst"


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/checkpoints.smk"
include: "rules/scores.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/deployment.smk"
include: "rules/cards.smk"
include: "rules/report.smk"


rule tables:
    input:
        experiment.target_files("tables"),


rule figures:
    input:
        experiment.target_files("figures"),


rule deployment:
    input:
        experiment.target_files("deployment"),


rule cards:
    input:
        experiment.target_files("cards"),


rule all:
    default_target: True
    input:
        experiment.wanted_files,


onstart:
    start_alone()


onerror:
    say(experiment.end())


onsuccess:
    say(experiment.end())
    for target in experiment.config["targets"]:
        print(experiment.place_of(target))
