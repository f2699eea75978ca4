"""tasks.yaml: one file that declares many tasks, each under its name."""

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.glue_data.declared.declaration import Declaration, DeclarationError
from centrabert.glue_data.declared.row_values import NUMBER
from centrabert.glue_data.declared.yaml_file import Value, read_yaml
from centrabert.modeling.training.hyperparameters import BALANCED

TASKS = "tasks"
INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def read_task_config(path: Path) -> dict[str, Declaration]:
    """The tasks of a file by their names, in its order; whether their data is there shows later.

    Raises:
      UserError: One line with file, line and key: no YAML, no tasks, a key that no task has, a value that
        its key cannot have, a name twice.
    """
    top = read_yaml(path)
    keys = top.mapping("the file")
    for name, value in keys.items():
        if name != TASKS:
            raise value.wrong(f"there is no key {name!r}; all tasks stand under `{TASKS}:`")
    if TASKS not in keys:
        raise top.wrong(f"there is no key {TASKS!r}, under which all tasks stand")
    tasks = keys[TASKS].mapping(TASKS)
    if not tasks:
        raise keys[TASKS].wrong(f"there is no task under `{TASKS}:`")
    return {name: _declaration(name, value, path.parent) for name, value in tasks.items()}


def _declaration(name: str, value: Value, folder: Path) -> Declaration:
    given = value.mapping(f"task {name}")
    values = {key: _read(name, key, each, folder) for key, each in given.items()}
    places = {key: each.place for key, each in given.items()}
    try:
        return Declaration(name=name, places=places, **values)
    except DeclarationError as error:
        raise given.get(error.key, value).wrong(f"task {name}: {error}") from None


def _read(name: str, key: str, value: Value, folder: Path) -> Any:
    if key not in READ:
        (near,) = difflib.get_close_matches(key, READ, n=1) or [""]
        hint = f"did you mean {near!r}?" if near else f"the keys are {', '.join(READ)}"
        raise value.wrong(f"task {name}: there is no key {key!r}; {hint}")
    read = READ[key](value, f"task {name}: {key}")
    return folder / read if key in PATHS else read


def _integer(value: Value, what: str) -> int:
    text = value.text(what)
    # int() alone would also take "1_0" and the digits of other scripts.
    if not INTEGER.fullmatch(text):
        raise value.wrong(f"{what}: {text!r} is no whole number")
    return int(text)


def _number(value: Value, what: str) -> float:
    text = value.text(what)
    if not NUMBER.fullmatch(text):
        raise value.wrong(f"{what}: {text!r} is no number")
    return float(text)


def _columns(value: Value, what: str) -> Mapping[str, int]:
    return {name: _integer(each, f"{what}.{name}") for name, each in value.mapping(what).items()}


def _weights(value: Value, what: str) -> tuple[str, ...]:
    """`balanced`, or a weight for every label; as in Hyperparameters."""
    if isinstance(value.value, str):
        if value.text(what) != BALANCED:
            raise value.wrong(
                f"{what}: write {BALANCED}, or a weight for each label, as in {{bad: 2, good: 1}}"
            )
        return (BALANCED,)
    weights = value.mapping(what)
    return tuple(f"{label}:{_number(each, f'{what}.{label}')}" for label, each in weights.items())


PATHS = ("train", "dev", "test", "data")
TEXTS = ("kind", *PATHS, "format", "text", "text_b", "label", "metric", "output", "scheme", "split")
READ: Mapping[str, Callable[[Value, str], Any]] = {
    **dict.fromkeys(TEXTS, Value.text),
    "labels": Value.texts,
    "max_seq_length": _integer,
    "dev_fraction": _number,
    "label_smoothing": _number,
    "columns": _columns,
    "class_weights": _weights,
}


def find_declaration(path: Path, name: str) -> Declaration:
    """The task of that name in a file; raises UserError that lists those there are."""
    declarations = read_task_config(path)
    if name not in declarations:
        raise UserError(f"{path}: there is no task {name!r}; the tasks are {', '.join(declarations)}")
    return declarations[name]
