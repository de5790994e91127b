"""Write the model card of a checkpoint: README.md with metadata that the Hub reads."""

from pathlib import Path

from monoglot import provenance, script


def main() -> None:
    parser = script.parser(__doc__)
    add = parser.add_argument
    add("--records", nargs="*", default=[], metavar="PATH", help="folders, or records")
    add("--spec", required=True, help="what the experiment says of the checkpoint, as JSON text")
    add("--out", type=Path, required=True, help="README.md in the checkpoint's folder")
    options = parser.parse_args()

    with script.loading():
        from monoglot.cards import parse_spec, render
        from monoglot.checkpoints import FILES
        from monoglot.files import whole_file
        from monoglot.tables.scores import read_scores

    spec = parse_spec(options.spec)
    read = [spec.folders[-1] / name for name in FILES]
    read += [folder / provenance.NAME for folder in spec.folders]
    read += [*spec.trim_reports, *map(Path, spec.overlaps.values())]
    with provenance.of_file(__file__, options, [*read, *map(Path, options.records)]):
        text = render(spec, read_scores(options.records))
        with whole_file(options.out) as aside:
            aside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    script.run(main)
