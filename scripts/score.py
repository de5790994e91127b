"""Score a checkpoint on a task that nothing is trained for, such as finding translations."""

from pathlib import Path

from monoglot import provenance, script
from monoglot.evaluate import add_name_flags, add_task_flags, task_from_flags
from monoglot.evaluate.task import Names


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, help="folder of the model")
    add("--examples", type=Path, required=True, help="parquet file with the task's test set")
    add("--out", type=Path, required=True, help="folder of the record and predictions")
    add("--other", type=Path, help="folder of the checkpoint that --targets-from names")
    add("--files", type=Path, help="folder with the files of the sentence encoder it was made from")
    add("--hub", help="instead, the id on the Hub of what it was made from; needs --revision")
    add("--revision", help="commit on the Hub, 40 hexadecimal digits")
    add_name_flags(parser)
    add("--seed", type=int, default=1, help="name of the record; nothing is drawn at random")
    add_task_flags(parser, trained=False)
    options = parser.parse_args()
    if (options.other is None) != (options.targets_from is None):
        parser.error("--other and --targets-from go together")
    if (options.hub is None) != (options.revision is None):
        parser.error("--hub and --revision go together")
    if options.files and options.hub:
        parser.error("--files and --hub: give one of them")
    task = task_from_flags(options, options.task)

    with script.loading(models=True):
        from monoglot.data.hub import SENTENCE_FILES, download
        from monoglot.evaluate.records import written
        from monoglot.evaluate.scoring import score
        from monoglot.sentence_encoders import files_of

    names = Names(options.model, options.language, options.variant)
    made_from = [options.checkpoint, options.examples, *([options.other] if options.other else [])]
    if options.files:
        made_from += [options.files / name for name in files_of(options.files, str(options.files))]
    outputs = written(options.out, options.seed)
    to = options.out / provenance.NAME
    with provenance.recorded(__file__, options, made_from, outputs, to):
        made = (options.checkpoint, options.examples, task, options.seed, names, options.out)
        files = options.files
        if options.hub:
            files = download(options.hub, options.revision, ("config.json", *SENTENCE_FILES))
        score(*made, options.other, files)


if __name__ == "__main__":
    script.run(main, to_lower="`max_length` of the task")
