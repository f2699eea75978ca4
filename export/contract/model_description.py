"""What a served model says of itself: the JSON text that its signature `describe` answers with.

A client gets there by Predict alone, whatever server holds the model, and guesses nothing from names.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from centrabert.errors import UserError
from centrabert.modeling.formats.dataclass_json import keys_of, read_dataclass
from centrabert.modeling.formats.format import Format
from centrabert.modeling.formats.json_file import parse_json
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import TaskKind
from centrabert.modeling.task import TaskSpec

FORMAT = Format("model description")


@dataclass(frozen=True)
class ServedTask:
    """One task, as clients see it.

    Attributes:
      kind: A name of modeling/kinds/.
      pair: Whether it reads two texts.
      labels: In the order of its outputs' numbers; () for a regression, and where a version exported before
        there was a `describe` does not tell.
      split: How a tagging splits a text into words, as in TaskSpec; "" for every other kind.
    """

    LEFT_OUT: ClassVar = frozenset({"split"})

    name: str
    kind: str
    pair: bool
    labels: tuple[str, ...] = ()
    split: str = ""

    @property
    def task_kind(self) -> TaskKind:
        """Raises UserError for a kind that was not there when this client was written."""
        if self.kind not in KINDS:
            raise UserError(f"task {self.name}: this client knows no kind {self.kind!r}; update CentraBERT")
        return KINDS[self.kind]


@dataclass(frozen=True)
class ModelDescription:
    """The keys of the description."""

    tasks: tuple[ServedTask, ...]


def write_description(tasks: Iterable[TaskSpec]) -> str:
    """The description of a model of these tasks."""
    served = [keys_of(ServedTask(task.name, task.kind, task.pair, task.labels, task.split)) for task in tasks]
    return json.dumps(FORMAT.written({"tasks": served}), ensure_ascii=False)


def read_description(text: str, source: str) -> tuple[ServedTask, ...]:
    """Inverse of `write_description`; raises UserError that begins with `source`."""
    keys = FORMAT.upgraded(parse_json(text, source), source)
    return read_dataclass(ModelDescription, keys, source).tasks
