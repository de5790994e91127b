"""Make a table of what students retain of their teacher's scores, from records."""

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
        help="the table's block of the configuration, without its kind and with the languages' "
        "names ({mt: Maltese}): YAML or JSON text, or a file of it",
    )
    for kind in ("csv", "md", "tex"):
        parser.add_argument(f"--out-{kind}", required=True, type=Path, metavar="FILE")
    args = parser.parse_args()

    with command.loading():
        from monoglot.report.block import parse_block
        from monoglot.report.cells import read_scores
        from monoglot.report.published import compared
        from monoglot.report.retention import KEYS, read_retention, render
        from monoglot.report.writing import write_table

    spec = read_retention(parse_block(args.spec))
    table = render(read_scores(args.records), spec)
    write_table(compared(table, spec.published, KEYS), args)


if __name__ == "__main__":
    command.run(main)
