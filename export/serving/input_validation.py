"""The tensors of a request, checked against a signature before anything is computed.

The order matters: names, type and shape are looked at before a value is decoded, for a few bytes can claim a
shape that fills the memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.errors import invalid


@dataclass(frozen=True)
class RequestLimits:
    """What a request may hold at most.

    Attributes:
      rows: In one request.
      text_bytes: Of one text, in UTF-8; only its first word pieces are read anyway.
      length: Word pieces of a row of ids, padding included.
      vocabulary: Word-piece ids are below.
      segments: Segment ids are below.
    """

    rows: int
    text_bytes: int
    length: int
    vocabulary: int
    segments: int


def decoded(definition: SignatureDef, protos: Mapping[str, TensorProto], limits: RequestLimits) -> Arrays:
    """The arrays of a gRPC request, checked by `check_values`.

    Raises:
      ServingError: INVALID_ARGUMENT.
    """
    check_names(definition, protos)
    for name, proto in protos.items():
        shape = [dim.size for dim in proto.tensor_shape.dim]
        check_shape(name, definition.inputs[name], proto.dtype, shape, limits)
    arrays = {name: _decode(name, proto) for name, proto in protos.items()}
    check_values(arrays, limits)
    return arrays


def check_names(definition: SignatureDef, names: Iterable[str]) -> None:
    """Raises unless exactly the signature's inputs are there; in TF Serving's words."""
    sent, known = set(names), set(definition.inputs)
    if len(sent) != len(known):
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(known)} len({_set(sent)}) != "
            f"len({_set(known)}). Sent extra: {_set(sent - known)}. "
            f"Missing but required: {_set(known - sent)}."
        )
    for name in sorted(sent - known):
        raise invalid(
            f"input tensor alias not found in signature: {name}. "
            f"Inputs expected to be in the set {_set(known)}."
        )


def check_outputs(definition: SignatureDef, names: Iterable[str]) -> tuple[str, ...]:
    """The outputs that a request wants, all if it names none; raises on one that is unknown or doubled."""
    wanted = tuple(names)
    for name in wanted:
        if name not in definition.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {_set(definition.outputs)}."
            )
    if len(set(wanted)) < len(wanted):
        twice = next(name for name in wanted if wanted.count(name) > 1)
        raise invalid(f"duplicate output tensor alias: {twice}")
    return wanted or tuple(definition.outputs)


def check_shape(name: str, info: TensorInfo, dtype: int, shape: list[int], limits: RequestLimits) -> None:
    """Raises unless the tensor has the type and rank of the signature, and no more values than it may."""
    if dtype != info.dtype:
        raise invalid(f"input {name}: expects {_dtype(info.dtype)} but {_dtype(dtype)} is provided")
    rank = len(info.tensor_shape.dim)
    if len(shape) != rank or any(size < 0 for size in shape):
        raise invalid(f"input {name}: shape {shape} is not {['batch', 'length'][:rank]}".replace("'", ""))
    if shape[0] > limits.rows:
        raise invalid(
            f"input {name}: {shape[0]} rows, more than {limits.rows}; send them in several requests"
        )
    if rank > 1 and not 1 <= shape[1] <= limits.length:
        raise invalid(f"input {name}: rows of length {shape[1]}, not of 1 to {limits.length}")


def check_values(arrays: Arrays, limits: RequestLimits) -> None:
    """Raises unless all inputs are of one shape, texts are short UTF-8 and ids exist."""
    shapes = {name: array.shape for name, array in arrays.items()}
    rows = {name: shape[0] for name, shape in shapes.items()}
    if len(set(rows.values())) > 1:
        raise invalid(f"inputs of different batch sizes: {_pairs(rows)}")
    if "input_ids" in arrays:
        _check_ids("input_ids", arrays["input_ids"], limits.vocabulary)
        _check_ids("segment_ids", arrays["segment_ids"], limits.segments)
        if shapes["input_ids"] != shapes["segment_ids"]:
            lengths = {name: shapes[name][1] for name in ("input_ids", "segment_ids")}
            raise invalid(f"inputs of different lengths: {_pairs(lengths)}")
    for name, array in arrays.items():
        if array.dtype == object:
            _check_texts(name, array, limits.text_bytes)


def _decode(name: str, proto: TensorProto) -> npt.NDArray[Any]:
    try:
        array = tf.make_ndarray(proto)
    except (TypeError, ValueError):
        raise invalid(f"tensor parsing error: {name}") from None
    if array.dtype == object and not proto.string_val:
        return np.full(array.shape, b"", np.object_)  # TensorFlow's own are str
    return np.asarray(array)


def _check_ids(name: str, ids: npt.NDArray[np.int32], below: int) -> None:
    wrong = np.argwhere((ids < 0) | (ids >= below))
    if len(wrong):
        row, column = (int(place) for place in wrong[0])
        raise invalid(
            f"input {name}: row {row}, column {column}: {ids[row, column]} is not in 0..{below - 1}"
        )


def _check_texts(name: str, texts: npt.NDArray[np.object_], longest: int) -> None:
    for row, text in enumerate(texts):
        if len(text) > longest:
            raise invalid(
                f"input {name}: row {row}: {len(text)} bytes, more than {longest}; shorten the text"
            )
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise invalid(f"input {name}: row {row}: not UTF-8 at byte {error.start}") from None


def _dtype(dtype: int) -> str:
    try:
        return str(tf.as_dtype(dtype).name)
    except TypeError:
        return "no type"


def _set(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _pairs(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {size}" for name, size in sorted(sizes.items()))
