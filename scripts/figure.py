"""Draw one figure from histories or records: as PDF, as PNG, and the numbers drawn as CSV."""

from dataclasses import asdict
from pathlib import Path

from monoglot import command


def main() -> None:
    parser = command.parser(__doc__)
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

    with command.loading():
        from monoglot.figures.block import read_block, read_sources
        from monoglot.figures.kinds import drawing, numbers
        from monoglot.files import whole_file
        from monoglot.report.arguments import recorded
        from monoglot.report.cells import read_scores

    spec, sources = read_block(args.spec), read_sources(args.sources)
    with recorded(__file__, args, spec, asdict(sources)):
        text = numbers(spec, sources, read_scores(args.records))
        canvas = drawing(text, spec, sources)
        outputs = {
            args.out_pdf: canvas.bytes("pdf"),
            args.out_png: canvas.bytes("png"),
            args.out_csv: text.encode("utf-8"),
        }
        for path, content in outputs.items():
            with whole_file(path) as aside:
                aside.write_bytes(content)


if __name__ == "__main__":
    command.run(main)
