"""What the rules of deployment ask for."""

from monoglot.graph_tables import deployed
from monoglot.nodes import Checkpoint

MEASURED = CONFIG["deployment"]


def deployment_files():
    """Measurements of every checkpoint that a table of scores or of deployment shows."""
    return [f"{RESULTS}/deployment/{node}.json" for node in deployed(GRAPH)]


def onnx_folder(wildcards):
    return f"{RESULTS}/onnx/{checkpoint_of(wildcards)}"


def onnx_files(wildcards):
    return [f"{onnx_folder(wildcards)}/{name}" for name in ONNX_FILES]


def deployment_language(wildcards):
    """Whose held-out text is answered: the checkpoint's language, or the first one for all."""
    language = checkpoint_of(wildcards).language
    return GRAPH.evaluated[0] if language == ANY else language


def deployment_text(wildcards):
    return data_file(deployment_language(wildcards), "heldout")


def deployment_flags(wildcards):
    language = {"text_language": deployment_language(wildcards)}
    return flags(dict(wildcards.items()) | language | MEASURED)


def whole_machine(wildcards):
    """All cores of this run; on a cluster, as many as the configuration names a number for."""
    if workflow.local_exec:
        return workflow.cores or 1
    return max([1, *(number for number in MEASURED["threads"] if number != "all")])


TARGETS["deployment"] = deployment_files()
