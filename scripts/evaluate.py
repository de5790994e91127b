"""Train adapters for one task on a checkpoint, one per seed, and record what they score."""

from pathlib import Path

from monoglot import command, provenance


def main() -> None:
    parser = command.parser(__doc__)
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help="folder of the model")
    add("--examples", type=Path, required=True, help="parquet file with the task's splits")
    add("--out", type=Path, required=True, help="folder of the records and predictions")
    add("--keep", type=Path, help="folder for each seed's adapter and head, to load them later")
    add("--model", required=True, help="name of the model, for the record")
    add("--language", required=True, help="name of the language, for the record")
    add("--variant", required=True, help="name of the variant, for the record")
    add("--task", required=True, help="name of the task, for the record")
    add("--kind", choices=("classification", "tagging"), required=True, help="kind of task")
    add("--labels", nargs="+", required=True, help="labels, for iob2 the entity types")
    add("--scheme", choices=("iob2", "plain"), default="plain", help="how tags look")
    add("--metric", required=True, help="metric that becomes the score")
    add("--tuning", choices=("adapter", "full"), default="adapter", help="what to train")
    add("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one run for each")
    add("--reduction-factor", type=int, default=16, help="hidden size over adapter width")
    add("--learning-rate", type=float, default=1e-4, help="highest learning rate")
    add("--batch-size", type=int, default=16, help="examples per step")
    add("--epochs", type=int, default=20, help="passes over the training set")
    add("--max-length", type=int, default=256, help="tokens per example, the rest is cut off")
    add("--weight-decay", type=float, default=0.0, help="of weights, not of biases")
    add("--warmup", type=float, default=0.0, help="fraction of all steps")
    add(
        "--checkpoint-choice",
        choices=("last", "best"),
        default="last",
        help="test the last epoch or the one with the lowest validation loss",
    )
    add("--patience", type=int, help="epochs without a lower validation loss, then end")
    add(
        "--label-subtokens",
        choices=("all", "first"),
        default="all",
        help="which sub-tokens of a word carry its tag in training",
    )
    add(
        "--seeds-affect",
        choices=("initialisation", "everything"),
        default="initialisation",
        help="everything: data order and dropout as well",
    )
    options = parser.parse_args()

    with command.loading():
        from monoglot.evaluate.task import Names, Settings, Task

    task = Task(options.task, options.kind, tuple(options.labels), options.metric, options.scheme)
    settings = Settings(
        reduction_factor=options.reduction_factor,
        learning_rate=options.learning_rate,
        batch_size=options.batch_size,
        epochs=options.epochs,
        max_length=options.max_length,
        weight_decay=options.weight_decay,
        warmup=options.warmup,
        checkpoint=options.checkpoint_choice,
        label_subtokens=options.label_subtokens,
        seeds_affect=options.seeds_affect,
        tuning=options.tuning,
        patience=options.patience,
    )
    names = Names(options.model, options.language, options.variant)

    with command.loading():
        from monoglot.evaluate.evaluation import evaluate
        from monoglot.evaluate.kept_files import kept
        from monoglot.evaluate.outcome import written

    made_from = [options.checkpoint, options.examples]
    outputs = [file for seed in options.seeds for file in written(options.out, seed)]
    if options.keep:
        for seed in options.seeds:
            outputs += kept(options.keep, seed, options.tuning)
    to = options.out / provenance.NAME
    with provenance.recorded(__file__, options, made_from, outputs, to):
        made = (options.checkpoint, options.examples)
        evaluate(*made, task, settings, options.seeds, names, options.out, options.keep)


if __name__ == "__main__":
    command.run(main, to_lower="`batch_size` or `max_length` of the task")
