"""What a caller gets: typed answers, read from the columns of a reply."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.export.client.errors import Outdated, RequestError
from centrabert.export.client.rows import SentRow
from centrabert.export.client.served_tasks import ServedTask, ServedTasks
from centrabert.export.client.transport import Reply, malformed
from centrabert.export.contract.signature_names import UNKNOWN


@dataclass(frozen=True)
class Classification:
    """The answer of a classification.

    Attributes:
      label: The most probable one.
      probabilities: Of all labels, in the order in which the task was trained: a served model tells which
        label it chose, but not what the others are called; its model card, in `assets.extra`, does.
    """

    label: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Score:
    """The answer of a regression."""

    value: float


Answer = Classification | Score
Answers = dict[str, Answer]  # by task


def read_answers(rows: Sequence[SentRow], served: ServedTasks, reply: Reply) -> list[Answers]:
    """The answers to every row.

    Raises:
      Outdated: An output is not there, or a row's tasks were not understood.
      RequestError: INTERNAL; an output has another shape.
    """
    for name in served.outputs(name for row in rows for name in row.tasks):
        if name not in reply.columns:
            raise Outdated("INVALID_ARGUMENT", f"the answer has no output {name}")
        shape = reply.columns[name].shape
        if shape[:1] != (len(rows),) or len(shape) != (2 if name.endswith("/probabilities") else 1):
            raise RequestError("INTERNAL", malformed(f"{name} has shape {shape} for {len(rows)} rows"))
    if strange := next(filter(None, reply.columns[UNKNOWN]), None):
        raise Outdated("INVALID_ARGUMENT", f"the server does not know all tasks of {strange!r}")
    columns = {name: _column(served.tasks[name], reply) for row in rows for name in row.tasks}
    return [{name: columns[name][place] for name in row.tasks} for place, row in enumerate(rows)]


def _column(task: ServedTask, reply: Reply) -> Sequence[Answer]:
    """The task's answer to each row; of rows that did not ask it nothing that means anything."""
    values = [reply.columns[output] for output in task.outputs]
    if task.kind == "regression":
        return [Score(value) for value in _numbers(values[0])]
    labels, probabilities = values
    pairs = zip(labels, _numbers(probabilities), strict=True)
    return [Classification(label, tuple(row)) for label, row in pairs]


def _numbers(array: npt.NDArray[np.float32]) -> list[Any]:
    """The shortest decimals that are these float32 again."""
    numbers: list[Any] = array.astype(str).astype(np.float64).tolist()
    return numbers
