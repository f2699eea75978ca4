"""From the values of a JSON body to the inputs of a signature.

As with gRPC, names, shape and type are checked before any value. With a single input its name may be left
out, as in TF Serving.
"""

import base64
import binascii
import json
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.export.contract.signature_spec import SignatureSpec, TensorSpec
from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.errors import ServingError, invalid
from centrabert.export.serving.input_validation import (
    RequestLimits,
    check_names,
    check_shape,
    check_utf8,
    check_values,
)

ROW, COLUMN = "instances", "inputs"
MAX_RANK = 5  # lists in lists that are counted; no input has more than 2
MAX_SHOWN_CHARACTERS = 80  # of a value, in a message
JSON_TYPES = {dict: "an object", list: "a list", str: "a string", type(None): "null", bool: "a boolean"}
INT32 = range(-(2**31), 2**31)


def read_inputs(form: str, values: Any, signature: SignatureSpec, limits: RequestLimits) -> Arrays:
    """The inputs of a signature, checked as those of a gRPC request are.

    Args:
      form: ROW or COLUMN.

    Raises:
      ServingError: INVALID_ARGUMENT.
    """
    columns = _rows(values, signature, limits.rows) if form == ROW else _columns(values, signature)
    arrays = {
        name: _array(name, columns[name], spec, limits) for name, spec in sorted(signature.inputs.items())
    }
    check_values(arrays, limits)
    return arrays


def shown(value: Any) -> str:
    """Its JSON, or the beginning of it, without going through all of a long value."""
    text = "".join(islice(json.JSONEncoder().iterencode(value), MAX_SHOWN_CHARACTERS + 1))
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[: MAX_SHOWN_CHARACTERS - 3]}..."


def _rows(values: Any, signature: SignatureSpec, max_rows: int) -> dict[str, Any]:
    """The values of every input, by name, from one object or value a row."""
    if not isinstance(values, list) or not values:
        raise invalid(f"instances: {shown(values)} is not a list of at least one row")
    if len(values) > max_rows:
        raise invalid(f"instances: {len(values)} rows, more than {max_rows}; send them in several requests")
    named = _is_named(values[0])
    if not named:
        _check_single(ROW, signature)
    for number, row in enumerate(values):
        if _is_named(row) != named:
            kinds = ("an object", "a plain value") if named else ("a plain value", "an object")
            raise invalid(f"instances: row 0 is {kinds[0]}, but row {number} is {kinds[1]}")
        if named and row.keys() != signature.inputs.keys():
            _check_row(number, row, signature)
    if not named:
        return dict.fromkeys(signature.inputs, values)
    return {name: [row[name] for row in values] for name in signature.inputs}


def _check_row(number: int, row: dict[str, Any], signature: SignatureSpec) -> None:
    try:
        check_names(signature, row)
    except ServingError as error:
        raise invalid(f"instances: row {number}: {error.message}") from None


def _columns(values: Any, signature: SignatureSpec) -> dict[str, Any]:
    """The values of every input, by name. TF Serving overlooks other names; this tells them."""
    if not _is_named(values):
        _check_single(COLUMN, signature)
        return dict.fromkeys(signature.inputs, values)
    check_names(signature, values)
    return dict(values)


def _check_single(key: str, signature: SignatureSpec) -> None:
    if len(signature.inputs) > 1:
        names = ", ".join(sorted(signature.inputs))
        raise invalid(f"{key}: signature {signature.name} reads several inputs; name them: {names}")


def _array(name: str, values: Any, spec: TensorSpec, limits: RequestLimits) -> npt.NDArray[Any]:
    shape = _shape(values)
    check_shape(name, spec, shape, limits)
    read = _text if spec.dtype == "string" else _integer
    padding = 'with "" behind the words' if spec.dtype == "string" else "the ids with 0"
    rows = [_row(f"input {name}: row {row}: ", each, shape, read, padding) for row, each in enumerate(values)]
    return np.array(rows, spec.numpy_dtype).reshape(shape)


def _shape(values: Any) -> list[int]:
    """The sizes of lists in lists, as their first values have it."""
    shape: list[int] = []
    while isinstance(values, list) and len(shape) < MAX_RANK:
        shape.append(len(values))
        values = values[0] if values else None
    return shape


def _row(place: str, row: Any, shape: list[int], read: Callable[[str, Any], Any], padding: str) -> Any:
    """A value, or the list of values that the rank asks for.

    Args:
      padding: What makes rows of one length, for the message.
    """
    if len(shape) == 1:
        return read(place, row)
    if not isinstance(row, list):
        raise _wrong_type(place, row, "a list")
    if len(row) != shape[1]:
        raise invalid(f"{place}{len(row)} values, but {shape[1]} in row 0; pad {padding}")
    return [read(place, value) for value in row]


def _text(place: str, value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise invalid(f"{place}half of a surrogate pair at character {error.start}") from None
    if not isinstance(value, dict):
        raise _wrong_type(place, value, "a string")
    if not _is_encoded(value):
        raise invalid(f'{place}{shown(value)} is neither a string nor {{"b64": "<base64>"}}')
    try:
        text = "".join(value["b64"].split())
        content = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"{place}{shown(value)} is not base64") from None
    check_utf8(place, content)
    return content


def _integer(place: str, value: Any) -> int:
    if type(value) is not int or value not in INT32:
        raise _wrong_type(place, value, "an int32")
    return value


def _wrong_type(place: str, value: Any, expected: str) -> ServingError:
    return invalid(f"{place}{shown(value)} is {JSON_TYPES.get(type(value), 'a number')}, not {expected}")


def _is_named(value: Any) -> bool:
    """Whether it holds values by the names of inputs."""
    return isinstance(value, dict) and not _is_encoded(value)


def _is_encoded(value: dict[str, Any]) -> bool:
    """Whether it stands for bytes."""
    return value.keys() == {"b64"} and isinstance(value["b64"], str)
