"""A SavedModel's graph in a session, which ends with the last of those who use it."""

import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf
import tensorflow_text  # noqa: F401 (registers the ops of the tokenizer)
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.protobuf.config_pb2 import CallableOptions
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import SAVED_MODEL, VARIABLES
from centrabert.export.engine.fed_weights import FED, Weights, fed_variables, feed_variables
from centrabert.modeling.checkpoint import reason

Run = Callable[..., list[Any]]


class LoadedGraph:
    """The graph of a version folder in a session, and the weights of it that are not fed.

    Args:
      folder: With saved_model.pb.
      only: Names of signatures; of the others nothing is loaded, no weights either. None loads all.
      fed: Names of variables whose values come with every call.

    Attributes:
      signature_defs: By name, as TensorFlow writes them.

    Raises:
      UserError: `folder` holds no SavedModel that can be loaded.
    """

    def __init__(self, folder: Path, only: Collection[str] | None, fed: Collection[str]) -> None:
        meta_graph = _read_meta_graph(folder)
        if only is not None:
            _prune(meta_graph, only)
        feed_variables(meta_graph.graph_def, fed)
        self.signature_defs: Mapping[str, SignatureDef] = dict(meta_graph.signature_def)
        self._callables: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[Run, list[str]]] = {}
        self._users: set[object] = set()
        self._lock = threading.Lock()
        self._graph = tf.Graph()
        self._session = tf.Session(graph=self._graph)
        try:
            with self._graph.as_default():
                tf.import_graph_def(meta_graph.graph_def, name="")
                self._session.run(_restored(self._graph, str(folder / VARIABLES), fed))
        except (tf.errors.OpError, ValueError) as error:
            self._session.close()
            told = reason(error) if isinstance(error, tf.errors.OpError) else error
            raise UserError(f"{folder}: cannot load the SavedModel: {told}") from None

    def enter(self, user: object) -> None:
        """Keeps the session until `user` leaves."""
        with self._lock:
            self._users.add(user)

    def leave(self, user: object) -> None:
        """Ends the session if `user` was the last; to leave twice is to leave once."""
        with self._lock:
            self._users.discard(user)
            if not self._users:
                self._session.close()

    def run(self, fetches: tuple[str, ...], feeds: Mapping[str, Any], weights: Weights) -> list[Any]:
        """The arrays of `fetches`, tensors' names. Threads may call it at once.

        Args:
          feeds: Arrays by tensors' names.
          weights: Of all variables that are fed; those are taken that `fetches` need.
        """
        key = (fetches, tuple(feeds))
        if key not in self._callables:
            self._callables[key] = self._callable(*key)
        run, needed = self._callables[key]
        return run(*feeds.values(), *(weights[name] for name in needed))

    def _callable(self, fetches: tuple[str, ...], feeds: tuple[str, ...]) -> tuple[Run, list[str]]:
        """What runs the graph, and the variables to feed after `feeds`; making one costs more than a run."""
        needed = fed_variables(self._graph, fetches)
        options = CallableOptions(fetch=fetches, feed=[*feeds, *(f"{name}{FED}:0" for name in needed)])
        # Session.make_callable takes 20 microseconds for every array that is fed, this almost nothing.
        return self._session._make_callable_from_options(options), needed


def _read_meta_graph(folder: Path) -> MetaGraphDef:
    """The graph for serving."""
    file = folder / SAVED_MODEL
    if not file.is_file():
        raise UserError(f"{folder}: holds no {SAVED_MODEL}; give the folder of one version")
    try:
        meta_graphs = SavedModel.FromString(file.read_bytes()).meta_graphs
    except DecodeError:
        raise UserError(f"{file}: is damaged; export the model again") from None
    for meta_graph in meta_graphs:
        if set(meta_graph.meta_info_def.tags) == {tf.saved_model.SERVING}:
            return meta_graph
    raise UserError(f"{file}: has no graph with the tag {tf.saved_model.SERVING!r}")


def _prune(meta_graph: MetaGraphDef, signatures: Collection[str]) -> None:
    """Leaves only what some signatures need."""
    for name in meta_graph.signature_def.keys() - set(signatures):
        del meta_graph.signature_def[name]
    tensors = (
        info.name
        for definition in meta_graph.signature_def.values()
        for info in (*definition.inputs.values(), *definition.outputs.values())
    )
    needed = _reached(meta_graph.graph_def, {name.partition(":")[0] for name in tensors})
    kept = [node for node in meta_graph.graph_def.node if node.name in needed]
    del meta_graph.graph_def.node[:]
    meta_graph.graph_def.node.extend(kept)


def _reached(graph: GraphDef, names: set[str]) -> set[str]:
    """`names` and every node that they are computed from."""
    inputs = {node.name: [name.lstrip("^").partition(":")[0] for name in node.input] for node in graph.node}
    reached, ahead = set(names), list(names)
    while ahead:
        new = set(inputs[ahead.pop()]) - reached
        reached |= new
        ahead += new
    return reached


def _restored(graph: tf.Graph, prefix: str, fed: Collection[str]) -> list[tf.Operation]:
    """What fills every variable of `graph` but those that are fed from the checkpoint `prefix`."""
    variables = [operation for operation in graph.get_operations() if operation.type == "VarHandleOp"]
    handles = [variable for variable in variables if variable.name not in fed]
    types = [handle.get_attr("dtype") for handle in handles]
    names = [handle.name for handle in handles]
    tensors = tf.raw_ops.RestoreV2(
        prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names), dtypes=types
    )
    return [
        tf.raw_ops.AssignVariableOp(resource=handle.outputs[0], value=tensor)
        for handle, tensor in zip(handles, tensors, strict=True)
    ]
