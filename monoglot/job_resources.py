"""What a job asks a cluster for, and where it goes. For the Snakefile too: imports little."""

from math import ceil

from monoglot.operations import OPERATIONS

MADE_AS_JOBS = {n: one for n, one in OPERATIONS.items() if one.checkpoint and not one.local}
DEFAULTS = {
    "build_tokens": {"memory": 8, "hours": 4},
    **{n: {"memory": one.memory, "hours": one.hours} for n, one in MADE_AS_JOBS.items()},
    "evaluate": {"memory": 16, "hours": 4},
    "baseline": {"memory": 8, "hours": 1},
    "export_onnx": {"memory": 16, "hours": 1},
    "score_onnx": {"memory": 16, "hours": 4},
    "deploy": {"memory": 32, "hours": 4},
}
"""Gigabytes and hours of a first attempt, by rule, with room for the models of the paper."""

ON_GPUS = (*(name for name, one in MADE_AS_JOBS.items() if one.gpu), "evaluate", "deploy")


def memory_mb(config: dict, rule: str, attempt: int) -> int:
    """Return the megabytes that a job of `rule` asks for: twice as much in each further attempt."""
    return ceil(1000 * _asked(config, rule, "memory", attempt))


def minutes(config: dict, rule: str, attempt: int) -> int:
    """Return the minutes that a job of `rule` asks for: twice as many in each further attempt."""
    return ceil(60 * _asked(config, rule, "hours", attempt))


def place(config: dict, rule: str) -> dict[str, str | int]:
    """Return account and partition of jobs of `rule`, under the names that Snakemake's plugin has.

    Also that each is on one node, however many GPUs it has.
    """
    slurm = config["slurm"]
    partition = slurm.get("partition")
    if rule in ON_GPUS:
        partition = slurm.get("gpu_partition", partition)
    named = {"slurm_account": slurm.get("account"), "slurm_partition": partition}
    return {"nodes": 1} | {name: value for name, value in named.items() if value}


def _asked(config: dict, rule: str, key: str, attempt: int) -> float:
    resources = config["resources"]
    first = resources.get(rule, {}).get(key, DEFAULTS[rule][key])
    most = max(resources["most"].get(key, float("inf")), first)
    return min(first * 2 ** (attempt - 1), most)
