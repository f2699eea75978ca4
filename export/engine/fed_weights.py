"""Weights that are fed at every call and lie in no session: so tasks and versions of one shape share a graph.

What costs time once, the first run of each set of outputs, then serves all of them, and weights that versions
have in common are in memory once.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef

from centrabert.export.contract.version_folder import VARIABLES
from centrabert.modeling import checkpoint

FED = "/fed"  # after the name of a variable: what its value is fed to
AXIS = "gathered_axis"  # a constant: rows of a variable are gathered along the first axis
ALIGNMENT = 64  # bytes; TensorFlow copies what lies otherwise, at every call
Weights = dict[str, npt.NDArray[Any]]  # by the variables' names


def feed_variables(graph: GraphDef) -> None:
    """Makes placeholders of all variables, in place.

    TensorFlow knows nothing of the shape of what is fed, and its last bits depend on what it knows, so every
    reader is told: it answers, bit for bit, as with the variable.
    """
    handles = {node.name: node for node in graph.node if node.op == "VarHandleOp"}
    for node in list(graph.node):
        if node.op == "ReadVariableOp" and node.input[0] in handles:
            del node.attr["dtype"]
            _ensure_shape(node, handles[node.input[0]])
        elif node.op == "ResourceGather" and node.input[0] in handles:
            _ensure_shape(graph.node.add(name=f"{node.name}/table"), handles[node.input[0]])
            _gather(node)
    _add_constant(graph, AXIS, 0)
    for handle in handles.values():
        placeholder = graph.node.add(name=f"{handle.name}{FED}", op="Placeholder")
        for key in ("dtype", "shape"):
            placeholder.attr[key].CopyFrom(handle.attr[key])


def _ensure_shape(node: NodeDef, handle: NodeDef) -> None:
    """Makes a node of what is fed for a variable."""
    node.op = "EnsureShape"
    node.input[:] = [f"{handle.name}{FED}"]
    node.attr["T"].CopyFrom(handle.attr["dtype"])
    node.attr["shape"].CopyFrom(handle.attr["shape"])


def _gather(node: NodeDef) -> None:
    """Makes a ResourceGather take its rows from what is fed."""
    node.op = "GatherV2"
    node.input[:] = [f"{node.name}/table", node.input[1], AXIS]
    node.attr["Tparams"].CopyFrom(node.attr["dtype"])
    node.attr["Taxis"].type = tf.int32.as_datatype_enum
    for key in ("dtype", "validate_indices"):
        node.attr.pop(key, None)


def _add_constant(graph: GraphDef, name: str, value: int) -> None:
    node = graph.node.add(name=name, op="Const")
    node.attr["dtype"].type = tf.int32.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, tf.int32))


def read_weights(folder: Path, names: Collection[str]) -> Weights:
    """The values of variables of a version, as they have to lie in memory.

    Raises:
      UserError: The checkpoint is damaged, or has no such variable.
    """
    return {name: _aligned(array) for name, array in checkpoint.read_each(folder / VARIABLES, names)}


def _aligned(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array, or where need be a copy of it, that TensorFlow uses where it lies."""
    if array.ctypes.data % ALIGNMENT == 0 and array.flags.c_contiguous:
        return array
    room = np.empty(array.nbytes + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    aligned = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    aligned[...] = array
    return aligned
