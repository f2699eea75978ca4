"""A script's flags are the fields of one dataclass: declared once, parsed by absl, read back into it.

@dataclass(frozen=True, kw_only=True)
class Run:
    data_dir: Path = flag("The task's own folder.")               # no default: the flag is required
    seeds: tuple[int, ...] = flag("Seeds.", (0, 1))                # --seeds=0,1
    pooling: str = flag("How a text is read.", "cls", choices=("cls", "mean"))
    hyperparameters: Hyperparameters = flag_group(HELP)            # a dataclass: a flag for each field

FLAGS = define(Run)

def main() -> None:
    run(read(Run, FLAGS))
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields, is_dataclass
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from absl import flags

from centrabert.errors import UserError

HELP, OPTIONS, WITHOUT = "help", "options", "without"
NO_HELP: Mapping[str, str] = MappingProxyType({})
T = TypeVar("T")


def flag(help_text: str, default: Any = MISSING, **options: Any) -> Any:
    """A field that is a flag of the same name; its type is bool, int, float, str, Path or a tuple of these.

    Args:
      help_text: One or more sentences.
      default: Left out, the flag is required; None wants a type of `... | None`.
      options: `choices`, the only values it takes; `lower_bound` and `upper_bound` of a number; `bare`, the
        number that it is where it is given without a value.
    """
    return field(default=default, metadata={HELP: help_text, OPTIONS: options})


def flag_group(help_texts: Mapping[str, str] = NO_HELP, without: Collection[str] = ()) -> Any:
    """A field that holds another dataclass, each of whose fields is a flag.

    Args:
      help_texts: By name of the flag, for a dataclass that says nothing of flags, or to say it otherwise.
      without: Names of fields that are no flags here, and have their defaults.
    """
    return field(metadata={HELP: help_texts, WITHOUT: without})


def define(
    dataclass: type,
    flag_values: flags.FlagValues | None = None,
    help_texts: Mapping[str, str] = NO_HELP,
    without: Collection[str] = (),
) -> flags.FlagValues:
    """Defines a flag for every field, in `flag_values` or in a set of their own, which is returned.

    Args:
      help_texts, without: As for `flag_group`.

    Raises:
      TypeError: A field has no help, or is of a type that no flag can have.
    """
    flag_values = flags.FlagValues() if flag_values is None else flag_values
    types = get_type_hints(dataclass)
    for each in _flag_fields(dataclass, without):
        if is_dataclass(types[each.name]):
            texts = {**help_texts, **each.metadata.get(HELP, {})}
            define(types[each.name], flag_values, texts, each.metadata.get(WITHOUT, ()))
            continue
        help_text = help_texts.get(each.name) or each.metadata.get(HELP)
        if not help_text:
            raise TypeError(f"{dataclass.__name__}.{each.name}: a flag needs a help text")
        _define_one(each, types[each.name], help_text, flag_values)
    return flag_values


def read(dataclass: type[T], flag_values: flags.FlagValues, without: Collection[str] = ()) -> T:
    """The dataclass as the parsed flags fill it.

    Args:
      without: As for `flag_group`.

    Raises:
      UserError: A number is not finite, a list of numbers has another value in it, or the dataclass itself
        refuses a value.
    """
    types = get_type_hints(dataclass)
    values = {
        each.name: read(types[each.name], flag_values, each.metadata.get(WITHOUT, ()))
        if is_dataclass(types[each.name])
        else _value(each.name, types[each.name], flag_values[each.name].value)
        for each in _flag_fields(dataclass, without)
    }
    return dataclass(**values)


def _flag_fields(dataclass: type, without: Collection[str]) -> "list[Field[Any]]":
    return [each for each in fields(dataclass) if each.name not in without]


def numbers_by_name(flag_name: str, pairs: Sequence[str]) -> dict[str, float]:
    """The numbers of a list such as rte:2,mrpc:1; raises UserError where it has something else in it."""
    try:
        numbers = {name: float(number) for name, number in (pair.split(":") for pair in pairs)}
    except ValueError:
        raise UserError(f"--{flag_name}={','.join(pairs)} is not of the form rte:2,mrpc:1") from None
    _check_finite(flag_name, tuple(numbers.values()))
    return numbers


def _define_one(each: "Field[Any]", of_type: Any, help_text: str, flag_values: flags.FlagValues) -> None:
    required = each.default is MISSING
    default: Any = None if required else each.default
    options = dict(each.metadata.get(OPTIONS, {}))
    plain = _plain(of_type)
    choices: Sequence[str] = options.pop("choices", ())
    if get_origin(plain) is tuple:
        listed = None if default is None else [str(value) for value in default]
        flags.DEFINE_list(each.name, listed, help_text, flag_values=flag_values)
    elif choices:
        flags.DEFINE_enum(each.name, default, list(choices), help_text, flag_values=flag_values)
    elif "bare" in options:
        bare = _BareNumber(options.pop("bare"), **options)
        number = flags.Flag(bare, None, each.name, default, help_text, boolean=True)
        flags.DEFINE_flag(number, flag_values=flag_values)
    elif plain in DEFINITIONS:
        text = str(default) if isinstance(default, Path) else default
        DEFINITIONS[plain](each.name, text, help_text, flag_values=flag_values, **options)
    else:
        raise TypeError(f"{each.name}: there is no flag of type {of_type}")
    if required:
        flags.mark_flag_as_required(each.name, flag_values=flag_values)


DEFINITIONS: Mapping[Any, Callable[..., Any]] = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
    Path: flags.DEFINE_string,
}


class _BareNumber(flags.FloatParser):
    """A number, or a value that stands for a flag without one, which absl takes for "true"."""

    def __init__(self, bare: float, **bounds: float) -> None:
        super().__init__(**bounds)
        self._bare = bare

    def convert(self, argument: Any) -> float:
        number: float = self._bare if argument == "true" else super().convert(argument)
        return number


def _value(name: str, of_type: Any, value: Any) -> Any:
    """A flag's value in the type of its field."""
    plain = _plain(of_type)
    if value is None:
        return None
    if get_origin(plain) is not tuple:
        _check_finite(name, (value,))
        return Path(value) if plain is Path else value
    convert = get_args(plain)[0]
    try:
        values = tuple(convert(text) for text in value)
    except ValueError:
        raise UserError(f"--{name}={','.join(value)} is not a list of numbers, as in 1,2,3") from None
    _check_finite(name, values)
    return values


def _check_finite(name: str, values: tuple[Any, ...]) -> None:
    for value in values:
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"--{name}={value} is not a finite number")


def _plain(of_type: Any) -> Any:
    """`T` of `T | None`."""
    others = [each for each in get_args(of_type) if each is not NoneType]
    return others[0] if NoneType in get_args(of_type) and len(others) == 1 else of_type
