"""The plan for a SLURM cluster, made where there is none."""

import re

from project_copy import DEMO

SLURM = ("--dry-run", "--workflow-profile", "profiles/slurm", "--configfile", DEMO)


def resources(project, rule: str, *arguments: str, **variables: str) -> dict[str, str]:
    """What the first job of a rule would ask for."""
    plan = project.snakemake(*SLURM, "--forcerun", rule, *arguments, **variables)
    assert plan.returncode == 0, plan.stdout
    found = re.search(
        rf"^ *rule {rule}:.*?resources: (.*?)$", plan.stdout, re.DOTALL | re.MULTILINE
    )
    return dict(item.split("=", 1) for item in found[1].split(", "))


def test_every_job_asks_for_memory_and_time_and_some_for_a_gpu(project):
    asked = resources(project, "train")
    assert (asked["mem_mb"], asked["runtime"], asked["gpu"]) == ("32000", "1440", "1")
    assert "gpu" not in resources(project, "trim_vocab")


def test_gpus_of_a_login_node_are_not_what_jobs_ask_for(project):
    with_one = resources(project, "evaluate", CUDA_VISIBLE_DEVICES="0")
    without = resources(project, "evaluate", CUDA_VISIBLE_DEVICES="")
    assert with_one["gpu"] == without["gpu"] == "1"


def test_account_and_partition_come_from_the_configuration(project, tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text("slurm: {account: lab, partition: cpu, gpu_partition: a100}\n")
    asked = resources(project, "evaluate", "--configfile", DEMO, str(site))
    assert (asked["slurm_account"], asked["slurm_partition"]) == ("lab", "a100")
