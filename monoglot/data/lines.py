"""Lines of a text file, plain or gzip, as strict UTF-8 and in constant memory."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from monoglot.errors import UserError

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line without its LF or CRLF).

    Raises `UserError` if the file is missing, its gzip is broken or a line is not UTF-8.
    """
    for number, line in enumerate(raw_lines(path), start=1):
        yield number, line.removesuffix("\n").removesuffix("\r")


def raw_lines(path: Path) -> Iterator[str]:
    """Yield the lines with their ends. Only LF ends a line, unlike in `str.splitlines`."""
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                text = line.decode("utf-8")
                yield text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}, line {number}, byte {error.start + 1}: is not UTF-8; save the file as UTF-8"
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise UserError(
            f"{path}: the gzip file is broken after line {number}; fetch it again"
        ) from None
    except FileNotFoundError:
        raise UserError(
            f"{path}: there is no such file; the source's `files` must name files below `root`"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); it must be a file") from None


def _open(path: Path):
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP_MAGIC
    return gzip.open(path, "rb") if packed else open(path, "rb")
