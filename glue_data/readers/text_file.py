"""A data file as text: UTF-8, gzipped if its name ends in .gz."""

import gzip
import zlib
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.formats.git_lfs import check_not_pointer

GZIPPED = ".gz"
BYTE_ORDER_MARK = "\ufeff"  # at the start of the official MRPC files, and of what Excel saves


def read_text(path: Path) -> str:
    """The whole file, with its line breaks as they stand and without a byte order mark.

    Raises:
      UserError: It is not UTF-8, is a Git LFS pointer, or is no whole gzip file.
      OSError: It cannot be read.
    """
    data = path.read_bytes()
    check_not_pointer(path, data)
    if path.suffix == GZIPPED:
        data = _unpacked(path, data)
    try:
        return data.decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise UserError(f"{path}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from error


def read_lines(path: Path) -> list[str]:
    """The lines without their ends, of which the last may be missing; raises as `read_text`, and for none."""
    lines = read_text(path).split("\n")
    if not lines[-1]:
        lines.pop()  # what follows the last line break
    if not lines:
        raise UserError(f"{path}: the file is empty")
    return [line.removesuffix("\r") for line in lines]


def _unpacked(path: Path, data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path}: is no whole gzip file: {error}") from error
