"""From a request to its rows and the tasks of each, and from what is computed for them to its outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.export.contract.signature_names import (
    ASKED,
    DEFAULT,
    IDS_SUFFIX,
    ROUTE,
    ROUTE_IDS,
    UNKNOWN,
)
from centrabert.export.contract.signature_spec import SignatureSpec
from centrabert.export.contract.task_selector import parse_task_selector
from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.row_batch import IDS, TEXT, RowBatch

Computed = Sequence[tuple[list[int], Arrays]]  # the indices of some rows, and their outputs by full name


@dataclass(frozen=True)
class RequestRows:
    """The rows of a request.

    Attributes:
      input_kind, columns: As in `RowBatch`.
      task_arguments: The tasks that each row asks for; None where its selector is none.
      fetched_tasks: The tasks whose outputs the request fetches.
      tasks_text: bytes [rows], the selectors; "" where the signature has none.
    """

    input_kind: tuple[str, str]
    columns: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    task_arguments: tuple[frozenset[str] | None, ...]
    fetched_tasks: frozenset[str]
    tasks_text: npt.NDArray[np.object_]

    @property
    def tasks(self) -> frozenset[str]:
        """The tasks that are computed for any row."""
        return self.fetched_tasks & frozenset(task for tasks in self.task_arguments for task in tasks or ())

    def batches(self, max_rows: int) -> list[tuple[list[int], RowBatch]]:
        """The rows for which something must be computed, at most `max_rows` together, with their indices."""
        indices = [
            index for index, tasks in enumerate(self.task_arguments) if tasks and tasks & self.fetched_tasks
        ]
        parts = [indices[start : start + max_rows] for start in range(0, len(indices), max_rows)]
        return [(part, self._batch(part)) for part in parts]

    def _batch(self, indices: list[int]) -> RowBatch:
        a, b = self.columns
        tasks = tuple((self.task_arguments[index] or frozenset()) & self.fetched_tasks for index in indices)
        return RowBatch(self.input_kind, (a[indices], b[indices]), tasks)


def read_rows(
    signature: SignatureSpec, inputs: Arrays, outputs: Sequence[str], tasks: Sequence[str]
) -> RequestRows:
    """The rows of a request that `input_validation` has checked.

    Args:
      outputs: The names of the outputs to fetch.
      tasks: All tasks of the model.
    """
    input_kind = IDS if "input_ids" in inputs else TEXT
    first = inputs[input_kind[0]]
    blank = np.full(len(first), b"", object)
    second = inputs.get(input_kind[1], blank)
    full_names = [full_name(signature, name) for name in outputs]
    fetched = frozenset(name.partition("/")[0] for name in full_names if not name.endswith(f"/{ASKED}"))
    tasks_text = inputs.get("tasks", blank)
    if "tasks" in inputs:
        parsed = {text: parse_task_selector(text.decode(), tasks) for text in set(tasks_text)}
        task_arguments = tuple(parsed[text] for text in tasks_text)
    else:
        always = frozenset(tasks if signature.name == DEFAULT else [_own_task(signature)])
        task_arguments = (always,) * len(first)
    return RequestRows(input_kind, (first, second), task_arguments, fetched, tasks_text)


def full_name(signature: SignatureSpec, output: str) -> str:
    """`<task>/<output>`, as an output of a task's own signature is called in the signatures of all tasks."""
    return output if signature.name in (DEFAULT, ROUTE, ROUTE_IDS) else f"{_own_task(signature)}/{output}"


def request_outputs(
    signature: SignatureSpec, outputs: Sequence[str], rows: RequestRows, computed: Computed
) -> Arrays:
    """The outputs of a request.

    Args:
      computed: For each of `rows.batches` the indices of its rows and at least the outputs that it fetches.

    Returns:
      By the signature's names, batch first; "" and 0 where a row does not ask, as in `routing.routed`.
    """
    return {name: _output(signature, name, rows, computed) for name in outputs}


def _output(signature: SignatureSpec, name: str, rows: RequestRows, computed: Computed) -> npt.NDArray[Any]:
    full = full_name(signature, name)
    task, _, own = full.partition("/")
    if own == ASKED:
        return np.array([tasks is not None and task in tasks for tasks in rows.task_arguments], bool)
    if full == UNKNOWN:
        understood = [tasks is not None for tasks in rows.task_arguments]
        return np.where(understood, b"", rows.tasks_text)
    whole = signature.outputs[name].blank(len(rows.task_arguments))
    for indices, arrays in computed:
        if full in arrays:
            whole[indices] = arrays[full]
    return whole


def _own_task(signature: SignatureSpec) -> str:
    """The task that a signature `<task>` or `<task>_ids` belongs to."""
    return signature.name.removesuffix(IDS_SUFFIX)
