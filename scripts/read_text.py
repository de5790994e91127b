"""Read running text from a source of the configuration into one parquet file."""

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
    parser.add_argument("--out", type=Path, required=True, help="parquet file with a text column")
    arguments = parser.parse_args()

    with script.loading():
        from monoglot.data.parquet import prepare_text
        from monoglot.data.sources import local_files, parse_source

    source = parse_source(arguments.source)
    with provenance.of_file(__file__, arguments, local_files(source, arguments.root)):
        prepare_text(source, arguments.out, arguments.root, arguments.limit)


if __name__ == "__main__":
    script.run(main)
