"""Weights that are fed at every call and lie in no session: so several versions of them share one graph.

What costs time once, the first run of each set of outputs, then serves all of these versions, and what they
have in common is in memory once.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf
from tensorflow.core.framework.graph_pb2 import GraphDef

from centrabert.export.contract.version_folder import VARIABLES
from centrabert.modeling import checkpoint

FED = "/fed"  # after the name of a variable: what its value is fed to
ALIGNMENT = 64  # bytes; TensorFlow copies what lies otherwise, at every call
Weights = dict[str, npt.NDArray[Any]]  # by the variables' names


def feed_variables(graph: GraphDef, names: Collection[str]) -> None:
    """Makes placeholders of variables, in place.

    TensorFlow knows nothing of the shape of what is fed, and its last bits depend on what it knows, so every
    reader is told: it answers, bit for bit, as with the variable.
    """
    handles = {node.name: node for node in graph.node if node.op == "VarHandleOp" and node.name in names}
    for node in graph.node:
        if node.op == "ReadVariableOp" and node.input[0] in handles:
            handle = handles[node.input[0]]
            node.op, node.input[0] = "EnsureShape", f"{handle.name}{FED}"
            node.attr["T"].CopyFrom(handle.attr["dtype"])
            del node.attr["dtype"]
            node.attr["shape"].CopyFrom(handle.attr["shape"])
    for handle in handles.values():
        placeholder = graph.node.add(name=f"{handle.name}{FED}", op="Placeholder")
        for key in ("dtype", "shape"):
            placeholder.attr[key].CopyFrom(handle.attr[key])


def fed_variables(graph: tf.Graph, fetches: Sequence[str]) -> list[str]:
    """The names of the variables that have to be fed for some tensors, sorted."""
    seen: set[tf.Operation] = set()
    waiting = [graph.get_tensor_by_name(name).op for name in fetches]
    while waiting:
        operation = waiting.pop()
        if operation not in seen:
            seen.add(operation)
            waiting += [tensor.op for tensor in operation.inputs]
    placeholders = (each.name for each in seen if each.type == "Placeholder" and each.name.endswith(FED))
    return sorted(name.removesuffix(FED) for name in placeholders)


def read_weights(folder: Path, names: Collection[str]) -> Weights:
    """The values of variables of a version, as they have to lie in memory.

    Raises:
      UserError: The checkpoint is damaged, or has no such variable.
    """
    found = checkpoint.read(folder / VARIABLES, names) if names else {}
    return {name: _aligned(array) for name, array in found.items()}


def _aligned(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy that TensorFlow uses where it lies."""
    room = np.empty(array.nbytes + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    aligned = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    aligned[...] = array
    return aligned
