"""Lines of a text file, plain or gzip, as strict UTF-8 and in bounded memory."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from monoglot.errors import UserError

GZIP_MAGIC = b"\x1f\x8b"
ARCHIVES = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
"""First bytes of what is not unpacked here; none of them begins a text."""
LONGEST_LINE = 1 << 28
"""Bytes; no document is longer, but a small gzip file can unpack to a line that fills memory."""
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line without its LF or CRLF).

    Raises `UserError` if the file is missing, its gzip is broken, it is another archive, or a line
    is not UTF-8 or has more than 256 MiB.
    """
    for number, line in enumerate(raw_lines(path), start=1):
        yield number, line.removesuffix("\n").removesuffix("\r")


def raw_lines(path: Path) -> Iterator[str]:
    """Yield the lines with their ends. Only LF ends a line, unlike in `str.splitlines`."""
    number = 0
    try:
        with _open(path) as file:
            lines = iter(lambda: file.readline(LONGEST_LINE + 1), b"")
            for number, line in enumerate(lines, start=1):
                if len(line) > LONGEST_LINE:
                    raise UserError(
                        f"{path}, line {number}: has more than {LONGEST_LINE >> 20} MiB; "
                        "it must be text, one document or row a line"
                    )
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
        start = file.read(6)
    for magic, name in ARCHIVES.items():
        if start.startswith(magic):
            raise UserError(f"{path}: is a {name} archive; unpack it, only gzip is read as it is")
    return gzip.open(path, "rb") if start.startswith(GZIP_MAGIC) else open(path, "rb")
