"""Write the data of the three invented languages, in the formats of the published sets."""

from pathlib import Path

from monoglot import provenance, script
from monoglot.data.invented import Sizes, generate

SPLITS = ("TRAIN", "DEV", "TEST")


def main() -> None:
    parser = script.parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--seed", type=int, default=0, help="another number, other languages")
    defaults = Sizes()
    parser.add_argument(
        "--documents", type=int, default=defaults.documents, help="documents per language"
    )
    parser.add_argument("--flores", type=int, default=defaults.flores, help="sentences per split")
    for task in ("tc", "sa", "ner", "pos"):
        parser.add_argument(
            f"--{task}",
            type=int,
            nargs=len(SPLITS),
            default=getattr(defaults, task),
            metavar=SPLITS,
            help="examples per split",
        )
    arguments = parser.parse_args()
    sizes = Sizes(
        documents=arguments.documents,
        flores=arguments.flores,
        **{task: tuple(getattr(arguments, task)) for task in ("tc", "sa", "ner", "pos")},
    )
    with provenance.of_folder(__file__, arguments, []):
        generate(arguments.out, arguments.seed, sizes)


if __name__ == "__main__":
    script.run(main)
