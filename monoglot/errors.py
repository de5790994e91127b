"""The one exception that a user is meant to read."""


class UserError(Exception):
    """Something the user can mend.

    The message is one sentence: what is wrong, where (file, line, key), what would be right.
    Commands print it without a traceback and exit with status 1.
    """
