"""The one exception that a user is meant to read."""

LONGEST = 2000
"""Characters of a message; what it quotes from a file may be a line of any length."""


class UserError(Exception):
    """Something the user can mend.

    The message is one sentence: what is wrong, where (file, line, key), what would be right.
    Commands print it without a traceback and exit with status 1. Whatever it quotes, it is one
    line of printable characters.
    """

    def __init__(self, message: str) -> None:
        if len(message) > LONGEST:
            message = f"{message[: LONGEST // 2]} … {message[-LONGEST // 2 :]}"
        super().__init__("".join(one if one.isprintable() else " " for one in message))
