"""Names that the functions of tables, figures, deployment and cards use."""

from monoglot.fingerprint import code_of
from monoglot.config import source_of
from monoglot.deploy.onnx_names import FILES as ONNX_FILES
from monoglot.downloads.needs import origin
from monoglot.evaluate.kept_files import FILES as KEPT
from monoglot.experiment import flags, one_of
from monoglot.graph_tables import examples_sets, shape_nodes, text_nodes
from monoglot.nodes import ANY
from monoglot.tokens.store import FILES as STORE_FILES

GRAPH, CONFIG, RESULTS = experiment.graph, experiment.config, experiment.paths.results
ENCODERS = [name for name in GRAPH.variants if not GRAPH.is_baseline(name)]
checkpoint_of, evaluated_files, evaluated_folder = (
    experiment.node,
    experiment.files,
    experiment.folder,
)
folder_of, files_of, data_file = (
    experiment.paths.checkpoint,
    experiment.paths.checkpoint_files,
    experiment.paths.data,
)
on_cluster, whole_machine = experiment.on_cluster, experiment.whole_machine


def store_of(node, language, name):
    return experiment.paths.store(GRAPH.tokenizer(node), language, name)


def store_files(node, languages, name):
    return [f"{store_of(node, l, name)}/{file}" for l in languages for file in STORE_FILES]
