"""The experiment that all rules ask, and what they share.

Whatever Snakemake has no directive for, and takes or tells only through its workflow object, is here.
"""

import sys

from snakemake.exceptions import WorkflowError

from monoglot.script import use_checkout
from monoglot.errors import UserError
from monoglot.experiment import CHECKPOINT, ONNX, PROVENANCE, STORE, WHOLE, Experiment
from monoglot.config import WORKFLOW

use_checkout(str(WORKFLOW))

try:
    experiment = Experiment(
        config,
        workflow.configfiles,
        is_local=lambda: workflow.local_exec,
        cores=lambda: workflow.cores,
    )
except UserError as error:
    raise WorkflowError(str(error)) from None


pathvars:
    results=experiment.paths.results,
    logs=f"{experiment.paths.results}/logs",
    benchmarks=f"{experiment.paths.results}/benchmarks",


wildcard_constraints:
    **experiment.constraints,


# What a job asks for: `gpu`, which SLURM is told, and `gpu_share`, per cent of this machine's GPUs.
# Where there are some, jobs get them by scripts/on_gpu.py; elsewhere nothing limits either.
resource_scopes:
    gpu="local",
    gpu_share="local",
    turn="local",


# No directive sets a limit, and a profile cannot count GPUs.
if experiment.gpus and "gpu_share" not in workflow.global_resources:
    workflow.register_resource("gpu_share", WHOLE * len(experiment.gpus))

# While this is read, Snakemake does not say yet whether it will run anything.
if {"-n", "--dry-run", "--dryrun"} & set(sys.argv):
    for line in experiment.warnings():
        print(f"note: {line}", file=sys.stderr)

# The processes of jobs read this file as well.
if workflow.is_main_process and (differing := experiment.other_versions()):
    print(differing, file=sys.stderr)


def start_alone():
    """Before the first job refuse what cannot be had, and end jobs of a killed run."""
    experiment.note_process()
    try:
        experiment.check_sources()
        for job in experiment.stop_earlier_runs():
            print(f"cancelled a SLURM job of an earlier run: {job}", file=sys.stderr)
    except UserError as error:
        raise WorkflowError(str(error)) from None
    if name := name_in_queue():
        experiment.note_run(name)


def name_in_queue():
    """The name that the SLURM plugin gives to all jobs of a run; other executors have none.

    No option sets it and nothing public tells it.
    """
    for job in workflow.dag.needrun_jobs():
        if not job.is_local:
            return getattr(workflow.scheduler.get_executor(job), "run_uuid", None)
