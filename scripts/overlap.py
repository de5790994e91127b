"""Count the evaluation sentences that a language's text and training examples hold."""

import logging
from pathlib import Path

from monoglot import provenance, script


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--text", type=Path, required=True, help="parquet file of the text models are trained on")
    add("--validation", type=Path, required=True, help="parquet file of the validation sentences")
    add("--tasks", nargs="+", required=True, help="names of the tasks")
    add("--examples", nargs="+", type=Path, required=True, help="parquet file of each task")
    add("--out", type=Path, required=True, help="the counts, as JSON")
    options = parser.parse_args()

    with script.loading():
        from monoglot.data.overlap import overlaps, write_overlaps
        from monoglot.data.parquet import read_sentences, read_texts
        from monoglot.files import whole_file

    if len(options.tasks) != len(options.examples):
        parser.error("--tasks and --examples: give as many of the one as of the other")
    read = [options.text, options.validation, *options.examples]
    with provenance.of_file(__file__, options, read):
        tasks = dict(zip(options.tasks, map(read_sentences, options.examples), strict=True))
        rows = overlaps(tasks, read_texts(options.text), list(read_texts(options.validation)))
        with whole_file(options.out) as aside:
            write_overlaps(aside, rows)
    for row in rows:
        if row.found:
            logging.warning("%s", row)


if __name__ == "__main__":
    script.run(main)
