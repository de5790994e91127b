"""Make one table from records: as CSV, as Markdown, and as LaTeX."""

from pathlib import Path

from monoglot import command


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument(
        "--records", nargs="+", required=True, metavar="PATH", help="folder of scores, or records"
    )
    parser.add_argument(
        "--spec",
        required=True,
        help="the table's block of the configuration: YAML or JSON text, or a file of it",
    )
    parser.add_argument(
        "--published",
        metavar="CSV",
        help="published numbers to compare with, instead of the spec's",
    )
    for kind in ("csv", "md", "tex"):
        parser.add_argument(f"--out-{kind}", required=True, type=Path, metavar="FILE")
    args = parser.parse_args()

    with command.loading():
        from monoglot.files import whole_file
        from monoglot.report.latex import to_latex
        from monoglot.report.layout import to_csv, to_markdown
        from monoglot.report.published import read_published
        from monoglot.report.spec import parse_spec
        from monoglot.report.table import read_scores, render

    spec = parse_spec(args.spec)
    published = args.published or spec.published
    table = render(
        read_scores(args.records), spec, read_published(published) if published else None
    )
    outputs = {
        args.out_csv: to_csv(table),
        args.out_md: to_markdown(table),
        args.out_tex: to_latex(table),
    }
    for path, text in outputs.items():
        with whole_file(path) as aside:
            aside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    command.run(main)
