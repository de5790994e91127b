"""The reference of all commands at the end of docs/cli.md, made from their help.

python docs/site/commands.py docs/cli.md      # write it anew, after a change
"""

import sys
from pathlib import Path

import click

from monoglot.cli.main import main

MARK = "<!-- From here on: python docs/site/commands.py docs/cli.md -->"
HOW = {"terminal_width": 96, "help_option_names": ["-h", "--help"]}


def with_reference(page: str) -> str:
    """Return a page with the reference in place of all that follows its mark."""
    parts = [f"{page.partition(MARK)[0]}{MARK}"]
    for heading, (_, lines) in main.sections.items():
        parts.append(f"## {heading}")
        for name, line in lines.items():
            parts.append(f"### monoglot {name}\n\n{line}\n\n```text\n{_help(name)}\n```")
    return "\n\n".join(parts) + "\n"


def _help(name: str) -> str:
    context = click.Context(main, info_name="monoglot", **HOW)
    command = main.get_command(context, name)
    below = click.Context(command, info_name=name, parent=context, **HOW)
    return "\n".join(line.rstrip() for line in command.get_help(below).splitlines())


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_reference(path.read_text(encoding="utf-8")), encoding="utf-8")
