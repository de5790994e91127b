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
        from monoglot.report.block import parse_block
        from monoglot.report.cells import read_scores
        from monoglot.report.published import compared
        from monoglot.report.scores import KEYS, render
        from monoglot.report.spec import read_spec
        from monoglot.report.writing import write_table

    spec = read_spec(parse_block(args.spec))
    table = render(read_scores(args.records), spec)
    write_table(compared(table, args.published or spec.published, KEYS), args)


if __name__ == "__main__":
    command.run(main)
