"""Parts of a graph that are built once and copied to wherever they occur.

To build an op takes TensorFlow's Python half a millisecond, to copy one takes microseconds. A function that
is a `piece` builds the same ops in any scope, from tensors of the same types and shapes. In a graph that is
made `in_pieces`, a call leaves placeholders for what it returns, and `assemble` puts the ops in their place.
In any other graph a piece is a function like any other, and the nodes are the same.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

import tensorflow.compat.v1 as tf
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef

from centrabert.modeling.scopes import Shape

Builder = TypeVar("Builder", bound=Callable[..., Any])
Spec = tuple[tf.DType, tuple[int | None, ...] | None]
FIRST = "first"  # argument of a piece that is the number of its first layer
ANY_FIRST = 1000  # the number of the first layer in what is copied
LAYER = re.compile(r"(?<=/layer_)1\d{3}(?=/)")
INPUT, OUTPUT = "piece_input", "piece_output"
CLASS, SAME_PLACE = "_class", b"loc:@"


@dataclass(frozen=True)
class Assembly:
    """A graph without its variables.

    Attributes:
      nodes: All but those of variables, which are read by `Assembly.variables`' names.
      functions: That its nodes call, by name.
      variables: By name.
      tensors: For what each placeholder of a piece stands, as nodes name their inputs.
    """

    nodes: list[NodeDef]
    functions: dict[str, FunctionDef]
    variables: dict[str, Shape]
    tensors: dict[str, str]

    def name(self, tensor: str) -> str:
        """What a tensor of the graph is called here, by its name in the graph."""
        name = self.tensors.get(tensor.removesuffix(":0"), tensor)
        return name if ":" in name else f"{name}:0"


@dataclass(frozen=True)
class _Template:
    """A piece that was built.

    Attributes:
      inputs: Of which placeholder each input takes the place.
      outputs: Tensors, in the structure that the function returned.
    """

    graph: Assembly
    inputs: tuple[str | None, ...]
    outputs: Any


@dataclass(frozen=True)
class _Copy:
    """Where a piece goes.

    Attributes:
      scope, variable_scope: Of its nodes and of its variables; "" or with a slash behind.
      first: The number of its first layer.
      inputs: Tensors.
      outputs: Placeholders, in the order of the template's tensors.
    """

    template: _Template
    scope: str
    variable_scope: str
    first: int
    inputs: Sequence[tf.Tensor | None]
    outputs: Sequence[tf.Tensor]

    def node(self, name: str) -> str:
        return self.scope + self._numbered(name)

    def variable(self, name: str) -> str:
        return self.variable_scope + self._numbered(name)

    def _numbered(self, name: str) -> str:
        return LAYER.sub(lambda found: str(int(found[0]) - ANY_FIRST + self.first), name)


_COPIES: WeakKeyDictionary[tf.Graph, list[_Copy]] = WeakKeyDictionary()


@contextmanager
def in_pieces() -> Iterator[tf.Graph]:
    """A new graph as the default one, with variables that only a checkpoint fills."""
    with tf.Graph().as_default() as graph, restored_variables():
        _COPIES[graph] = []
        yield graph


@contextmanager
def restored_variables() -> Iterator[None]:
    """Where variables are made without the ops of a random start."""
    with tf.variable_scope("", custom_getter=_restored, reuse=tf.AUTO_REUSE):
        yield


def _restored(getter: Callable[..., tf.Variable], name: str, **arguments: Any) -> tf.Variable:
    arguments.update(trainable=False, initializer=tf.zeros_initializer())
    return getter(name, **arguments)


def piece(function: Builder) -> Builder:
    """Makes a piece of a function.

    Its positional arguments are tensors or None, its keyword arguments whatever else decides what it builds,
    all of them hashable. `first` is the number of its first layer, on which nothing depends but names. It
    returns tensors, in lists, tuples or dicts.

    Each call needs a name scope of its own, in which nothing else is built, and no control dependency leads
    into a piece or out of one.
    """

    @wraps(function)
    def build(*tensors: Any, **fixed: Any) -> Any:
        graph = tf.get_default_graph()
        if graph not in _COPIES:
            return function(*tensors, **fixed)
        specs = tuple(None if each is None else _spec(each) for each in tensors)
        decides = {**fixed, **({FIRST: ANY_FIRST} if FIRST in fixed else {})}
        template = _template(function, specs, tuple(decides.items()))
        with tf.name_scope(None):
            outputs = [tf.placeholder(each.dtype, each.shape, OUTPUT) for each in _flat(template.outputs)]
        _COPIES[graph].append(
            _Copy(
                template,
                _slashed(graph.get_name_scope()),
                _slashed(tf.get_variable_scope().name),
                fixed.get(FIRST, 0),
                tensors,
                outputs,
            )
        )
        return tf.nest.pack_sequence_as(template.outputs, outputs)

    return cast(Builder, build)


def assemble(graph_def: GraphDef, graph: tf.Graph) -> Assembly:
    """The ops of a graph that was made `in_pieces`, those of its pieces among them.

    Args:
      graph_def: What `graph` was exported as.

    Raises:
      ValueError: Two nodes have one name, or two shapes one variable.
    """
    variables = {
        node.name: tuple(dim.size for dim in node.attr["shape"].shape.dim)
        for node in graph_def.node
        if node.op == "VarHandleOp"
    }
    functions = {each.signature.name: each for each in graph_def.library.function}
    tensors: dict[str, str] = {}
    copied: list[NodeDef] = []
    for copy in _COPIES[graph]:
        template = copy.template
        named = _names(copy, tensors)
        copied += (_copied(node, copy, named) for node in template.graph.nodes)
        for placeholder, tensor in zip(copy.outputs, _flat(template.outputs), strict=True):
            tensors[_plain(placeholder)] = named[_named(template, tensor)]
        functions.update(template.graph.functions)
        for name, shape in template.graph.variables.items():
            if variables.setdefault(copy.variable(name), shape) != shape:
                raise ValueError(f"variable {copy.variable(name)} has two shapes")
    nodes = [
        _copied(node, None, tensors)
        for node in graph_def.node
        if node.name not in tensors and not _of_variable(node.name, variables)
    ]
    nodes += copied
    if twice := [name for name, count in Counter(node.name for node in nodes).items() if count > 1]:
        raise ValueError(f"two pieces are in one scope: {twice[0]}")
    return Assembly(nodes, functions, variables, tensors)


@lru_cache(maxsize=1024)
def _template(
    function: Callable[..., Any], specs: tuple[Spec | None, ...], fixed: tuple[tuple[str, Hashable], ...]
) -> _Template:
    with in_pieces() as graph:
        inputs = [None if spec is None else tf.placeholder(*spec, INPUT) for spec in specs]
        outputs = function(*inputs, **dict(fixed))
        graph_def = export(graph)
    names = tuple(None if each is None else _plain(each) for each in inputs)
    assembly = assemble(graph_def, graph)
    nodes = [node for node in assembly.nodes if node.name not in names]
    return _Template(replace(assembly, nodes=nodes), names, outputs)


def export(graph: tf.Graph) -> GraphDef:
    """The graph, with the shapes of all tensors and without attributes that have their default."""
    with graph.as_default():
        return tf.train.export_meta_graph(collection_list=[], strip_default_attrs=True).graph_def


def _names(copy: _Copy, tensors: Mapping[str, str]) -> dict[str, str]:
    """What the nodes of a template have for inputs -> what those of a copy have."""
    template = copy.template
    given = {
        name: tensors.get(_plain(tensor), _plain(tensor))
        for name, tensor in zip(template.inputs, copy.inputs, strict=True)
        if name is not None and tensor is not None
    }
    variables = {name: copy.variable(name) for name in template.graph.variables}
    named = {name for node in template.graph.nodes for name in node.input}
    named |= {_named(template, tensor) for tensor in _flat(template.outputs)}
    own = {name: _moved(name, copy) for name in named}
    return {**own, **variables, **given}


def _moved(name: str, copy: _Copy) -> str:
    control, node = ("^", name[1:]) if name.startswith("^") else ("", name)
    return control + copy.node(node)


def _copied(node: NodeDef, copy: _Copy | None, tensors: Mapping[str, str]) -> NodeDef:
    """A node with other inputs, and of a copy with another name."""
    new = NodeDef()
    new.CopyFrom(node)
    new.input[:] = [tensors.get(name, name) for name in node.input]
    if copy is not None:
        new.name = copy.node(node.name)
        if CLASS in node.attr:
            places = [copy.node(place.removeprefix(SAME_PLACE).decode()) for place in node.attr[CLASS].list.s]
            new.attr[CLASS].list.s[:] = [SAME_PLACE + place.encode() for place in places]
    return new


def _of_variable(node: str, variables: Mapping[str, Shape]) -> bool:
    """Whether a node is one of those that TensorFlow makes with a variable."""
    parts = node.split("/")
    return any("/".join(parts[:count]) in variables for count in range(1, len(parts) + 1))


def _named(template: _Template, tensor: tf.Tensor) -> str:
    return template.graph.tensors.get(_plain(tensor), _plain(tensor))


def _flat(outputs: Any) -> list[tf.Tensor]:
    flat: list[tf.Tensor] = tf.nest.flatten(outputs)
    return flat


def _spec(tensor: tf.Tensor) -> Spec:
    return tensor.dtype, None if tensor.shape.rank is None else tuple(tensor.shape.as_list())


def _plain(tensor: tf.Tensor) -> str:
    """A tensor's name as nodes have it for an input."""
    return str(tensor.name.removesuffix(":0"))


def _slashed(scope: str) -> str:
    return f"{scope}/" if scope else ""
