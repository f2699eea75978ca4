"""From JSON to a frozen dataclass: exactly its fields, each of the type that its annotation names."""

import reprlib
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from centrabert.errors import UserError
from centrabert.modeling.formats.json_file import Keys

T = TypeVar("T")
MAX_INT = 2**63 - 1  # what NumPy and TensorFlow can count
# What a dataclass calls the set of those fields whose keys a file leaves out where they have their default:
# fields that are younger than some files.
LEFT_OUT = "LEFT_OUT"
SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 60
NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", NoneType: "null"}


def read_dataclass(cls: type[T], value: object, source: str, path: str = "") -> T:
    """Builds `cls` from a JSON object.

    Fields may be annotated by int, float, str, bool, None, Any, other dataclasses, tuples, dicts with text as
    keys, and unions of these. A whole number is a float, too, and stays as it is written.

    Args:
      source: The file, or file and line, with which every error begins.
      path: Of the object in the file, "branch.task" for instance; "" for the whole.

    Raises:
      UserError: A key is missing, unless it is one of LEFT_OUT, or unknown, or a value is of another type
        or not what `cls` allows.
    """
    hints = _hints(cls)
    left_out = _left_out(cls) - value.keys() if isinstance(value, dict) else set()
    keys = exact_keys(value, hints.keys() - left_out, source, path)
    values = {
        name: _read(hint, keys[name], source, f"{path}.{name}" if path else name)
        for name, hint in hints.items()
        if name not in left_out
    }
    try:
        return cls(**values)
    except UserError as error:
        raise UserError(f"{source}: {f'{path}: ' if path else ''}{error}") from None


def exact_keys(value: object, known: AbstractSet[str], source: str, path: str = "") -> Keys:
    """`value`, if it is a JSON object with exactly the keys `known`; raises UserError otherwise."""
    if not isinstance(value, dict):
        raise _refusal(value, "an object", source, path)
    missing, unknown = sorted(known - value.keys()), sorted(value.keys() - known)
    of = f" of {path!r}" if path else ""
    wrong = [
        f"{what} keys{of}: {_list(names)}"
        for what, names in (("missing", missing), ("unknown", unknown))
        if names
    ]
    if wrong:
        raise UserError(f"{source}: {'; '.join(wrong)}")
    return value


def keys_of(value: Any) -> Keys:
    """Inverse of `read_dataclass`: of fields that may be LEFT_OUT only those that have not their default."""
    usual = {each.name: _default(each) for each in fields(value) if each.name in _left_out(type(value))}
    return {name: key for name, key in asdict(value).items() if name not in usual or key != usual[name]}


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _left_out(cls: type[Any]) -> frozenset[str]:
    return getattr(cls, LEFT_OUT, frozenset())


def _hints(cls: type[Any]) -> Mapping[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def _read(hint: Any, value: Any, source: str, path: str) -> Any:
    """`value` as the annotation `hint` wants it; raises UserError naming file and key."""
    if hint is Any:
        return value
    if is_dataclass(hint) and isinstance(hint, type):
        return read_dataclass(hint, value, source, path)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        fitting = [each for each in inner if _is(_outer(each), value)]
        if not fitting:
            raise _refusal(value, " or ".join(_name(each) for each in inner), source, path)
        return _read(fitting[0], value, source, path)
    if not _is(_outer(hint), value):
        raise _refusal(value, _name(hint), source, path)
    if origin is tuple:
        return _read_list(inner, value, source, path)
    if origin in (dict, Mapping):
        return {name: _read(inner[1], each, source, f"{path}.{name}") for name, each in value.items()}
    return value


def _read_list(inner: tuple[Any, ...], value: list[Any], source: str, path: str) -> tuple[Any, ...]:
    hints = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
    if len(hints) != len(value):
        raise _refusal(value, f"a list of {len(hints)} values", source, path)
    return tuple(
        _read(hint, each, source, f"{path}[{index}]")
        for index, (hint, each) in enumerate(zip(hints, value, strict=True))
    )


def _outer(hint: Any) -> Any:
    origin = get_origin(hint)
    if is_dataclass(hint) or origin in (dict, Mapping):
        return dict
    return list if origin is tuple else hint


def _is(outer: Any, value: Any) -> bool:
    if outer is Any:
        return True
    if outer is bool or isinstance(value, bool):
        return outer is bool and isinstance(value, bool)
    if outer is int:
        return isinstance(value, int) and abs(value) <= MAX_INT
    if outer is float:
        return isinstance(value, int | float) and abs(value) <= sys.float_info.max
    return isinstance(value, outer)


def _name(hint: Any) -> str:
    outer = _outer(hint)
    return NAMES.get(outer) or ("a list" if outer is list else "an object")


def _refusal(value: Any, wanted: str, source: str, path: str) -> UserError:
    what = f"key {path!r} is" if path else "holds"
    return UserError(f"{source}: {what} {SHORT.repr(value)}, wanted {wanted}")


def _list(names: list[str]) -> str:
    return ", ".join(SHORT.repr(name) for name in names[:5]) + (", ..." if len(names) > 5 else "")
