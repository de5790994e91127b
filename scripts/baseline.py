"""Score a baseline without an encoder on one task: the majority class, or a bag of n-grams."""

from pathlib import Path

from monoglot import command, provenance


def main() -> None:
    parser = command.parser(__doc__)
    add = parser.add_argument
    add("--method", choices=("majority", "ngrams"), required=True, help="what predicts")
    add("--examples", type=Path, required=True, help="parquet file with the task's splits")
    add("--out", type=Path, required=True, help="folder of the record and predictions")
    add("--model", required=True, help="name of the model of the table, for the record")
    add("--language", required=True, help="name of the language, for the record")
    add("--variant", required=True, help="name of the variant, for the record")
    add("--task", required=True, help="name of the task, for the record")
    add("--kind", choices=("classification", "tagging"), required=True, help="kind of task")
    add("--labels", nargs="+", required=True, help="labels, for iob2 the entity types")
    add("--scheme", choices=("iob2", "plain"), default="plain", help="how tags look")
    add("--metric", required=True, help="metric that becomes the score")
    add("--seed", type=int, default=1, help="name of the record; nothing is drawn at random")
    options = parser.parse_args()

    with command.loading():
        from monoglot.evaluate.baseline import baseline
        from monoglot.evaluate.outcome import written
        from monoglot.evaluate.task import Names, Task

    task = Task(options.task, options.kind, tuple(options.labels), options.metric, options.scheme)
    names = Names(options.model, options.language, options.variant)
    outputs = written(options.out, options.seed)
    to = options.out / provenance.NAME
    with provenance.recorded(__file__, options, [options.examples], outputs, to):
        baseline(options.examples, task, options.method, options.seed, names, options.out)


if __name__ == "__main__":
    command.run(main)
