"""Make one table from records: as CSV, as Markdown, and as LaTeX."""

from monoglot import command
from monoglot.report.arguments import recorded, table_parser


def main() -> None:
    parser = table_parser(__doc__, "the table's block of the configuration", from_records=True)
    parser.add_argument(
        "--published",
        metavar="CSV",
        help="published numbers to compare with, instead of the spec's",
    )
    args = parser.parse_args()

    with command.loading():
        from monoglot.report.block import parse_block
        from monoglot.report.cells import read_scores
        from monoglot.report.published import compared
        from monoglot.report.scores import KEYS, render
        from monoglot.report.spec import read_spec
        from monoglot.report.writing import write_table

    block = parse_block(args.spec)
    spec = read_spec(block)
    with recorded(__file__, args, block):
        table = render(read_scores(args.records), spec)
        write_table(compared(table, args.published or spec.published, KEYS), args)


if __name__ == "__main__":
    command.run(main)
