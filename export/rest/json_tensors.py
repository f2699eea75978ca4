"""From the values of a JSON body to the inputs of a signature, with TF Serving's words for what is wrong.

As with gRPC, names, shape and type are looked at before any value. With a single input its name may be left
out.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.errors import ServingError, invalid
from centrabert.export.serving.input_validation import RequestLimits, check_shape, check_values

ROW, COLUMN = "instances", "inputs"
DEEPEST = 5  # lists in lists that are counted; no input has more than 2
LONGEST = 80  # characters of a value that a message shows
TYPES = {dict: "Object", list: "Array", str: "String", int: "Number", float: "Number", type(None): "Null"}
INT32 = range(-(2**31), 2**31)


def read_arrays(form: str, values: Any, definition: SignatureDef, limits: RequestLimits) -> Arrays:
    """The inputs of a signature, checked as those of a gRPC request are.

    Args:
      form: ROW or COLUMN.

    Raises:
      ServingError: INVALID_ARGUMENT.
    """
    names = sorted(definition.inputs)
    columns = _rows(values, names, limits.rows) if form == ROW else _columns(values, names)
    arrays = {name: _array(name, column, definition.inputs[name], limits) for name, column in columns.items()}
    check_values(arrays, limits)
    return arrays


def json_error(value: Any, message: str) -> ServingError:
    """What is wrong with a value, which it shows."""
    return invalid(f"JSON Value: {_shown(value)} {message}")


def _rows(values: Any, names: Sequence[str], most: int) -> dict[str, Any]:
    """The values of every input, by name, from one object or value a row."""
    if not isinstance(values, list):
        raise json_error(values, "Excepting 'instances' to be an list/array")
    if not values:
        raise json_error(values, "No values in 'instances' array")
    if len(values) > most:
        raise invalid(f"instances: {len(values)} rows, more than {most}; send them in several requests")
    named = _is_named(values[0])
    if not named and len(names) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required "
            f"as per tensorinfo_map: {','.join(names)}"
        )
    for number, row in enumerate(values):
        if _is_named(row) != named:
            mixed = "object but got list" if named else "value/list but got object"
            raise invalid(f"Expecting {mixed} at item {number} of input list")
        if named:
            _check_keys(number, row, names)
    return {name: [row[name] for row in values] for name in names} if named else {names[0]: values}


def _check_keys(number: int, row: dict[str, Any], names: Sequence[str]) -> None:
    place = f"Failed to process element: {number}"
    for name in row:
        if name not in names:
            raise invalid(
                f"{place} key: {name} of 'instances' list. Error: INVALID_ARGUMENT: "
                f"JSON object: does not have named input: {name}"
            )
    if len(row) < len(names):
        raise invalid(
            f"{place} of 'instances' list. JSON object: {_shown(row)} "
            f"keys must be equal to: {','.join(names)}"
        )


def _columns(values: Any, names: Sequence[str]) -> dict[str, Any]:
    """The values of every input, by name. TF Serving overlooks other names; this tells them."""
    if not _is_named(values):
        if len(names) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required "
                f"as per tensorinfo_map: {','.join(names)}"
            )
        return {names[0]: values}
    for name in names:
        if name not in values:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    for name in values:
        if name not in names:
            raise invalid(f"JSON object: does not have named input: {name}")
    return dict(values)


def _array(name: str, values: Any, info: TensorInfo, limits: RequestLimits) -> npt.NDArray[Any]:
    shape = _shape(values)
    check_shape(name, info, info.dtype, shape, limits)
    dtype = tf.as_dtype(info.dtype)
    read = _bytes if dtype == tf.string else _integer
    rows = [_row(f"input {name}: row {number}: ", row, shape, read) for number, row in enumerate(values)]
    return np.array(rows, dtype.as_numpy_dtype).reshape(shape)


def _shape(values: Any) -> list[int]:
    """Of lists in lists, as their first values have it."""
    shape: list[int] = []
    while isinstance(values, list) and len(shape) < DEEPEST:
        shape.append(len(values))
        values = values[0] if values else None
    return shape


def _row(place: str, row: Any, shape: list[int], read: Callable[[str, Any], Any]) -> Any:
    """A value, or the list of values that the rank asks for."""
    if len(shape) == 1:
        return read(place, row)
    if not isinstance(row, list):
        raise invalid(
            f"{place}JSON Value: {_shown(row)} found at incorrect level: 2 in the JSON DOM. "
            "Expected at level: 2"
        )
    if len(row) != shape[1]:
        raise invalid(
            f"{place}Encountered list at unexpected size: {len(row)} at level: 1 expected size: {shape[1]}"
        )
    return [read(place, value) for value in row]


def _bytes(place: str, value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise invalid(f"{place}The surrogate pair in string is invalid.") from None
    if not isinstance(value, dict):
        raise _wrong_type(place, value, "string")
    if not _is_encoded(value):
        raise invalid(f"{place}JSON Value: {_shown(value)} not formatted correctly for base64 data")
    try:
        text = "".join(value["b64"].split())
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"{place}Unable to base64 decode") from None


def _integer(place: str, value: Any) -> int:
    if type(value) is not int or value not in INT32:
        raise _wrong_type(place, value, "int32")
    return value


def _wrong_type(place: str, value: Any, expected: str) -> ServingError:
    kind = str(value) if isinstance(value, bool) else TYPES[type(value)]
    return invalid(f"{place}JSON Value: {_shown(value)} Type: {kind} is not of expected type: {expected}")


def _is_named(value: Any) -> bool:
    """Whether it holds values by the names of inputs."""
    return isinstance(value, dict) and not _is_encoded(value)


def _is_encoded(value: dict[str, Any]) -> bool:
    """Whether it stands for bytes."""
    return value.keys() == {"b64"} and isinstance(value["b64"], str)


def _shown(value: Any) -> str:
    """Its JSON, or the beginning of it, without going through all of a long value."""
    text = "".join(islice(json.JSONEncoder().iterencode(value), LONGEST + 1))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
