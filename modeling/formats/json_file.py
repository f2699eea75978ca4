"""JSON objects in files, whoever wrote them: what is no clean JSON is a mistake, told in one line."""

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.formats.git_lfs import check_file

Keys = dict[str, Any]
SURROGATE = re.compile("[\ud800-\udfff]")
# A tokenizer.json of 500,000 pieces has 35 MB; nothing of ours has a tenth of that, nor is it nested deeper.
MAX_BYTES, MAX_DEPTH = 256 * 2**20, 64


def read_json(path: Path) -> Keys:
    """Reads a JSON object; raises UserError naming file and line for anything else."""
    return parse_json(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a file; raises UserError naming a file that is absent, no file, too large or not UTF-8."""
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if not path.is_file():
        raise UserError(f"{path}: is not a file")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise UserError(f"{path}: has {size:,} bytes, more than the {MAX_BYTES:,} that are read")
    check_file(path)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: not UTF-8 at byte {error.start}") from None


def parse_json(text: str, source: str, line: int | None = None) -> Keys:
    """The JSON object in `text`; raises UserError as `parse_value`, and for anything that is no object."""
    value = parse_value(text, source, line)
    if not isinstance(value, dict):
        kind = "null" if value is None else type(value).__name__
        raise UserError(f"{_place(source, line)}: holds a JSON {kind}, not an object")
    return value


def parse_value(text: str, source: str, line: int | None = None) -> Any:
    """What JSON there is in `text`.

    Args:
      source: The file that it comes from.
      line: Which line of the file it is; None for the whole file.

    Raises:
      UserError: It names `source` and says what is wrong: no JSON, a key given twice, a number that is not
        finite, a text that is no Unicode, or a nesting deeper than MAX_DEPTH.
    """
    where = _place(source, line)
    try:
        value = json.loads(text, object_pairs_hook=_object)
        _check_values(value)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{source}:{line or error.lineno}: not JSON: {error.msg}") from None
    except RecursionError:
        raise UserError(f"{where}: is nested more than {MAX_DEPTH} levels deep") from None
    except ValueError:  # all others are caught above
        digits = sys.get_int_max_str_digits()
        raise UserError(f"{where}: an integer has more than {digits:,} digits") from None
    return value


def _place(source: str, line: int | None) -> str:
    return source if line is None else f"{source}:{line}"


def dump(value: Any) -> str:
    """JSON as all files of this project are written."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _object(pairs: list[tuple[str, Any]]) -> Keys:
    keys = dict(pairs)
    if len(keys) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"key {twice!r} is given twice")
    return keys


def _check_values(value: Any) -> None:
    """Level by level, each value with the nearest key above it."""
    level: list[tuple[str, Any]] = [("", value)]
    for _ in range(MAX_DEPTH):
        for key, each in level:
            _check_value(key, each)
        level = [child for key, each in level for child in _children(key, each)]
        if not level:
            return
    raise UserError(f"key {level[0][0]!r} is nested more than {MAX_DEPTH} levels deep")


def _check_value(key: str, value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"key {key!r} is {value}, which is no number in JSON")
    for text in (key, value):
        if (
            isinstance(text, str)
            and not text.isascii()
            and any("\ud800" <= sign <= "\udfff" for sign in text)
        ):
            raise UserError(f"key {key!r} holds half of a surrogate pair, which is no Unicode text")


def _children(key: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return [(key, each) for each in value] if isinstance(value, list) else []
