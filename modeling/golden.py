"""Golden answers of a branch: a few inputs with all that it answered, replayed wherever it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling.kinds.python_values import strings_as_text
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import Arrays, Output
from centrabert.modeling.task import TaskSpec

ROWS = 8


@dataclass(frozen=True)
class Golden:
    """Inputs and the answers to them.

    Attributes:
      outputs: By the names of the kind's `outputs`, batch first; strings as objects of str.
    """

    text_a: tuple[str, ...]
    text_b: tuple[str, ...]
    outputs: Mapping[str, npt.NDArray[Any]]

    def __post_init__(self) -> None:
        lengths = {len(self.text_b), *map(len, self.outputs.values())}
        if lengths != {len(self.text_a)} or not self.text_a:
            raise UserError("golden: texts and outputs differ in number, or there are none")

    def check(self, task: TaskSpec, outputs: Arrays, what: str) -> None:
        """Raises UserError naming `what` unless `outputs`, of TensorFlow, are the golden ones.

        Numbers may differ as `Output.tolerance` says. Everything else must be equal, but for what the kind
        calls undecided: there any label of the task will do, and of a bool either value.
        """
        numbers_first = sorted(KINDS[task.kind].outputs, key=lambda output: output.dtype != "float32")
        for output in numbers_first:
            wanted, found = self.outputs[output.name], strings_as_text(outputs[output.name])
            if len(found) == len(wanted) and not (found.size or wanted.size):
                continue  # an axis without anything, behind which a file of lists has none
            if found.shape != wanted.shape:
                raise UserError(f"{what}: golden {output.name} are {wanted.shape}, got {found.shape}")
            if output.dtype == "float32":
                self._check_numbers(found, output, what)
            else:
                self._check_equal(found, output, task, what)

    def _check_numbers(self, found: npt.NDArray[Any], output: Output, what: str) -> None:
        golden = self.outputs[output.name]
        tolerance = output.tolerance(golden)
        difference = np.abs(found - golden).reshape(len(golden), -1).max(axis=1, initial=0)
        worst = int(np.argmax(np.nan_to_num(difference, nan=np.inf)))
        if not difference[worst] <= tolerance:
            raise UserError(
                f"{what}: golden row {worst} ({self.text_a[worst]!r}): {output.name} differs by "
                f"{difference[worst]:.3g}, more than {tolerance:.3g}"
            )

    def _check_equal(self, found: npt.NDArray[Any], output: Output, task: TaskSpec, what: str) -> None:
        golden, undecided = self.outputs[output.name], KINDS[task.kind].undecided(self.outputs)
        either = undecided.reshape(undecided.shape + (1,) * (golden.ndim - undecided.ndim))
        if output.dtype == "string":
            either = either & np.isin(found, task.labels)
        if (wrong := np.argwhere((found != golden) & ~either)).size:
            row = int(wrong[0][0])
            raise UserError(
                f"{what}: golden row {row} ({self.text_a[row]!r}): {output.name} is {found.tolist()[row]!r}, "
                f"not {golden.tolist()[row]!r}"
            )


def golden_of(
    task: TaskSpec, text_a: tuple[str, ...], text_b: tuple[str, ...], predictions: Arrays
) -> Golden:
    """The golden answers from what a model predicts, which may hold more than the outputs of the task."""
    names = [output.name for output in KINDS[task.kind].outputs]
    return Golden(text_a, text_b, {name: strings_as_text(predictions[name]) for name in names})


def golden_rows(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """At most ROWS row numbers, evenly spread over the lengths, the shortest and the longest among them."""
    order = np.argsort(lengths, kind="stable")
    picks = np.linspace(0, len(order) - 1, min(ROWS, len(order))).round().astype(np.int64)
    return np.sort(order[picks])
