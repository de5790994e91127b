"""Take a checkpoint from the Hub, pinned to a revision, or from a local folder."""

from pathlib import Path

from monoglot import provenance, script
from monoglot.config_schema import Model
from monoglot.keys import add_flags


def main() -> None:
    parser = script.parser(__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--hub", help="id of a model on the Hub; needs --revision")
    source.add_argument("--folder", type=Path, help="local checkpoint folder")
    parser.add_argument("--revision", help="commit on the Hub, 40 hexadecimal digits")
    parser.add_argument(
        "--tokenizer", type=Path, help="tokenizer to take instead: a folder, .json, .gz or .txt"
    )
    add_flags(parser, Model, only=("family", "head"))
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    args = parser.parse_args()
    if (args.hub is None) != (args.revision is None):
        parser.error("--hub and --revision go together")

    with script.loading(models=True):
        from monoglot.operations.pretrained import pretrained

    source = args.folder if args.hub is None else args.hub
    with provenance.of_folder(
        __file__, args, [path for path in (args.folder, args.tokenizer) if path]
    ):
        pretrained(source, args.out, args.family, args.revision, args.tokenizer, args.head)


if __name__ == "__main__":
    script.run(main)
