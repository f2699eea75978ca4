"""Answers of a SavedModel in this process, as TF Serving would give them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf
import tensorflow_text  # noqa: F401 (registers the ops of the tokenizer)
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, SignatureDef, TensorInfo
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from centrabert.errors import UserError
from centrabert.export.contract.signature_spec import SignatureSpec, TensorSpec
from centrabert.export.contract.version_folder import SAVED_MODEL, VARIABLES

Arrays = dict[str, npt.NDArray[Any]]


class Predictor:
    """A loaded SavedModel; all signatures share one session and so one copy of the weights.

    Args:
      folder: A version folder, with saved_model.pb.
      only: Names of signatures; of the others nothing is loaded, no weights either. None loads all.

    Attributes:
      signatures: By name.
      signature_defs: The same as TensorFlow writes them, which is what clients get as metadata.

    Raises:
      UserError: `folder` holds no SavedModel that can be loaded.
    """

    def __init__(self, folder: Path, only: Collection[str] | None = None) -> None:
        meta_graph = _read_meta_graph(folder)
        if only is not None:
            _prune(meta_graph, only)
        graph = tf.Graph()
        self._session = tf.Session(graph=graph)
        self.signature_defs: Mapping[str, SignatureDef] = dict(meta_graph.signature_def)
        self.signatures = {name: _spec(name, each) for name, each in self.signature_defs.items()}
        self._callables: dict[tuple[tuple[str, ...], tuple[str, ...]], Callable[..., list[Any]]] = {}
        try:
            with graph.as_default():
                tf.import_graph_def(meta_graph.graph_def, name="")
                self._session.run(_restored(graph, str(folder / VARIABLES)))
        except (tf.errors.OpError, ValueError) as error:
            self._session.close()
            raise UserError(f"{folder}: cannot load the SavedModel: {error}") from None

    def __enter__(self) -> "Predictor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def predict(
        self, signature: str, inputs: Mapping[str, npt.ArrayLike], outputs: Sequence[str] | None = None
    ) -> Arrays:
        """Computes the `outputs` of a signature and nothing else. Threads may call it at once.

        Args:
          inputs: By the signature's names; text_b may be left out, and is then empty.
          outputs: The signature's names, or None for all.

        Returns:
          By output, batch first; labels are bytes in UTF-8.

        Raises:
          UserError: There is no such signature, input or output.
        """
        definition = _find(self.signature_defs, signature, "signature")
        feeds = {
            _find(definition.inputs, name, f"input of {signature}").name: np.asarray(value)
            for name, value in inputs.items()
        }
        wanted = tuple(definition.outputs if outputs is None else outputs)
        fetches = tuple(_find(definition.outputs, name, f"output of {signature}").name for name in wanted)
        answers = self._callable(fetches, tuple(feeds))(*feeds.values())
        return dict(zip(wanted, answers, strict=True))

    def _callable(self, fetches: tuple[str, ...], feeds: tuple[str, ...]) -> Callable[..., list[Any]]:
        """What runs the graph from `feeds` to `fetches`; kept, for making one costs more than a small run."""
        key = (fetches, feeds)
        if key not in self._callables:
            self._callables[key] = self._session.make_callable(list(fetches), list(feeds))
        return self._callables[key]


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
    nodes = sorted({name.partition(":")[0] for name in tensors})
    needed = tf.graph_util.extract_sub_graph(meta_graph.graph_def, nodes)
    meta_graph.graph_def.CopyFrom(needed)


def _restored(graph: tf.Graph, prefix: str) -> list[tf.Operation]:
    """What fills every variable of `graph` from the checkpoint `prefix`."""
    handles = [operation for operation in graph.get_operations() if operation.type == "VarHandleOp"]
    types = [handle.get_attr("dtype") for handle in handles]
    names = [handle.name for handle in handles]
    tensors = tf.raw_ops.RestoreV2(
        prefix=prefix, tensor_names=names, shape_and_slices=[""] * len(names), dtypes=types
    )
    return [
        tf.raw_ops.AssignVariableOp(resource=handle.outputs[0], value=tensor)
        for handle, tensor in zip(handles, tensors, strict=True)
    ]


def _spec(name: str, definition: SignatureDef) -> SignatureSpec:
    inputs, outputs = (
        {key: _tensor_spec(info) for key, info in infos.items()}
        for infos in (definition.inputs, definition.outputs)
    )
    return SignatureSpec(name, inputs, outputs)


def _tensor_spec(info: TensorInfo) -> TensorSpec:
    shape = tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim)
    return TensorSpec(str(tf.as_dtype(info.dtype).name), shape)


def _find(known: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in known:
        raise UserError(f"there is no {what} {name!r}; known are {', '.join(sorted(known))}")
    return known[name]
