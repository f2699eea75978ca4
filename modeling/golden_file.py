"""golden.json: golden answers as a file, beside a branch, in a merged model and in an exported version."""

import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format, same_keys
from centrabert.modeling.formats.json_file import Keys
from centrabert.modeling.golden import Golden
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import Output
from centrabert.modeling.task import TaskSpec

TYPES = {"string": str, "int32": int, "bool": bool}  # by dtype, besides float32
UNNAMED = ""


def _without_names(keys: Keys) -> Keys:
    """Version 1 kept one list of numbers a row and called it nothing; only the task tells what they are."""
    return {**keys, "rows": [{**row, "outputs": {UNNAMED: list(row["outputs"])}} for row in keys["rows"]]}


# Version 0 did not say its version.
FORMAT = Format("golden.json", version=2, upgrades={0: same_keys, 1: _without_names})


@dataclass(frozen=True)
class GoldenRow:
    """A row of golden.json: the texts, and the outputs for them by name."""

    text_a: str
    text_b: str
    outputs: dict[str, Any]


@dataclass(frozen=True)
class GoldenKeys:
    """The keys of golden.json."""

    rows: tuple[GoldenRow, ...]


def write_golden(path: Path, golden: Golden) -> None:
    """Writes the file; raises OSError if the disk is full."""
    lists = {name: array.tolist() for name, array in golden.outputs.items()}
    rows = [
        {"text_a": a, "text_b": b, "outputs": {name: values[row] for name, values in lists.items()}}
        for row, (a, b) in enumerate(zip(golden.text_a, golden.text_b, strict=True))
    ]
    write_text(path, FORMAT.text({"rows": rows}))


def read_golden(path: Path, task: TaskSpec) -> Golden:
    """Inverse of `write_golden`, to the last bit of a float32.

    Raises:
      UserError: It names the file: it is damaged, or does not hold just the outputs of the task's kind.
    """
    rows = read_dataclass(GoldenKeys, FORMAT.read(path), str(path)).rows
    try:
        values = [_named(row.outputs, task) for row in rows]
        outputs = {output.name: _array(values, output) for output in KINDS[task.kind].outputs}
        return Golden(tuple(row.text_a for row in rows), tuple(row.text_b for row in rows), outputs)
    except (UserError, ValueError, OverflowError) as error:  # NumPy's: rows of different lengths, large ints
        raise UserError(f"{path}: {error}") from None


def _named(outputs: dict[str, Any], task: TaskSpec) -> dict[str, Any]:
    """A row's outputs by name, exactly those of the task's kind."""
    names = {output.name for output in KINDS[task.kind].outputs}
    if outputs.keys() == {UNNAMED}:
        outputs = _version_1(outputs[UNNAMED], task)
    if outputs.keys() != names:
        raise UserError(f"a row has the outputs {sorted(outputs)}, wanted {sorted(names)}")
    return outputs


def _version_1(values: Any, task: TaskSpec) -> dict[str, Any]:
    """The probabilities of a classification, which tell its label, or the score of a regression."""
    wanted = len(task.labels) or 1
    if not isinstance(values, list) or len(values) != wanted or not all(map(_is_float32, values)):
        raise UserError(f"a row has the outputs {reprlib.repr(values)}, wanted {wanted} numbers")
    if not task.labels:
        return {"score": values[0]}
    return {"label": task.labels[int(np.argmax(np.array(values, np.float32)))], "probabilities": values}


def _array(rows: list[dict[str, Any]], output: Output) -> npt.NDArray[Any]:
    values = [row[output.name] for row in rows]
    for value in values:
        _check_value(value, output, len(output.axes))
    return np.array(values, np.object_ if output.dtype == "string" else output.dtype)


def _check_value(value: Any, output: Output, depth: int) -> None:
    """Raises UserError unless `value` is one of the output's type, or a list of such ones, nested so deep."""
    if depth and isinstance(value, list):
        for each in value:
            _check_value(each, output, depth - 1)
    elif depth or not (
        _is_float32(value) if output.dtype == "float32" else type(value) is TYPES[output.dtype]
    ):
        raise UserError(
            f"output {output.name!r} is {reprlib.repr(value)}, wanted {output.dtype} of {depth} axes"
        )


def _is_float32(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= np.finfo(np.float32).max
