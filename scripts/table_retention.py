"""Make a table of what students retain of their teacher's scores, from records."""

from monoglot import command
from monoglot.report.arguments import recorded, table_parser


def main() -> None:
    spec_help = "the table's block without its kind and with the languages' names ({mt: Maltese})"
    args = table_parser(__doc__, spec_help, from_records=True).parse_args()

    with command.loading():
        from monoglot.report.block import parse_block
        from monoglot.report.cells import read_scores
        from monoglot.report.published import compared
        from monoglot.report.retention import KEYS, read_retention, render
        from monoglot.report.writing import write_table

    block = parse_block(args.spec)
    spec = read_retention(block)
    with recorded(__file__, args, block):
        table = render(read_scores(args.records), spec)
        write_table(compared(table, spec.published, KEYS), args)


if __name__ == "__main__":
    command.run(main)
