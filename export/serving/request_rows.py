"""From a request to its rows and the tasks of each, and from what is computed for them to its outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.export.contract.signature_names import ASKED, UNKNOWN
from centrabert.export.contract.signature_spec import SignatureSpec, TensorSpec
from centrabert.export.contract.task_selector import parse_task_selector
from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.row_batch import IDS, TEXT, WORDS, RowBatch

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

    input_kind: tuple[str, ...]
    columns: tuple[npt.NDArray[Any], ...]
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
        tasks = tuple((self.task_arguments[index] or frozenset()) & self.fetched_tasks for index in indices)
        return RowBatch(self.input_kind, tuple(column[indices] for column in self.columns), tasks)


def read_rows(
    signature: SignatureSpec, inputs: Arrays, outputs: Sequence[str], tasks: Sequence[str]
) -> RequestRows:
    """The rows of a request that `input_validation` has checked.

    Args:
      outputs: The names of the outputs to fetch.
      tasks: All tasks of the model.
    """
    input_kind = next(kind for kind in (IDS, WORDS, TEXT) if kind[0] in inputs)
    blank = np.full(len(inputs[input_kind[0]]), b"", object)
    columns = tuple(inputs.get(name, blank) for name in input_kind)
    full_names = [full_name(signature, name) for name in outputs]
    fetched = frozenset(name.partition("/")[0] for name in full_names if not name.endswith(f"/{ASKED}"))
    tasks_text = inputs.get("tasks", blank)
    if "tasks" in inputs:
        offered = [task for task in tasks if f"{task}/{ASKED}" in signature.outputs]
        parsed = {text: parse_task_selector(text.decode(), offered) for text in set(tasks_text)}
        task_arguments = tuple(parsed[text] for text in tasks_text)
    else:
        always = frozenset([signature.task] if signature.task else tasks)
        task_arguments = (always,) * len(blank)
    return RequestRows(input_kind, columns, task_arguments, fetched, tasks_text)


def full_name(signature: SignatureSpec, output: str) -> str:
    """`<task>/<output>`, as an output of a task's own signature is called in the signatures of all tasks."""
    return f"{signature.task}/{output}" if signature.task else output


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
    spec = signature.outputs[name]
    if full == UNKNOWN:
        understood = [tasks is not None for tasks in rows.task_arguments]
        return np.where(understood, b"", rows.tasks_text)
    parts = [(indices, arrays[full]) for indices, arrays in computed if full in arrays]
    longest = [max((part.shape[axis] for _, part in parts), default=0) for axis in range(1, len(spec.shape))]
    whole = spec.blank(len(rows.task_arguments), longest)
    for indices, part in parts:
        where: tuple[Any, ...] = (indices, *map(slice, part.shape[1:]))
        whole[where] = part
    return _trimmed(whole, spec)


def _trimmed(array: npt.NDArray[Any], spec: TensorSpec) -> npt.NDArray[Any]:
    """Without what only the other rows of a batch needed: an axis of any size ends with its last value."""
    if len(spec.shape) < 2 or spec.shape[1] is not None:
        return array
    blank = b"" if array.dtype == object else 0
    used = np.flatnonzero((array != blank).any(axis=(0, *range(2, array.ndim))))
    return array[:, : used[-1] + 1 if len(used) else 0]
