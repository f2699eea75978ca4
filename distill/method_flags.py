"""The flags of distillation methods: --method, and the settings of each."""

from dataclasses import make_dataclass
from typing import Any

from absl import flags

from centrabert.distill.methods.method import DistillationMethod
from centrabert.distill.methods.registry import DEFAULT, METHODS, find_method, settings
from centrabert.flag_fields import define, flag, read

_FLAGS = make_dataclass(
    "MethodFlags",
    [
        ("method", str, flag("Method of distillation.", DEFAULT, choices=tuple(METHODS))),
        *((each.name, each.of_type | None, flag(each.help_text, None)) for each in settings()),
    ],
    frozen=True,
    kw_only=True,
)


def define_method(flag_values: flags.FlagValues) -> None:
    """Adds the flags; a setting of several methods is one flag."""
    define(_FLAGS, flag_values)


def read_method(flag_values: flags.FlagValues) -> DistillationMethod:
    """The method that the flags ask for; raises UserError as `find_method`."""
    given: dict[str, Any] = vars(read(_FLAGS, flag_values)).copy()
    return find_method(given.pop("method"), given)
