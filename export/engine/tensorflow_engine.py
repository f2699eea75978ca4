"""Answers of a SavedModel in this process, as TF Serving would give them."""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from centrabert.errors import UserError
from centrabert.export.contract.signature_spec import SignatureSpec, TensorSpec
from centrabert.export.engine.fed_weights import read_weights
from centrabert.export.engine.loaded_graph import LoadedGraph

Arrays = dict[str, npt.NDArray[Any]]


class Predictor:
    """A loaded SavedModel; all signatures share one session and so one copy of the weights.

    Args:
      folder: A version folder, with saved_model.pb.
      only: Names of signatures; of the others nothing is loaded, no weights either. None loads all.
      fed: Names of variables of which `with_weights` may make others.

    Attributes:
      signatures: By name.
      signature_defs: The same as TensorFlow writes them, which is what clients get as metadata.

    Raises:
      UserError: `folder` holds no SavedModel that can be loaded.
    """

    def __init__(self, folder: Path, only: Collection[str] | None = None, fed: Collection[str] = ()) -> None:
        self._weights = read_weights(folder, fed)
        self._graph = LoadedGraph(folder, only, set(fed))
        self._graph.enter(self)
        self.signature_defs = self._graph.signature_defs
        self.signatures = {name: _spec(name, each) for name, each in self.signature_defs.items()}

    def with_weights(self, folder: Path, names: Collection[str]) -> "Predictor":
        """A predictor of a version with the same graph, which differs in some of the variables that are fed.

        Graph, session, what a first run made ready and all other weights are those of this one; each of the
        two is closed on its own.

        Args:
          names: Of the variables that are read from `folder`.

        Raises:
          UserError: They cannot be read.
        """
        other = copy(self)
        other._weights = {**self._weights, **read_weights(folder, names)}
        other._graph.enter(other)
        return other

    def __enter__(self) -> "Predictor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._graph.leave(self)

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
        answers = self._graph.run(fetches, feeds, self._weights)
        return dict(zip(wanted, answers, strict=True))


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
