"""The command `monoglot`; each of its commands is a module here, imported when it is used.

A module `monoglot/cli/NAME.py` holds a click command of its own name (`-` is `_` there) and a line
in COMMANDS. It imports nothing heavy outside its function. Options -h, -q and -v, errors and exit
statuses come from `group`.
"""

import click

from monoglot.cli.exits import STATUSES
from monoglot.cli.group import CONTEXT, LazyGroup, version_option

COMMANDS = {
    "Experiments": {
        "run": "Run an experiment, or go on with it, and show how far it is.",
        "plan": "Say what a run would do, download and take.",
        "status": "Say what is done, running, failed and missing, and how long it takes yet.",
        "new-language": "Write the configuration of one more language, after looking at its sets.",
    },
    "One model, one language": {
        "shrink": "Make a model small for one language: all the paper's steps.",
        "trim": "Keep the pieces of a vocabulary that a language uses.",
    },
    "Results": {
        "table": "Show a finished table in the terminal, or as Markdown, CSV, LaTeX or JSON.",
        "compare": "Compare two results folders, or one with the paper, cell by cell.",
        "explain": "Say where one number of a table came from.",
        "push": "Upload a checkpoint and its model card to the Hugging Face Hub.",
    },
    "This installation": {
        "doctor": "Say whether this machine has what a run needs.",
        "completion": "Print what teaches bash, zsh or fish to complete.",
    },
}
"""By section of the help: the commands, and one line about each."""


@click.group(
    cls=LazyGroup,
    sections=COMMANDS,
    package=__name__,
    context_settings=CONTEXT,
    epilog=STATUSES,
)
@version_option
def main() -> None:
    """Turn a multilingual encoder into a small model for one language, and know what it cost.

    `monoglot COMMAND --help` has examples. What Snakemake does, it does on its own as well:
    `monoglot run` prints the command that it runs.
    """
