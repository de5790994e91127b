"""Read the train, dev and test examples of a task into one parquet file."""

from pathlib import Path

from monoglot import provenance, script
from monoglot.evaluate import add_task_flags, task_from_flags


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument(
        "--source",
        required=True,
        help="source block as in the configuration: "
        "{format: conllu, files: {train: a.conllu, dev: b.conllu, test: c.conllu}}",
    )
    parser.add_argument("--root", type=Path, default=Path(), help="folder that `files` start from")
    add_task_flags(parser, scored=False)
    for split in ("train", "dev", "test"):
        spread = f"keep so many of {split}, evenly spread"
        parser.add_argument(f"--limit-{split}", type=int, help=spread)
    parser.add_argument("--out", type=Path, required=True, help="parquet file of the examples")
    arguments = parser.parse_args()
    task = task_from_flags(arguments, scored=False)

    with script.loading():
        from monoglot.data.parquet import prepare_task
        from monoglot.data.readers import SPLITS
        from monoglot.data.sources import local_files, parse_source

    source = parse_source(arguments.source)
    with provenance.of_file(__file__, arguments, local_files(source, arguments.root)):
        caps = {split: getattr(arguments, f"limit_{split}") for split in SPLITS}
        prepare_task(source, task, arguments.out, arguments.root, caps)


if __name__ == "__main__":
    script.run(main)
