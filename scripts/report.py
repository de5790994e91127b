"""Make the report of a run: one HTML file with its tables, plots, costs and provenance."""

from pathlib import Path

from monoglot import script


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument(
        "--config", required=True, help="the experiment: YAML or JSON text, or a file of it"
    )
    parser.add_argument(
        "--results", type=Path, help="its results folder; the configuration's by default"
    )
    parser.add_argument(
        "--out", type=Path, help="the report; report.html in the results by default"
    )
    args = parser.parse_args()

    with script.loading():
        from monoglot import provenance
        from monoglot.config import read
        from monoglot.files import whole_file
        from monoglot.report.finished_run import NAME, in_use, made_from, reported
        from monoglot.report.page import render
        from monoglot.tables.base import parse_block

    is_file = Path(args.config).suffix in (".yaml", ".yml")
    graph = reported(read(args.config, "--config") if is_file else parse_block(args.config))
    args.results = args.results or Path(graph.config["results"])
    args.out = args.out or args.results / NAME
    paths = [*made_from(graph), *in_use(graph)]
    with provenance.of_file(__file__, args, [args.results / path for path in paths]):
        text = render(graph, args.results)
        with whole_file(args.out) as aside:
            # JSON may hold halves of characters, which no file can.
            aside.write_text(text, encoding="utf-8", errors="replace")


if __name__ == "__main__":
    script.run(main)
