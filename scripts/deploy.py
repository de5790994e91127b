"""Measure what a checkpoint costs where it is used: disk, memory, latency and throughput.

It is measured as PyTorch fp32 and as ONNX fp32 and int8 on the CPU, and on the GPU, if there is
one, as PyTorch fp32 and bf16. Nothing else should run on the machine meanwhile.
"""

from pathlib import Path

from monoglot import errors, provenance, script
from monoglot.gpus import visible


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help="folder of the model")
    add("--graphs", type=Path, required=True, help="folder of its ONNX graphs")
    add("--text", type=Path, required=True, help="parquet file of held-out sentences")
    add("--text-language", required=True, help="whose sentences they are")
    add("--out", type=Path, required=True, help="JSON file of the result")
    add("--model", required=True, help="name of the model")
    add("--language", required=True, help="name of the language, or any")
    add("--variant", required=True, help="name of the variant")
    add("--lengths", type=int, nargs="+", default=[16, 64, 256], help="of a text, in tokens")
    add("--threads", type=_threads, nargs="+", default=[1, "all"], help="numbers, or all")
    add("--batch", type=int, default=32, help="texts at once, for throughput")
    add("--repeats", type=int, default=50, help="answers to single texts that are timed")
    add("--warmup", type=int, default=5, help="answers before those that are timed")
    add("--batch-repeats", type=int, default=3, help="answers to a batch that are timed")
    options = parser.parse_args()
    errors.need("onnx")

    with script.loading():
        from monoglot.deploy.measure import Measuring, deployment

    measuring = Measuring(
        lengths=tuple(options.lengths),
        threads=tuple(options.threads),
        batch=options.batch,
        repeats=options.repeats,
        warmup=options.warmup,
        batch_repeats=options.batch_repeats,
    )
    names = {key: getattr(options, key) for key in ("model", "language", "variant")}
    names["text_language"] = options.text_language
    inputs = [options.checkpoint, options.graphs, options.text]
    with provenance.of_file(__file__, options, inputs):
        deployment(
            options.checkpoint,
            options.graphs,
            options.text,
            names,
            measuring,
            _has_gpu(),
            options.out,
        )


def _threads(text: str) -> int | str:
    return text if text == "all" else int(text)


def _has_gpu() -> bool:
    if not visible():
        return False
    import torch

    return torch.cuda.is_available()


if __name__ == "__main__":
    script.run(main)
