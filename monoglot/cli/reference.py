"""The reference of all commands, as in docs/cli.md, made from their help.

python -m monoglot.cli.reference docs/cli.md      # write it anew, after a change
"""

import sys
from pathlib import Path

import click

from monoglot.cli.main import main
from monoglot.files import whole_file

MARK = "<!-- From here on: python -m monoglot.cli.reference docs/cli.md -->"
COLUMNS = 96


def reference() -> str:
    """Return the Markdown of all commands, by section of the help."""
    parts = []
    for heading, (_, lines) in main.sections.items():
        parts.append(f"## {heading}")
        for name, line in lines.items():
            parts.append(f"### monoglot {name}\n\n{line}\n\n```text\n{_help(name)}\n```")
    return "\n\n".join(parts) + "\n"


def with_reference(page: str) -> str:
    """Return a page with the reference in place of all that follows its mark."""
    return f"{page.partition(MARK)[0]}{MARK}\n\n{reference()}"


def _help(name: str) -> str:
    context = click.Context(main, info_name="monoglot", **_settings())
    command = main.get_command(context, name)
    below = click.Context(command, info_name=name, parent=context, **_settings())
    return "\n".join(line.rstrip() for line in command.get_help(below).splitlines())


def _settings() -> dict:
    return {"terminal_width": COLUMNS, "help_option_names": ["-h", "--help"]}


if __name__ == "__main__":
    path = Path(sys.argv[1])
    with whole_file(path) as aside:
        aside.write_text(with_reference(path.read_text(encoding="utf-8")), encoding="utf-8")
