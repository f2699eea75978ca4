"""The tensors of a request, checked against a signature before anything is computed.

The order matters: names, type and shape are checked before a value is decoded, for a few bytes can claim a
shape that fills the memory.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto

from centrabert.export.contract.signature_names import NO_SUCH_OUTPUT
from centrabert.export.contract.signature_spec import SignatureSpec, TensorSpec
from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.errors import invalid


@dataclass(frozen=True)
class RequestLimits:
    """The most that a request may hold.

    Attributes:
      rows: Maximum number of rows in one request.
      text_bytes: Maximum size of one text, in UTF-8; only its first word pieces are read anyway.
      length: Maximum number of word pieces in a row of ids, or of words in a row, padding included.
      vocabulary: Word-piece ids are below it.
      segments: Segment ids are below it.
      padding: The id that rows of ids are padded with.
    """

    rows: int
    text_bytes: int
    length: int
    vocabulary: int
    segments: int
    padding: int


def decode_inputs(
    signature: SignatureSpec, protos: Mapping[str, TensorProto], limits: RequestLimits
) -> Arrays:
    """The arrays of a gRPC request, checked by `check_values`.

    Raises:
      ServingError: INVALID_ARGUMENT.
    """
    check_names(signature, protos)
    for name, proto in protos.items():
        spec = signature.inputs[name]
        if (found := _dtype(proto.dtype)) != spec.dtype:
            raise invalid(f"input {name}: type {found} is not {spec.dtype}")
        check_shape(name, spec, [dim.size for dim in proto.tensor_shape.dim], limits)
    arrays = {name: _decode(name, proto) for name, proto in protos.items()}
    for name, array in arrays.items():
        if signature.inputs[name].dtype == "string":
            _check_utf8(name, array)
    check_values(arrays, limits)
    return arrays


def check_names(signature: SignatureSpec, names: Iterable[str]) -> None:
    """Raises unless exactly the signature's inputs are there."""
    sent, known = set(names), set(signature.inputs)
    if sent != known:
        problems = [(known - sent, "missing"), (sent - known, "unknown")]
        told = [f"{what}: {', '.join(sorted(names))}" for names, what in problems if names]
        raise invalid(f"signature {signature.name}: inputs {'; '.join(told)}")


def check_outputs(signature: SignatureSpec, names: Iterable[str]) -> tuple[str, ...]:
    """The outputs that a request fetches, all if it names none; raises on one that is unknown or doubled."""
    fetched = tuple(names)
    for name in fetched:
        if name not in signature.outputs:
            raise invalid(f"{NO_SUCH_OUTPUT}: {name}; there are {', '.join(sorted(signature.outputs))}")
        if fetched.count(name) > 1:
            raise invalid(f"the output {name} is named twice")
    return fetched or tuple(signature.outputs)


def check_shape(name: str, spec: TensorSpec, shape: Sequence[int], limits: RequestLimits) -> None:
    """Raises unless the tensor has the rank of the signature, and no more values than it may have."""
    rank = len(spec.shape)
    if len(shape) != rank or any(size < 0 for size in shape):
        expected = ", ".join(["batch", "length"][:rank])
        raise invalid(f"input {name}: shape {list(shape)} is not [{expected}]")
    if shape[0] > limits.rows:
        raise invalid(
            f"input {name}: {shape[0]} rows, more than {limits.rows}; send them in several requests"
        )
    if rank > 1 and not 1 <= shape[1] <= limits.length:
        raise invalid(f"input {name}: rows of length {shape[1]}, not of 1 to {limits.length}")


def check_values(arrays: Arrays, limits: RequestLimits) -> None:
    """Raises unless all inputs are of one shape, texts are short, ids exist and no row is all padding."""
    shapes = {name: array.shape for name, array in arrays.items()}
    rows = {name: shape[0] for name, shape in shapes.items()}
    if len(set(rows.values())) > 1:
        raise invalid(f"inputs of different batch sizes: {_pairs(rows)}")
    if "input_ids" in arrays:
        _check_ids("input_ids", arrays["input_ids"], limits.vocabulary)
        _check_ids("segment_ids", arrays["segment_ids"], limits.segments)
        _check_tokens("input_ids", arrays["input_ids"], limits.padding)
        if shapes["input_ids"] != shapes["segment_ids"]:
            lengths = {name: shapes[name][1] for name in ("input_ids", "segment_ids")}
            raise invalid(f"inputs of different lengths: {_pairs(lengths)}")
    for name, array in arrays.items():
        if array.dtype == object:
            _check_sizes(name, array, limits.text_bytes)


def _decode(name: str, proto: TensorProto) -> npt.NDArray[Any]:
    try:
        array = tf.make_ndarray(proto)
    except (TypeError, ValueError):
        raise invalid(f"input {name}: its values do not fit its shape") from None
    if array.dtype == object and not proto.string_val:
        return np.full(array.shape, b"", np.object_)  # TensorFlow's own are str
    return np.asarray(array)


def _check_ids(name: str, ids: npt.NDArray[np.int32], below: int) -> None:
    wrong = np.argwhere((ids < 0) | (ids >= below))
    if len(wrong):
        row, column = (int(index) for index in wrong[0])
        raise invalid(
            f"input {name}: row {row}, column {column}: {ids[row, column]} is not in 0..{below - 1}"
        )


def _check_tokens(name: str, ids: npt.NDArray[np.int32], padding: int) -> None:
    empty = np.flatnonzero((ids == padding).all(axis=1))
    if len(empty):
        raise invalid(
            f"input {name}: row {empty[0]}: nothing but padding (id {padding}); a row begins with [CLS] and "
            "ends with [SEP]"
        )


def _check_sizes(name: str, texts: npt.NDArray[np.object_], max_bytes: int) -> None:
    for (row, *_), text in np.ndenumerate(texts):
        if len(text) > max_bytes:
            raise invalid(
                f"input {name}: row {row}: {len(text)} bytes, more than {max_bytes}; shorten the text"
            )


def _check_utf8(name: str, texts: npt.NDArray[np.object_]) -> None:
    for (row, *_), text in np.ndenumerate(texts):
        check_utf8(f"input {name}: row {row}: ", text)


def check_utf8(place: str, text: bytes) -> None:
    """Raises, with `place` in front of the message, unless the bytes are UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise invalid(f"{place}not UTF-8 at byte {error.start}") from None


def _dtype(number: int) -> str:
    try:
        return str(tf.as_dtype(number).name)
    except TypeError:
        return "unknown"


def _pairs(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {size}" for name, size in sorted(sizes.items()))
