"""Make one table: as CSV, as Markdown, and as LaTeX."""

from pathlib import Path

from monoglot import script


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--kind", default="scores", help="kind of table: a module of monoglot.tables")
    add(
        "--spec",
        required=True,
        help="the table's block of the configuration with all that it leaves open (see the kind's "
        "module): YAML or JSON text, or a file of it",
    )
    add("--records", nargs="*", default=[], metavar="PATH", help="folders of scores, or records")
    add(
        "--published",
        metavar="CSV",
        help="published numbers to compare with, instead of the spec's",
    )
    for form in ("csv", "md", "tex"):
        add(f"--out-{form}", required=True, type=Path, metavar="FILE")
    args = parser.parse_args()

    with script.loading():
        from monoglot import provenance
        from monoglot.tables import kind_of
        from monoglot.tables.base import compared, parse_block
        from monoglot.tables.formats import write_table
        from monoglot.tables.scores import read_scores

    kind = kind_of(args.kind)
    spec = kind.spec.checked(parse_block(args.spec), "the table")
    published = args.published or spec.published
    read = [*map(Path, args.records), *spec.files()]
    outputs = [args.out_csv, args.out_md, args.out_tex]
    with provenance.recorded(__file__, args, read, outputs, provenance.beside(args.out_csv)):
        table = kind.render(read_scores(args.records), spec)
        write_table(compared(table, published, kind.keys), *outputs)


if __name__ == "__main__":
    script.run(main)
