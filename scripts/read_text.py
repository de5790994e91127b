"""Read running text from a source of the configuration into one parquet file."""

import json
from pathlib import Path

from monoglot import provenance, script


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument(
        "--source",
        required=True,
        help="source block as in the configuration: {format: lines, files: [mt.txt.gz]}",
    )
    parser.add_argument("--root", type=Path, default=Path(), help="folder that `files` start from")
    parser.add_argument("--limit", type=int, help="largest number of documents")
    parser.add_argument(
        "--exclude",
        type=json.loads,
        default={},
        help="leave out documents that hold a dev or test sentence of these tasks, as JSON: "
        '{"tc": {"file": "tc.parquet", "kind": "classification", ...}}',
    )
    parser.add_argument("--out", type=Path, required=True, help="parquet file with a text column")
    arguments = parser.parse_args()

    with script.loading():
        from monoglot.data.overlap import Sentences, sentences_of
        from monoglot.data.parquet import prepare_text
        from monoglot.data.sources import local_files, parse_source

    source = parse_source(arguments.source)
    files = [Path(about["file"]) for about in arguments.exclude.values()]
    with provenance.of_file(__file__, arguments, [*local_files(source, arguments.root), *files]):
        tested = sentences_of(arguments.exclude)
        unwanted = Sentences(
            {name: splits["dev"] + splits["test"] for name, splits in tested.items()}
        )
        prepare_text(
            source,
            arguments.out,
            arguments.root,
            arguments.limit,
            lambda document: not unwanted.held_by(document),
        )


if __name__ == "__main__":
    script.run(main)
