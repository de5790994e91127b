"""The experiment: from raw text to tables and figures. Wiring only; see docs/design.md."""

from snakemake.utils import min_version

min_version("9.20")

if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/functions/jobs.smk"
include: "rules/functions/data.smk"
include: "rules/functions/checkpoints.smk"
include: "rules/functions/scores.smk"
include: "rules/functions/tables.smk"
include: "rules/functions/figures.smk"
include: "rules/functions/deployment.smk"
include: "rules/functions/cards.smk"
include: "rules/functions/report.smk"
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
        table_files(),


rule figures:
    input:
        figure_files(),


rule deployment:
    input:
        TARGETS["deployment"],


rule cards:
    input:
        TARGETS["cards"],


rule all:
    default_target: True
    input:
        [file for target in CONFIG["targets"] for file in TARGETS[target]],


# While this is read, Snakemake does not say yet whether it will run anything.
if {"-n", "--dry-run", "--dryrun"} & set(sys.argv):
    warn_of_sources()

if workflow.is_main_process and (differing := other_versions(RESULTS)):
    print(differing, file=sys.stderr)


onstart:
    check_sources()
    start_alone()


onsuccess:
    for target in CONFIG["targets"]:
        print(SAID.get(target, f"The {target} are in {RESULTS}/{PLACES.get(target, target)}."))
