"""predictions.tsv: the texts of a test file, and beside each what a branch answers."""

import re
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from centrabert.modeling.kinds.python_values import strings_as_text
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.task import TaskSpec

BREAKS = re.compile(r"[\t\n\r]+")


def table_file(split: str) -> str:
    """predictions.tsv, or for another test split that with the split's ending."""
    return f"predictions{split.removeprefix('test')}.tsv"


def prediction_table(
    task: TaskSpec,
    text_a: tuple[str, ...],
    text_b: tuple[str, ...],
    predictions: Mapping[str, npt.NDArray[Any]],
) -> str:
    """A header and a line for each row: text, or text_a and text_b, then the cells of the task's kind.

    What would break a line of the table, in a text, is a space there.
    """
    kind = KINDS[task.kind]
    columns = {output.name: strings_as_text(predictions[output.name]) for output in kind.outputs}
    lines: list[list[str]] = []
    for a, b, answer in zip(text_a, text_b, kind.answers(columns, task.labels), strict=True):
        row = {"text_a": a, "text_b": b} if task.pair else {"text": a}
        cells = {**row, **kind.table_cells(answer.with_text(a), task.labels)}
        lines = lines or [list(cells)]
        lines.append([BREAKS.sub(" ", cell) for cell in cells.values()])
    return "".join("\t".join(cells) + "\n" for cells in lines)
