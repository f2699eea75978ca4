"""What computes some outputs, shared by all tasks and versions that do the same with weights of their own.

TensorFlow rewrites a graph before it first runs, which takes about a second for the outputs of one task and
longer the more the graph holds beside them. So each set of outputs has a graph of its own, with what it needs
and nothing else, and names without the task's: what two tasks of one shape and with the same labels compute
is then the same graph to the last byte, and is rewritten once.
"""

import hashlib
import threading
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow.compat.v1 as tf
import tensorflow_text  # noqa: F401 (registers the ops of the tokenizer)
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.config_pb2 import CallableOptions

from centrabert.export.engine.fed_weights import FED
from centrabert.export.engine.neutral_names import renamed, without_task

_compiled: "weakref.WeakValueDictionary[str, CompiledGraph]" = weakref.WeakValueDictionary()
_lock = threading.Lock()


class CompiledGraph:
    """A graph, ready to run, whose session ends with the last who holds it. Threads may call it at once.

    Attributes:
      warm: Whether it has run for texts of every usual length; whoever asks sets it.
    """

    def __init__(self, pruned: "PrunedGraph") -> None:
        self.warm = False
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(pruned.graph, name="")
        session = tf.Session(graph=graph)
        weakref.finalize(self, session.close)
        options = CallableOptions(fetch=pruned.fetches, feed=pruned.feeds)
        # Session.make_callable takes 20 microseconds for every array that is fed, this almost nothing.
        self._run = session._make_callable_from_options(options)

    def __call__(self, *feeds: Any) -> list[Any]:
        """The arrays of what is fetched; `feeds` are inputs and then weights."""
        return list(self._run(*feeds))


@dataclass(frozen=True)
class PrunedGraph:
    """The part of a graph that computes some outputs, in names that tell neither task nor version.

    Attributes:
      graph: With the nodes needed and no others.
      fetches: Tensors of it.
      feeds: Tensors of it: the inputs, then the weights.
      weights: The variables to feed, in the order of `feeds`.
    """

    graph: GraphDef
    fetches: tuple[str, ...]
    feeds: tuple[str, ...]
    weights: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Equal where the same is computed."""
        said = hashlib.sha256(self.graph.SerializeToString(deterministic=True))
        said.update(repr((self.fetches, self.feeds)).encode())
        return said.hexdigest()


def compiled(pruned: PrunedGraph) -> CompiledGraph:
    """The graph, made ready unless somebody holds it already.

    Raises:
      ValueError, tf.errors.OpError: It is no graph that TensorFlow can run.
    """
    digest = pruned.digest
    with _lock:
        known = _compiled.get(digest)
    if known is not None:
        return known
    made = CompiledGraph(pruned)  # without the lock: two may make the same, and one of them is dropped
    with _lock:
        return _compiled.setdefault(digest, made)


def pruned_graph(
    graph: GraphDef, nodes: Mapping[str, NodeDef], fetches: Sequence[str], inputs: Sequence[str], task: str
) -> PrunedGraph:
    """What computes `fetches` of `graph` from `inputs`, both tensors' names.

    Args:
      graph: Whose variables are fed, see `feed_variables`.
      nodes: Those of `graph`, by name.
      task: The name of the task that is asked, which the names of nodes shall not tell; "" for several. All
        else in a name stays: how TensorFlow rewrites the graph, so the last bits of an answer, depends on it.
    """
    fed = {_node_name(name) for name in inputs}
    order = list(_ordered(nodes, [_node_name(name) for name in (*fetches, *inputs)], fed))
    weights = _weights(nodes, order)
    feeds = (*inputs, *(f"{name}:0" for name in weights))
    return PrunedGraph(
        without_task(graph, [nodes[name] for name in order], fed, task),
        tuple(renamed(name, task) for name in fetches),
        tuple(renamed(name, task) for name in feeds),
        tuple(name.removesuffix(FED) for name in weights),
    )


def variables(nodes: Mapping[str, NodeDef], fetches: Sequence[str]) -> set[str]:
    """The names of all variables that tensors are computed from."""
    found = _weights(nodes, _ordered(nodes, [_node_name(name) for name in fetches], ()))
    return {name.removesuffix(FED) for name in found}


def _weights(nodes: Mapping[str, NodeDef], names: Iterable[str]) -> list[str]:
    """Those of the nodes that weights are fed to."""
    return [name for name in names if name.endswith(FED) and nodes[name].op == "Placeholder"]


def _ordered(nodes: Mapping[str, NodeDef], wanted: Sequence[str], fed: Collection[str]) -> Iterator[str]:
    """All nodes that `wanted` are computed from, in an order that depends on no name; it ends at `fed`."""
    seen: set[str] = set()
    ahead = [(name, False) for name in reversed(wanted)]
    while ahead:
        name, inputs_done = ahead.pop()
        if inputs_done:
            yield name
        elif name not in seen:
            seen.add(name)
            ahead.append((name, True))
            if name not in fed:
                ahead += [(_node_name(tensor), False) for tensor in reversed(nodes[name].input)]


def _node_name(tensor: str) -> str:
    return tensor.removeprefix("^").partition(":")[0]
