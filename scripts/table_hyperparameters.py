"""Make a table of how the adapters of each task are trained."""

from monoglot import command
from monoglot.report.arguments import recorded, table_parser


def main() -> None:
    args = table_parser(__doc__, "what `monoglot.report.hyperparameters` says").parse_args()

    with command.loading():
        from monoglot.report.block import parse_block
        from monoglot.report.hyperparameters import KEYS, render
        from monoglot.report.published import compared
        from monoglot.report.writing import write_table

    block = parse_block(args.spec)
    with recorded(__file__, args, block):
        write_table(compared(render(block), block.get("published"), KEYS), args)


if __name__ == "__main__":
    command.run(main)
