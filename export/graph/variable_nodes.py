"""The variables of a graph and their Saver, copies of those that TensorFlow makes in milliseconds each."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import tensorflow.compat.v1 as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.framework.variable_pb2 import VariableDef
from tensorflow.core.protobuf.saver_pb2 import SaverDef

from centrabert.export.graph.pieces import export, restored_variables
from centrabert.modeling.scopes import Shape

NAME = "v"  # of the variable that stands for others
SAVER = "Saver"  # the scope of its nodes: no task can have a name with a capital letter
READ, IDENTITY, ASSIGN = "/Read/ReadVariableOp", f"{SAVER}/Identity", f"{SAVER}/AssignVariableOp"


def variable_nodes(name: str, shape: Shape) -> tuple[list[NodeDef], VariableDef]:
    """A float32 variable, and what a graph's collection of variables says of it."""
    nodes, definition = _variable(shape)
    named = VariableDef()
    named.CopyFrom(definition)
    for field in ("variable_name", "initializer_name", "initial_value_name", "snapshot_name"):
        setattr(named, field, _renamed(getattr(definition, field), name))
    return [_renamed_node(node, name) for node in nodes], named


def saver_nodes(names: Sequence[str]) -> tuple[list[NodeDef], SaverDef]:
    """A sharded Saver of the variables with these names."""
    nodes, definition = _saver()
    return [new for node in nodes for new in _of_all(node, sorted(names))], definition


@lru_cache(maxsize=256)
def _variable(shape: Shape) -> tuple[list[NodeDef], VariableDef]:
    with tf.Graph().as_default() as graph, restored_variables():
        variable = tf.get_variable(NAME, shape, tf.float32, use_resource=True)
        return list(export(graph).node), variable.to_proto()


@lru_cache(maxsize=1)
def _saver() -> tuple[list[NodeDef], SaverDef]:
    """Of one variable."""
    with tf.Graph().as_default() as graph, restored_variables():
        tf.get_variable(NAME, [], tf.float32, use_resource=True)
        definition = tf.train.Saver(sharded=True, name=SAVER).as_saver_def()
        return [node for node in export(graph).node if node.name.startswith(f"{SAVER}/")], definition


def _renamed(name: str, variable: str) -> str:
    """The name of a node of the variable that stands for `variable`."""
    return variable + name.removeprefix(NAME)


def _renamed_node(node: NodeDef, variable: str) -> NodeDef:
    new = NodeDef()
    new.CopyFrom(node)
    new.name = _renamed(node.name, variable)
    new.input[:] = [_renamed(name, variable) for name in node.input]
    for key in ("shared_name", "debug_name"):
        if key in node.attr:
            new.attr[key].s = _renamed(node.attr[key].s.decode(), variable).encode()
    if "_class" in node.attr:
        new.attr["_class"].list.s[:] = [f"loc:@{variable}".encode()]
    return new


def _of_all(node: NodeDef, names: Sequence[str]) -> Iterator[NodeDef]:
    """What a node of the Saver of one variable is in that of many: itself, or one for each."""
    if node.name == f"{IDENTITY}_1":
        for number in range(len(names)):
            yield _with(node, f"{IDENTITY}_{number + 1}", [_output(f"{SAVER}/RestoreV2", number)])
    elif node.name == ASSIGN:
        for number, name in enumerate(names):
            yield _with(node, _numbered(ASSIGN, number), [name, f"{IDENTITY}_{number + 1}"])
    else:
        yield _of_many(node, names)


def _of_many(node: NodeDef, names: Sequence[str]) -> NodeDef:
    new = _with(node, node.name, node.input)
    if node.name.endswith("/tensor_names"):
        new.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(list(names), tf.string))
    elif node.name.endswith("/shape_and_slices"):
        new.attr["value"].tensor.CopyFrom(tf.make_tensor_proto([""] * len(names), tf.string))
    elif node.name == f"{SAVER}/restore_shard":
        new.input[:] = sorted(f"^{_numbered(ASSIGN, number)}" for number in range(len(names)))
    elif node.name == f"{SAVER}/SaveV2":
        read = {f"{NAME}{READ}": [f"{name}{READ}" for name in names]}
        new.input[:] = [each for name in node.input for each in read.get(name, [name])]
    if "dtypes" in node.attr:
        new.attr["dtypes"].list.type[:] = [tf.float32.as_datatype_enum] * len(names)
    if node.op == "RestoreV2":
        (shape,) = node.attr["_output_shapes"].list.shape
        del new.attr["_output_shapes"].list.shape[:]
        new.attr["_output_shapes"].list.shape.extend([shape] * len(names))
    elif node.op == "Const" and new.attr["value"].tensor.tensor_shape.dim:
        new.attr["_output_shapes"].list.shape[0].CopyFrom(new.attr["value"].tensor.tensor_shape)
    return new


def _with(node: NodeDef, name: str, inputs: Sequence[str]) -> NodeDef:
    new = NodeDef()
    new.CopyFrom(node)
    new.name = name
    new.input[:] = inputs
    return new


def _output(node: str, number: int) -> str:
    return f"{node}:{number}" if number else node


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name
