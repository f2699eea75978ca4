"""What a field of a data file says: a text, a label, a score, labels, words or tags.

Fields are texts, or what JSON has. Every function raises UserError, without file and line, for a field that
does not say it.
"""

import re
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.kinds.label_names import check_label_names

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
SEPARATOR = ","  # between the labels of a multi-label row
MAX_SCORE = 3e38  # about what a float32 can hold


def text(value: Any, what: str) -> str:
    """A text, which may be empty."""
    if not isinstance(value, str):
        raise UserError(f"{what} is {_shown(value)}, not a text")
    return value


def label(value: Any, what: str) -> str:
    """One label: a text, or in JSON a whole number or truth value, as JSON writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    name = str(value) if isinstance(value, int) else text(value, what)
    if not name.strip():
        raise UserError(f"{what} is empty; give every row a label")
    if name != name.strip():
        raise UserError(f"{what} {name!r} has white space around it; remove it")
    check_label_names([name])
    return name


def labels(value: Any, what: str) -> tuple[str, ...]:
    """Any number of labels: a list in JSON, else parted by commas; none of an empty text."""
    if isinstance(value, str):
        names = [name.strip() for name in value.split(SEPARATOR)] if value.strip() else []
    elif isinstance(value, list):
        names = value
    else:
        raise UserError(f"{what} is {_shown(value)}, not a list of labels")
    found = tuple(label(name, f"a label in {what}") for name in names)
    if twice := [name for name in found if found.count(name) > 1]:
        raise UserError(f"{what} has the label {twice[0]!r} twice")
    return found


def score(value: Any, what: str, between: tuple[float, float] | None = None) -> float:
    """A finite number, between two others if they are given."""
    # float() alone would also take "nan", "inf" and "1_0".
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
        raise UserError(f"{what} is {_shown(value)}, not a number")
    if isinstance(value, str) and not NUMBER.fullmatch(value):
        raise UserError(f"{what} {value!r} is not a number")
    number = value if isinstance(value, int) else float(value)  # float() has no room for some integers
    if abs(number) > MAX_SCORE:
        raise UserError(f"{what} is {_shown(value)}, beyond {MAX_SCORE:g}, what a float32 can hold")
    if between and not between[0] <= number <= between[1]:
        raise UserError(f"{what} {value} is not between {between[0]:g} and {between[1]:g}")
    return float(number)


def strings(value: Any, what: str) -> tuple[str, ...]:
    """Words or tags: a list in JSON, else parted by white space."""
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise UserError(f"{what} is {_shown(value)}, not a list of texts")


def in_order(names: set[str]) -> tuple[str, ...]:
    """Labels as a task has them: numbers by their value, everything else by its code points."""
    if all(NUMBER.fullmatch(name) for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))


def _shown(value: Any) -> str:
    if value is None:
        return "missing"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
