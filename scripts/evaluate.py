"""Train adapters for one task on a checkpoint, one per seed, and record what they score."""

from pathlib import Path

from monoglot import errors, provenance, script
from monoglot.evaluate import add_name_flags, add_task_flags, task_from_flags
from monoglot.evaluate.task import Names, TuningSettings
from monoglot.keys import add_flags, from_flags


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help="folder of the model")
    add("--examples", type=Path, required=True, help="parquet file with the task's splits")
    add("--out", type=Path, required=True, help="folder of the records and predictions")
    add("--keep", type=Path, help="folder for each seed's adapter and head, to load them later")
    add_name_flags(parser)
    add("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one run for each")
    add_task_flags(parser, trained=True)
    add_flags(parser, TuningSettings)
    options = parser.parse_args()
    task = task_from_flags(options, options.task)
    settings = from_flags(TuningSettings, options)
    names = Names(options.model, options.language, options.variant)

    errors.need("adapters")
    with script.loading(models=True):
        from monoglot.evaluate.evaluation import evaluate
        from monoglot.evaluate.records import written
        from monoglot.paths import kept_files

    made_from = [options.checkpoint, options.examples]
    outputs = [file for seed in options.seeds for file in written(options.out, seed)]
    if options.keep:
        for seed in options.seeds:
            outputs += kept_files(options.keep, seed, options.tuning)
    to = options.out / provenance.NAME
    with provenance.recorded(__file__, options, made_from, outputs, to):
        made = (options.checkpoint, options.examples)
        evaluate(*made, task, settings, options.seeds, names, options.out, options.keep)


if __name__ == "__main__":
    script.run(main, to_lower="`batch_size` or `max_length` of the task")
