"""Draw one figure from histories or records: as PDF, as PNG, and the numbers drawn as CSV."""

from pathlib import Path

from monoglot import script


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument(
        "--spec",
        required=True,
        help="the figure's block of the configuration, with models, languages and tasks: YAML or "
        "JSON text, or a file of it",
    )
    parser.add_argument(
        "--sources",
        default="{}",
        help="mapping, in the same way: names (in print), histories (path by MODEL/LANGUAGE/"
        "VARIANT), texts (shares of languages by teacher), corpora (parquet file by language)",
    )
    parser.add_argument(
        "--records", nargs="*", default=[], metavar="PATH", help="folders of scores, or records"
    )
    for kind in ("pdf", "png", "csv"):
        parser.add_argument(f"--out-{kind}", required=True, type=Path, metavar="FILE")
    args = parser.parse_args()

    with script.loading():
        from monoglot import provenance
        from monoglot.figures.blocks import drawing, numbers, read_sources, read_spec
        from monoglot.files import whole_file
        from monoglot.tables.base import files_in
        from monoglot.tables.scores import read_scores

    spec, sources = read_spec(args.spec), read_sources(args.sources)
    read = [*map(Path, args.records), *files_in([spec.given(), sources.given()])]
    outputs = [args.out_pdf, args.out_png, args.out_csv]
    with provenance.recorded(__file__, args, read, outputs, provenance.beside(args.out_csv)):
        text = numbers(spec, sources, read_scores(args.records))
        canvas = drawing(text, spec, sources)
        contents = [canvas.bytes("pdf"), canvas.bytes("png"), text.encode("utf-8")]
        for path, content in zip(outputs, contents, strict=True):
            with whole_file(path) as aside:
                aside.write_bytes(content)


if __name__ == "__main__":
    script.run(main)
