"""Exit statuses, the same for every command."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command says to the shell."""

    DONE = 0
    FAULT = 1
    """The input, the machine or the run is at fault; one sentence on stderr says what."""
    USAGE = 2
    """An option or argument that the command does not know (click's own)."""
    DIFFERENT = 3
    """`explain`: something has changed since; `compare`: there are differences."""
    INTERRUPTED = 130
    """Ctrl-C. SIGTERM and SIGHUP end with 143 and 129: 128 and the number of the signal."""


STATUSES = (
    "Exit status: 0 done; 1 the input, the machine or the run is at fault; 2 wrong usage; "
    "3 something has changed or differs (explain, compare); 130 interrupted."
)
