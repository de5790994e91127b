"""Count the evaluation sentences that a language's text and training examples hold."""

import json
import logging
from pathlib import Path

from monoglot import provenance, script


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--text", type=Path, required=True, help="parquet file of the text models are trained on")
    add("--validation", type=Path, required=True, help="parquet file of the validation sentences")
    add(
        "--tasks",
        type=json.loads,
        required=True,
        help='the tasks, as JSON: {"tc": {"file": "tc.parquet", "kind": "classification", ...}}',
    )
    add("--out", type=Path, required=True, help="the counts, as JSON")
    options = parser.parse_args()

    with script.loading():
        from monoglot.data.overlap import overlaps, sentences_of, write_overlaps
        from monoglot.data.parquet import read_texts
        from monoglot.files import whole_file

    files = [Path(about["file"]) for about in options.tasks.values()]
    with provenance.of_file(__file__, options, [options.text, options.validation, *files]):
        rows = overlaps(
            sentences_of(options.tasks), read_texts(options.text), [*read_texts(options.validation)]
        )
        with whole_file(options.out) as aside:
            write_overlaps(aside, rows)
    for row in rows:
        if row.found:
            logging.warning("%s", row)


if __name__ == "__main__":
    script.run(main)
