"""From a request to its rows and the tasks each wants, and from their answers to its outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from centrabert.export.contract.signature_names import (
    ASKED,
    DEFAULT,
    ROUTE,
    ROUTE_IDS,
    UNKNOWN,
    ids_signature,
)
from centrabert.export.contract.task_selector import parse_task_selector
from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.row_batch import IDS, TEXT, Piece

Computed = Sequence[tuple[list[int], Arrays]]


@dataclass(frozen=True)
class RequestRows:
    """The rows of a request.

    Attributes:
      lane, columns: As in `Piece`.
      asked: What each row asks for; None where that is no list of tasks.
      needed: The tasks that it also fetches answers of.
      said: bytes [rows], its `tasks`.
    """

    lane: tuple[str, str]
    columns: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    asked: tuple[frozenset[str] | None, ...]
    needed: frozenset[str]
    said: npt.NDArray[np.object_]

    @property
    def tasks(self) -> frozenset[str]:
        """What is computed for any row."""
        return self.needed & frozenset(task for asked in self.asked for task in asked or ())

    def pieces(self, most: int) -> list[tuple[list[int], Piece]]:
        """The rows for which something must be computed, at most `most` together, and where they stand."""
        places = [row for row, asked in enumerate(self.asked) if asked and asked & self.needed]
        parts = [places[start : start + most] for start in range(0, len(places), most)]
        return [(part, self._piece(part)) for part in parts]

    def _piece(self, places: list[int]) -> Piece:
        a, b = self.columns
        tasks = tuple((self.asked[row] or frozenset()) & self.needed for row in places)
        return Piece(self.lane, (a[places], b[places]), tasks)


def read_rows(signature: str, inputs: Arrays, outputs: Sequence[str], tasks: Sequence[str]) -> RequestRows:
    """The rows of a request that `request_tensors` has checked.

    Args:
      tasks: All of the model.
    """
    lane = IDS if "input_ids" in inputs else TEXT
    first = inputs[lane[0]]
    second = inputs[lane[1]] if lane[1] in inputs else _repeated(b"", len(first))
    full = [full_name(signature, name) for name in outputs]
    needed = frozenset(name.partition("/")[0] for name in full if not name.endswith(f"/{ASKED}"))
    said = inputs["tasks"] if "tasks" in inputs else _repeated(_said(signature).encode(), len(first))
    asked = tuple(parse_task_selector(text.decode(), tasks) for text in said)
    return RequestRows(lane, (first, second), asked, needed, said)


def full_name(signature: str, output: str) -> str:
    """`<task>/<answer>`, which is what outputs of a task's own signatures are called elsewhere."""
    return output if signature in (DEFAULT, ROUTE, ROUTE_IDS) else f"{_said(signature)}/{output}"


def outputs_of(
    definition: SignatureDef, signature: str, outputs: Sequence[str], rows: RequestRows, computed: Computed
) -> Arrays:
    """The outputs of a request.

    Args:
      computed: Of each of `rows.pieces` its places and answers by full name, at least those it wants.

    Returns:
      By the signature's name, batch first; "" and 0 where nothing was asked, as `route.routed` has it.
    """
    return {name: _output(definition, name, full_name(signature, name), rows, computed) for name in outputs}


def _output(
    definition: SignatureDef, name: str, full: str, rows: RequestRows, computed: Computed
) -> npt.NDArray[Any]:
    task, _, answer = full.partition("/")
    if answer == ASKED:
        return np.array([asked is not None and task in asked for asked in rows.asked], bool)
    if full == UNKNOWN:
        texts = [
            b"" if asked is not None else text for asked, text in zip(rows.asked, rows.said, strict=True)
        ]
        return np.array(texts, np.object_)
    info = definition.outputs[name]
    shape = [len(rows.asked), *(dim.size for dim in info.tensor_shape.dim[1:])]
    dtype = tf.as_dtype(info.dtype).as_numpy_dtype
    whole = np.full(shape, b"" if dtype is object else 0, dtype)
    for places, arrays in computed:
        if full in arrays:
            whole[places] = arrays[full]
    return whole


def _said(signature: str) -> str:
    """What a row of `route` would say to get the same."""
    return "*" if signature == DEFAULT else signature.removesuffix(ids_signature(""))


def _repeated(text: bytes, rows: int) -> npt.NDArray[np.object_]:
    return np.array([text] * rows, np.object_)
