"""A SavedModel's graph: for each set of outputs that is asked for, what computes it."""

import hashlib
import threading
import weakref
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import SAVED_MODEL
from centrabert.export.engine.compiled_graph import CompiledGraph, compiled, pruned_graph, variables
from centrabert.export.engine.fed_weights import feed_variables
from centrabert.modeling.checkpoint import reason

Computation = tuple[CompiledGraph, tuple[str, ...]]  # and the variables to feed it after its inputs

_graphs: "weakref.WeakValueDictionary[str, SavedGraph]" = weakref.WeakValueDictionary()
_lock = threading.Lock()


class SavedGraph:
    """What saved_model.pb says; the graph of a version folder without its weights.

    Attributes:
      signature_defs: By name, as TensorFlow writes them.
    """

    def __init__(self, meta_graph: MetaGraphDef) -> None:
        self.signature_defs: Mapping[str, SignatureDef] = dict(meta_graph.signature_def)
        self._graph = meta_graph.graph_def
        feed_variables(self._graph)
        self._nodes = {node.name: node for node in self._graph.node}
        self._computations: dict[tuple[tuple[str, ...], tuple[str, ...]], Computation] = {}

    @property
    def graphs(self) -> list[CompiledGraph]:
        """Those made so far."""
        return [graph for graph, _ in self._computations.values()]

    def variables(self, signatures: Collection[str]) -> set[str]:
        """The variables that some signatures need."""
        definitions = (self.signature_defs[name] for name in signatures)
        tensors = [info.name for each in definitions for info in each.outputs.values()]
        return variables(self._nodes, tensors)

    def computation(self, task: str, fetches: tuple[str, ...], inputs: tuple[str, ...]) -> Computation:
        """What computes tensors of the graph from others, by their names.

        The first time it takes about a second, unless another graph that is in use computes the same.

        Args:
          task: The name of the task that is asked; "" for several.
        """
        key = (fetches, inputs)
        if key not in self._computations:
            pruned = pruned_graph(self._graph, self._nodes, fetches, inputs, task)
            return self._computations.setdefault(key, (compiled(pruned), pruned.weights))
        return self._computations[key]


@contextmanager
def damage_told(folder: Path) -> Iterator[None]:
    """Raises UserError where the graph of a version turns out to be none that TensorFlow can run."""
    try:
        yield
    except (KeyError, IndexError, ValueError, tf.errors.OpError) as error:
        told = reason(error) if isinstance(error, tf.errors.OpError) else f"{error}"
        raise UserError(f"{folder}: cannot load the SavedModel: {told}") from None


def saved_graph(folder: Path) -> SavedGraph:
    """The graph of a version; versions with the same saved_model.pb share it as long as one is in use.

    Raises:
      UserError: `folder` holds no SavedModel that can be read.
    """
    file = folder / SAVED_MODEL
    if not file.is_file():
        raise UserError(f"{folder}: holds no {SAVED_MODEL}; give the folder of one version")
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    with _lock:
        if (known := _graphs.get(digest)) is not None:
            return known
    meta_graph = _serving_graph(content, file)
    with damage_told(folder):
        made = SavedGraph(meta_graph)
    with _lock:
        return _graphs.setdefault(digest, made)


def _serving_graph(content: bytes, file: Path) -> MetaGraphDef:
    try:
        meta_graphs = SavedModel.FromString(content).meta_graphs
    except DecodeError:
        raise UserError(f"{file}: is damaged; export the model again") from None
    for meta_graph in meta_graphs:
        if set(meta_graph.meta_info_def.tags) == {tf.saved_model.SERVING}:
            return meta_graph
    raise UserError(f"{file}: has no graph with the tag {tf.saved_model.SERVING!r}")
