"""The files of a checkpoint's folder of ONNX graphs. For the Snakefile too: imports little."""

from monoglot.checkpoint_files import TOKENIZER_FILES

GRAPHS = {"fp32": "model.onnx", "int8": "model.int8.onnx"}
"""Graphs by precision."""

REPORT = "export.json"
FILES = (*GRAPHS.values(), REPORT, "config.json", *TOKENIZER_FILES)
