"""Answers of a SavedModel in this process, as TF Serving would give them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from centrabert.errors import UserError
from centrabert.export.contract.signature_spec import SignatureSpec, TensorSpec
from centrabert.export.engine.compiled_graph import CompiledGraph
from centrabert.export.engine.fed_weights import Weights, read_weights
from centrabert.export.engine.saved_graph import SavedGraph, damage_told, saved_graph

Arrays = dict[str, npt.NDArray[Any]]


class Predictor:
    """A loaded SavedModel: its weights, in memory once, and a graph for each set of outputs asked for.

    Graphs are shared with every other predictor that computes the same; see `compiled_graph.py`.

    Args:
      folder: A version folder, with saved_model.pb.
      only: Names of signatures; of the others no weights are loaded. None loads all.
      known: Values of variables, from `weights` of another predictor, that need not be read from `folder`.

    Attributes:
      signatures: By name.
      signature_defs: The same as TensorFlow writes them, which is what clients get as metadata.
      weights: By the variables' names.

    Raises:
      UserError: `folder` holds no SavedModel that can be loaded.
    """

    def __init__(
        self, folder: Path, only: Collection[str] | None = None, known: Weights | None = None
    ) -> None:
        self._folder = folder
        self._graph: SavedGraph | None = saved_graph(folder)
        every = self._graph.signature_defs
        self.signature_defs = {name: each for name, each in every.items() if only is None or name in only}
        self.signatures = {name: _spec(name, each) for name, each in self.signature_defs.items()}
        with damage_told(folder):
            variables = self._graph.variables(self.signature_defs)
        self.weights = {name: array for name, array in (known or {}).items() if name in variables}
        self.weights.update(read_weights(folder, variables - self.weights.keys()))

    def __enter__(self) -> "Predictor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees what nobody else uses; it cannot be asked again."""
        self._graph, self.weights = None, {}

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
        wanted = tuple(self._definition(signature).outputs if outputs is None else outputs)
        given = sorted(inputs)
        run, weights = self._computation(signature, given, wanted)
        answers = run(*(np.asarray(inputs[name]) for name in given), *weights)
        return dict(zip(wanted, answers, strict=True))

    def graph(self, signature: str, inputs: Collection[str]) -> CompiledGraph:
        """What computes all outputs of a signature from some of its inputs."""
        return self._computation(signature, sorted(inputs), tuple(self._definition(signature).outputs))[0]

    def answers_as(self, other: "Predictor", signature: str) -> bool:
        """Whether both answer the same, to the last bit: by the same graph, with the very same weights.

        Where they do not share them, it is False even if they are equal.
        """
        if signature not in other.signatures or not self._has_weights_of(other, signature):
            return False
        inputs = self.signatures[signature].inputs
        return self.graph(signature, inputs) is other.graph(signature, inputs)

    @property
    def graphs(self) -> list[CompiledGraph]:
        """What it has computed with so far; as long as somebody keeps them, nobody need make them again."""
        return self._open().graphs

    def _has_weights_of(self, other: "Predictor", signature: str) -> bool:
        own, others = (each._open().variables([signature]) for each in (self, other))
        return own == others and all(self.weights[name] is other.weights[name] for name in own)

    def _open(self) -> SavedGraph:
        if (graph := self._graph) is None:
            raise RuntimeError("this predictor was closed")
        return graph

    def _definition(self, signature: str) -> SignatureDef:
        return cast(SignatureDef, _find(self.signature_defs, signature, "signature"))

    def _computation(
        self, signature: str, inputs: Sequence[str], outputs: Sequence[str]
    ) -> tuple[CompiledGraph, list[npt.NDArray[Any]]]:
        """What computes `outputs` from `inputs`, and the weights to feed after these."""
        definition, weights = self._definition(signature), self.weights
        fetches = tuple(_find(definition.outputs, name, f"output of {signature}").name for name in outputs)
        feeds = tuple(_find(definition.inputs, name, f"input of {signature}").name for name in inputs)
        with damage_told(self._folder):
            graph, variables = self._open().computation(self.signatures[signature].task, fetches, feeds)
        return graph, [weights[name] for name in variables]


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
