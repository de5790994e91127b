"""Names and helpers that all rules share."""

import os
import re
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.basedir)

from monoglot.checkpoints import FILES as CHECKPOINT_FILES
from monoglot.checkpoints import TOKENIZER_FILES
from monoglot.fingerprint import code_of
from monoglot.config import adapter_settings, source_of
from monoglot.deploy.onnx_names import FILES as ONNX_FILES
from monoglot.data.invented import LANGUAGES as INVENTED
from monoglot.downloads import preflight
from monoglot.downloads.needs import (
    TEXT_SETS,
    LocalFile,
    needed_sets,
    needs_of,
    needs_of_set,
    origin,
    pretrained_checkpoints,
)
from monoglot.environment import use_checkout
from monoglot.errors import UserError
from monoglot.evaluate.kept_files import FILES as KEPT
from monoglot.extends import read
from monoglot.gpus import WHOLE, small_job_share, visible
from monoglot.graph import ANY, Checkpoint, Graph
from monoglot.graph_tables import examples_sets, shape_nodes, text_nodes
from monoglot.job_resources import memory_mb, minutes, place
from monoglot.provenance import NAME as PROVENANCE
from monoglot.provenance import other_versions
from monoglot.slurm_jobs import note_run, stop_earlier_runs
from monoglot.tokens.store import FILES as STORE_FILES

use_checkout(workflow.basedir)

try:
    for file in workflow.configfiles:
        if not str(file).endswith(".json"):
            read(file, "--configfile")  # Snakemake takes the last of a key that stands there twice
    GRAPH = Graph(config)
except UserError as error:
    raise WorkflowError(str(error)) from None

CONFIG = GRAPH.config
RESULTS = CONFIG["results"]
ROOT = CONFIG["data"]["root"]
# What a job asks for: `gpu`, which SLURM is told, and `gpu_share`, per cent of this machine's GPUs.
# Where there are some, jobs get them by scripts/on_gpu.py; elsewhere nothing limits either.
GPUS = visible()
SMALL_JOB_SHARE = small_job_share() if GPUS else WHOLE
if GPUS and "gpu_share" not in workflow.global_resources:
    workflow.register_resource("gpu_share", WHOLE * len(GPUS))


resource_scopes:
    gpu="local",
    gpu_share="local",
    turn="local",


def one_of(names):
    """A wildcard constraint that matches exactly these names, or nothing."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    model=one_of(CONFIG["models"]),
    language=one_of([*CONFIG["languages"], ANY]),
    variant=one_of(CONFIG["variants"]),
    task=one_of(CONFIG["tasks"]),
    set=one_of(TEXT_SETS),
    table=one_of(CONFIG["tables"]),
    figure=one_of(CONFIG["figures"]),


def flags(settings):
    """Command-line flags of a dict: `{"batch_size": 8}` becomes `--batch-size 8`."""
    words = []
    for key, value in settings.items():
        if value is None or value is False or value == []:
            continue
        words.append(f"--{key.replace('_', '-')}")
        if isinstance(value, str) and value.startswith("-"):
            words[-1] += f"={value}"  # which a parser would take for a flag
        elif value is not True:
            words += map(str, value if isinstance(value, list) else [value])
    return shlex.join(words)


def checkpoint_of(wildcards):
    return GRAPH.checkpoint(wildcards.model, wildcards.language, wildcards.variant)


def folder_of(node):
    return f"{RESULTS}/models/{node}"


def files_of(node):
    return [f"{folder_of(node)}/{name}" for name in CHECKPOINT_FILES]


def data_file(language, name):
    return f"{RESULTS}/data/{language}/{name}.parquet"


def data_provenance(language, name):
    return f"{RESULTS}/data/{language}/{name}.{PROVENANCE}"


def store_of(node, language, name):
    """Folder of the token store of a set of texts under a checkpoint's tokenizer."""
    return f"{RESULTS}/tokens/{GRAPH.tokenizer(node)}/{language}/{name}"


def store_files(node, languages, name):
    return [f"{store_of(node, l, name)}/{file}" for l in languages for file in STORE_FILES]
