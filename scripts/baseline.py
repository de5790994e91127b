"""Score a baseline without an encoder on one task: the majority class, or a bag of n-grams."""

from pathlib import Path

from monoglot import provenance, script
from monoglot.evaluate import add_name_flags, add_task_flags, task_from_flags
from monoglot.evaluate.task import Names


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--method", choices=("majority", "ngrams"), required=True, help="what predicts")
    add("--examples", type=Path, required=True, help="parquet file with the task's splits")
    add("--out", type=Path, required=True, help="folder of the record and predictions")
    add_name_flags(parser)
    add("--seed", type=int, default=1, help="name of the record; nothing is drawn at random")
    add_task_flags(parser, trained=True)
    options = parser.parse_args()
    task = task_from_flags(options, options.task)

    with script.loading():
        from monoglot.evaluate.baselines import baseline
        from monoglot.evaluate.records import written

    names = Names(options.model, options.language, options.variant)
    outputs = written(options.out, options.seed)
    to = options.out / provenance.NAME
    with provenance.recorded(__file__, options, [options.examples], outputs, to):
        baseline(options.examples, task, options.method, options.seed, names, options.out)


if __name__ == "__main__":
    script.run(main)
