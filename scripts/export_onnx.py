"""Export a checkpoint's encoder to ONNX, in fp32 and in int8, and compare it with PyTorch."""

import logging
from pathlib import Path

from monoglot import errors, provenance, script


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help="folder of the model")
    add("--out", type=Path, required=True, help="folder of the graphs")
    options = parser.parse_args()
    errors.need("onnx")

    with script.loading(models=True):
        from monoglot.deploy.export import make_onnx_folder

    with provenance.of_folder(__file__, options, [options.checkpoint]):
        report = make_onnx_folder(options.checkpoint, options.out)
    for precision, found in report["difference"].items():
        logging.info("%s differs from PyTorch by up to %.3g", precision, found["largest"])


if __name__ == "__main__":
    script.run(main)
