"""Make the report of a run: one HTML file with its tables, plots, costs and provenance."""

from pathlib import Path

from monoglot import command


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument(
        "--config", required=True, help="the experiment: YAML or JSON text, or a file of it"
    )
    parser.add_argument(
        "--results", type=Path, help="its results folder; the configuration's by default"
    )
    parser.add_argument("--out", type=Path, help="the report; report.html in the results by default")
    args = parser.parse_args()

    with command.loading():
        from monoglot.extends import read
        from monoglot.files import whole_file
        from monoglot.pages.files import NAME
        from monoglot.pages.page import render
        from monoglot.report.block import parse_block

    is_file = Path(args.config).suffix in (".yaml", ".yml")
    config = read(args.config, "--config") if is_file else parse_block(args.config)
    results = args.results or Path(config.get("results", "results"))
    with whole_file(args.out or results / NAME) as aside:
        aside.write_text(render(config, results), encoding="utf-8")


if __name__ == "__main__":
    command.run(main)
