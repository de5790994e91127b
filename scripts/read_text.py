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
    parser.add_argument(
        "--exclude",
        nargs="+",
        type=Path,
        default=[],
        metavar="EXAMPLES",
        help="leave out documents that hold a dev or test sentence of these parquet files",
    )
    parser.add_argument("--out", type=Path, required=True, help="parquet file with a text column")
    arguments = parser.parse_args()

    with script.loading():
        from monoglot.data.overlap import Sentences
        from monoglot.data.parquet import prepare_text, read_sentences
        from monoglot.data.sources import local_files, parse_source

    source = parse_source(arguments.source)
    read = [*local_files(source, arguments.root), *arguments.exclude]
    with provenance.of_file(__file__, arguments, read):
        tested = {str(file): read_sentences(file) for file in arguments.exclude}
        unwanted = Sentences({name: one["dev"] + one["test"] for name, one in tested.items()})
        wanted = (lambda document: not unwanted.held_by(document)) if tested else None
        prepare_text(source, arguments.out, arguments.root, arguments.limit, wanted)


if __name__ == "__main__":
    script.run(main)
