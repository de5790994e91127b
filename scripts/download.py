"""Download everything a configuration needs, check it, and list it with sizes and hashes."""

from pathlib import Path

from monoglot import script


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument("--config", default="config.yaml", help="configuration file")
    parser.add_argument(
        "--manifest", type=Path, help="the list to write; manifest.json in the results by default"
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--dry-run", action="store_true", help="say what would be fetched")
    instead.add_argument(
        "--check", action="store_true", help="compare what is there with the list; no network"
    )
    arguments = parser.parse_args()

    with script.loading():
        from monoglot.config import read
        from monoglot.data import download
        from monoglot.data.download import all_needs
        from monoglot.graph import Graph

    graph = Graph(read(arguments.config, "--config"))
    manifest = arguments.manifest or Path(graph.config["results"], "manifest.json")
    if arguments.check:
        download.check_listing(all_needs(graph), manifest)
    elif arguments.dry_run:
        download.show(all_needs(graph))
    else:
        download.download(all_needs(graph), manifest)


if __name__ == "__main__":
    script.run(main)
