"""TF Serving's JSON: from the body of a request to arrays, and from arrays to the body of an answer.

Row format has one object a row (`instances`, `predictions`), column format one list an input (`inputs`,
`outputs`). With a single input or output its name may be left out, as TF Serving has it.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from centrabert.export.predictor import Arrays
from centrabert.export.request_tensors import RequestLimits, check_names, check_shape, check_values
from centrabert.export.serving_error import invalid

ROW, COLUMN = "instances", "inputs"
DEEPEST = 3  # no input of ours has a higher rank than 2


@dataclass(frozen=True)
class Body:
    """A request's body.

    Attributes:
      signature: "" for the default.
      form: ROW or COLUMN.
      values: What stands there.
    """

    signature: str
    form: str
    values: Any


def read_body(body: bytes) -> Body:
    """What a body says; raises ServingError, INVALID_ARGUMENT, if it is no request."""
    try:
        document = json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise invalid("JSON Parse error: the body is not an object")
    signature = document.get("signature_name", "")
    if not isinstance(signature, str):
        raise invalid("'signature_name' key must be a string value.")
    forms = [form for form in (ROW, COLUMN) if form in document]
    if not forms:
        raise invalid("Missing 'inputs' or 'instances' key")
    if len(forms) > 1:
        raise invalid("Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist")
    return Body(signature, forms[0], document[forms[0]])


def read_arrays(body: Body, definition: SignatureDef, limits: RequestLimits) -> Arrays:
    """The inputs of a signature, checked as those of a gRPC request are.

    Raises:
      ServingError: INVALID_ARGUMENT.
    """
    columns = _columns(body, list(definition.inputs))
    check_names(definition, columns)
    arrays = {name: _array(name, values, definition.inputs[name], limits) for name, values in columns.items()}
    check_values(arrays, limits)
    return arrays


def answer_body(outputs: Arrays, form: str) -> bytes:
    """The answer to a request of that form."""
    lists = {name: _lists(array) for name, array in outputs.items()}
    single = next(iter(lists.values())) if len(lists) == 1 else None
    if form == COLUMN:
        return _dumped({"outputs": lists if single is None else single})
    if single is None:
        single = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    return _dumped({"predictions": single})


def error_body(message: str) -> bytes:
    return _dumped({"error": message})


def _dumped(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _columns(body: Body, names: list[str]) -> dict[str, Any]:
    """The values of every input, by name."""
    if body.form == COLUMN:
        if isinstance(body.values, dict) and not _is_encoded(body.values):
            return body.values
        return {_only(names): body.values}
    if not isinstance(body.values, list):
        raise invalid("Excepting 'instances' to be an list/array")
    if not body.values:
        raise invalid("No values in 'instances' array")
    rows = [row if _is_named(row) else {_only(names): row} for row in body.values]
    for number, row in enumerate(rows):
        if row.keys() != rows[0].keys():
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. "
                f"Its inputs are {sorted(row)}, those of the first {sorted(rows[0])}"
            )
    return {name: [row[name] for row in rows] for name in rows[0]}


def _is_named(row: Any) -> bool:
    return isinstance(row, dict) and not _is_encoded(row)


def _is_encoded(value: Any) -> bool:
    """Whether it stands for bytes."""
    return isinstance(value, dict) and value.keys() == {"b64"}


def _only(names: list[str]) -> str:
    if len(names) != 1:
        raise invalid(f"Values have no names, but the signature has the inputs {', '.join(sorted(names))}")
    return names[0]


def _array(name: str, values: Any, info: TensorInfo, limits: RequestLimits) -> npt.NDArray[Any]:
    shape = _shape(name, values)
    check_shape(name, info, info.dtype, shape, limits)
    flat = values if len(shape) == 1 else [each for row in values for each in row]
    dtype = tf.as_dtype(info.dtype)
    read = _bytes if dtype == tf.string else _integer
    return np.array([read(name, value) for value in flat], dtype.as_numpy_dtype).reshape(shape)


def _shape(name: str, values: Any, depth: int = 0) -> list[int]:
    """Of lists in lists, which must be equally long; a value that is no list ends it."""
    if not isinstance(values, list):
        return []
    if depth == DEEPEST:
        raise invalid(f"input {name}: lists in more than {DEEPEST} lists")
    shapes = [_shape(name, value, depth + 1) for value in values]
    if any(shape != shapes[0] for shape in shapes):
        raise invalid(f"input {name}: Encountered lists of different lengths, or lists beside values")
    return [len(values), *(shapes[0] if shapes else [])]


def _bytes(name: str, value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise invalid(f"input {name}: a text holds half of a surrogate pair") from None
    if _is_encoded(value) and isinstance(value["b64"], str):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, ValueError):
            raise invalid(f"input {name}: Unable to base64 decode") from None
    raise invalid(f"input {name}: JSON Value: {_shown(value)} is not of expected type: string")


def _integer(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**31) <= value < 2**31:
        raise invalid(f"input {name}: JSON Value: {_shown(value)} is not of expected type: int32")
    return value


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _lists(array: npt.NDArray[Any]) -> list[Any]:
    """As JSON has it: float32 by its shortest decimal, bytes as text."""
    if array.dtype == np.float32:
        return np.asarray(array.astype(str).astype(np.float64)).tolist()
    if array.dtype == object:
        return [value.decode() for value in array]
    return list(array.tolist())
