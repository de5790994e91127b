"""A checkpoint as a folder that onnxruntime and tokenizers serve: graphs, tokenizer, report."""

import json
import shutil
from pathlib import Path
from typing import Any

import onnxruntime
import torch

from monoglot.checkpoints import TOKENIZER_FILES, count_parameters
from monoglot.deploy.encoder import States, load_encoder
from monoglot.deploy.export import OPSET, check_same, difference, export, quantise
from monoglot.deploy.onnx_names import GRAPHS, REPORT
from monoglot.evaluate.adapter import checkpoint_parameters, max_positions
from monoglot.files import whole_folder


def make_onnx_folder(checkpoint: str | Path, out: str | Path) -> dict[str, Any]:
    """Export a checkpoint's encoder to `out` in fp32 and int8; return what `export.json` says.

    The graphs' output is `last_hidden_state`, [batch, length, hidden]. `export.json` holds the
    parameters of the checkpoint (as tables count them) and of the encoder alone, the longest
    sequence, and how far each graph is from PyTorch. Raises `UserError` on a broken checkpoint, and
    if the fp32 graph differs by more than rounding.
    """
    checkpoint = Path(checkpoint)
    encoder = load_encoder(checkpoint, attention="eager")
    model = States(encoder)
    with whole_folder(out) as aside:
        fp32, int8 = (aside / name for name in GRAPHS.values())
        export(model, fp32, "last_hidden_state")
        exact = difference(model, fp32)
        check_same(exact, checkpoint)
        quantise(fp32, int8)
        report = {
            "parameters": checkpoint_parameters(checkpoint),
            "parameters_encoder": count_parameters(encoder),
            "max_positions": max_positions(encoder),
            "opset": OPSET,
            "difference": {
                "fp32": exact.rounded(),
                "int8": difference(model, int8).rounded(),
            },
            "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
        }
        text = json.dumps(report, indent=2, sort_keys=True)
        (aside / REPORT).write_text(text + "\n", encoding="utf-8")
        for name in ("config.json", *TOKENIZER_FILES):
            shutil.copyfile(checkpoint / name, aside / name)
    return report
