"""Make a table of what variants take and score where they are used, and of their energy."""

from pathlib import Path

from monoglot import command, extras
from monoglot.report.arguments import recorded, table_parser


def main() -> None:
    parser = table_parser(__doc__, "what `monoglot.report.deployment_spec` says")
    parser.add_argument("--results", type=Path, required=True, help="folder of all results")
    parser.add_argument("--country", help="whose electricity it was, alpha-3; the world's if none")
    args = parser.parse_args()
    extras.need("energy")

    with command.loading():
        from monoglot.report.block import parse_block
        from monoglot.report.deployment import render
        from monoglot.report.energy import Total, making, scoring
        from monoglot.report.writing import write_table

    def energies(checkpoint: str, run: str) -> tuple[Total, Total]:
        made = making(args.results, checkpoint, args.country)
        return made, scoring(args.results, run, args.country)

    block = parse_block(args.spec)
    with recorded(__file__, args, block):
        write_table(render(block, energies), args)


if __name__ == "__main__":
    command.run(main)
