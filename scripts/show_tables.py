"""Print finished tables, aligned to the width of the terminal."""

import shutil

from monoglot import script


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument(
        "tables", nargs="+", metavar="CSV", help="table, as scripts/table.py wrote it"
    )
    args = parser.parse_args()

    with script.loading():
        from monoglot.tables.formats import show_scores

    # Without a terminal (a log, a pipe), lines may be long enough for twelve cells in a row.
    width = shutil.get_terminal_size(fallback=(132, 24)).columns
    print("\n\n\n".join(show_scores(table, width) for table in args.tables))


if __name__ == "__main__":
    script.run(main)
