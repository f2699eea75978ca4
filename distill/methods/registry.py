"""The only place where the name of a method of distillation becomes an object."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from centrabert.distill.methods.bert_pkd import BertPKD
from centrabert.distill.methods.distilbert import DistilBERT
from centrabert.distill.methods.last_layer_kd import LastLayerKD
from centrabert.distill.methods.method import HELP, DistillationMethod
from centrabert.distill.methods.minilm import MiniLM
from centrabert.distill.methods.theseus import Theseus
from centrabert.distill.methods.tinybert import TinyBERT
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.errors import UserError
from centrabert.modeling.formats.dataclass_json import read_dataclass

METHODS: Mapping[str, type[DistillationMethod]] = {
    method.name: method for method in (VanillaKD, LastLayerKD, BertPKD, TinyBERT, MiniLM, DistilBERT, Theseus)
}
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
    """The settings of all methods, each once, by the order in which methods and their fields stand.

    Methods that say the same of a setting say it once, with the default of each.
    """
    types: dict[str, Any] = {}
    defaults: dict[str, dict[str, list[str]]] = {}  # setting -> what is said of it -> defaults
    for method in METHODS.values():
        for field in fields(method):
            types[field.name] = get_type_hints(method)[field.name]
            said = defaults.setdefault(field.name, {}).setdefault(field.metadata[HELP], [])
            said.append(f"with {method.name}: {field.default}")
    return [
        Setting(name, types[name], " ".join(f"{text} Default {', '.join(of)}." for text, of in texts.items()))
        for name, texts in defaults.items()
    ]


def find_method(name: str, given: Mapping[str, Any]) -> DistillationMethod:
    """The method `name` with the settings `given`; one that is None or left out has the method's default.

    Raises:
      UserError: There is no such method, it has no such setting, or a value is of another type or out of
        range.
    """
    if name not in METHODS:
        raise UserError(f"--method={name} is none of {', '.join(METHODS)}")
    method = METHODS[name]
    values = {key: value for key, value in given.items() if value is not None}
    if unknown := sorted(values.keys() - {field.name for field in fields(method)}):
        raise UserError(f"--{unknown[0]} is no setting of --method={name}")
    every = {field.name: values.get(field.name, field.default) for field in fields(method)}
    return read_dataclass(method, every, f"--method={name}")
