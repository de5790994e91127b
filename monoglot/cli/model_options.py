"""Arguments and options of commands that take one model and text of one language."""

from pathlib import Path

import click

model_argument = click.argument("model")
out_argument = click.argument("out", type=click.Path(path_type=Path))
files = click.option(
    "--text",
    multiple=True,
    required=True,
    metavar="FILE",
    help="Text: .txt (a document a line), .jsonl or .parquet, also with .gz, or - for standard "
    "input; may be given several times.",
)
revision = click.option(
    "--revision", metavar="COMMIT", help="MODEL is on the Hub: 40 hexadecimal digits."
)
field = click.option(
    "--field",
    default="text",
    show_default=True,
    metavar="NAME",
    help="Field or column of the text in .jsonl and .parquet.",
)
limit = click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="Take the first N documents alone."
)
