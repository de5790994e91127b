"""Score what a checkpoint's adapters predict as ONNX graphs, in fp32 and in int8.

Encoder, adapter and head become one graph for each task, which is not kept. Scores stand beside
those of the records.
"""

from pathlib import Path

from monoglot import errors, provenance, script
from monoglot.errors import UserError


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help="folder of the model")
    add("--adapters", type=Path, required=True, help="folder of the kept adapters of all tasks")
    add("--scores", type=Path, required=True, help="folder of the records of all tasks")
    add("--tasks", nargs="+", required=True, help="names of tasks")
    add("--examples", type=Path, nargs="+", required=True, help="parquet files, one for each task")
    add("--seed", type=int, required=True, help="whose adapters")
    add("--out", type=Path, required=True, help="JSON file of the result")
    add("--model", required=True, help="name of the model")
    add("--language", required=True, help="name of the language")
    add("--variant", required=True, help="name of the variant")
    options = parser.parse_args()
    if len(options.tasks) != len(options.examples):
        raise UserError("--examples: must name one file for each of --tasks")
    errors.need("onnx")
    errors.need("adapters")

    with script.loading(models=True):
        from monoglot.deploy.exported_scores import ExportedRun, write_scores

    seed = f"seed{options.seed}"
    runs = [
        ExportedRun(
            options.scores / task / f"{seed}.json", options.adapters / task / seed, examples
        )
        for task, examples in zip(options.tasks, options.examples, strict=True)
    ]
    inputs = [file for run in runs for file in (run.record, run.kept, run.examples)]
    names = {key: getattr(options, key) for key in ("model", "language", "variant")}
    with provenance.of_file(__file__, options, [options.checkpoint, *inputs]):
        write_scores(options.checkpoint, runs, names, options.out)


if __name__ == "__main__":
    script.run(main)
