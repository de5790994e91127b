"""The command line that the scripts of all kinds of tables share."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from monoglot import command, provenance
from monoglot.report.block import files_in


def table_parser(doc: str, spec: str, from_records: bool = False) -> ArgumentParser:
    """Return a parser for a table's spec and its three output files.

    Args:
        doc: the script's docstring.
        spec: what `--spec` holds, for the help text.
        from_records: whether the table is made from `--records`.
    """
    parser = command.parser(doc)
    add = parser.add_argument
    if from_records:
        add("--records", nargs="+", required=True, metavar="PATH", help="folders, or records")
    add("--spec", required=True, help=f"{spec}: YAML or JSON text, or a file of it")
    for kind in ("csv", "md", "tex"):
        add(f"--out-{kind}", required=True, type=Path, metavar="FILE")
    return parser


def recorded(script: str, args: Namespace, *blocks: Mapping) -> AbstractContextManager[None]:
    """Make a table or figure within this, see `provenance.recorded`.

    It is made from `args.records` and from the files that its blocks name.
    """
    read = [*map(Path, getattr(args, "records", [])), *files_in(blocks)]
    outputs = [value for key, value in vars(args).items() if key.startswith("out_")]
    return provenance.recorded(script, args, read, outputs, provenance.beside(args.out_csv))
