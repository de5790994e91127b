"""Make a table of how many examples each task has in each language."""

from pathlib import Path

from monoglot import command


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument(
        "--spec",
        required=True,
        help="what `monoglot.report.examples` says: YAML or JSON text, or a file of it",
    )
    for kind in ("csv", "md", "tex"):
        parser.add_argument(f"--out-{kind}", required=True, type=Path, metavar="FILE")
    args = parser.parse_args()

    with command.loading():
        from monoglot.report.block import parse_block
        from monoglot.report.examples import KEYS, render
        from monoglot.report.published import compared
        from monoglot.report.writing import write_table

    block = parse_block(args.spec)
    write_table(compared(render(block), block.get("published"), KEYS), args)


if __name__ == "__main__":
    command.run(main)
