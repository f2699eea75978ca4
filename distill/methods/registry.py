"""The only place where the name of a method of distillation becomes an object."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from centrabert.distill.methods.method import HELP, DistillationMethod
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.errors import UserError

METHODS: Mapping[str, type[DistillationMethod]] = {method.name: method for method in (VanillaKD,)}
DEFAULT = VanillaKD.name


@dataclass(frozen=True)
class Setting:
    """A setting of one method or of several: how a flag of that name is defined.

    Attributes:
      of_type: Of its values.
      help_text: One or more sentences, with every method's default.
    """

    name: str
    of_type: Any
    help_text: str


def settings() -> list[Setting]:
    """The settings of all methods, each once, by the order in which methods and their fields stand."""
    found: dict[str, Setting] = {}
    for method in METHODS.values():
        types = get_type_hints(method)
        for field in fields(method):
            text = f"{field.metadata[HELP]} Default with {method.name}: {field.default}."
            earlier = f"{found[field.name].help_text} " if field.name in found else ""
            found[field.name] = Setting(field.name, types[field.name], earlier + text)
    return list(found.values())


def find_method(name: str, given: Mapping[str, Any]) -> DistillationMethod:
    """The method `name` with the settings `given`; one that is None or left out has the method's default.

    Raises:
      UserError: There is no such method, it has no such setting, or a value is out of range.
    """
    if name not in METHODS:
        raise UserError(f"--method={name} is none of {', '.join(METHODS)}")
    method = METHODS[name]
    values = {key: value for key, value in given.items() if value is not None}
    if unknown := sorted(values.keys() - {field.name for field in fields(method)}):
        raise UserError(f"--{unknown[0]} is no setting of --method={name}")
    return method(**values)
