"""Answers of a SavedModel in this process, as TF Serving would give them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow.compat.v1 as tf
import tensorflow_text  # noqa: F401 (registers the ops of the tokenizer)

Arrays = dict[str, npt.NDArray[Any]]


class Predictor:
    """A loaded SavedModel; all signatures share one session and so one copy of the weights.

    Args:
      folder: A version folder, with saved_model.pb.

    Raises:
      ValueError: `folder` holds no SavedModel that can be loaded.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "saved_model.pb").is_file():
            raise ValueError(f"{folder}: holds no saved_model.pb; give the folder of one version")
        graph = tf.Graph()
        self._session = tf.Session(graph=graph)
        try:
            with graph.as_default():
                meta_graph = tf.saved_model.load(self._session, [tf.saved_model.SERVING], str(folder))
        except (tf.errors.OpError, OSError, RuntimeError) as error:
            self._session.close()
            raise ValueError(f"{folder}: cannot load the SavedModel: {error}") from None
        self._signatures = dict(meta_graph.signature_def)

    def __enter__(self) -> "Predictor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    @property
    def signatures(self) -> tuple[str, ...]:
        return tuple(sorted(self._signatures))

    def predict(
        self, signature: str, inputs: Mapping[str, npt.ArrayLike], outputs: Sequence[str] | None = None
    ) -> Arrays:
        """Computes the `outputs` of a signature and nothing else.

        Args:
          inputs: By the signature's names; text_b may be left out, and is then empty.
          outputs: The signature's names, or None for all.

        Returns:
          By output, batch first; labels are bytes in UTF-8.

        Raises:
          ValueError: There is no such signature, input or output.
        """
        definition = _find(self._signatures, signature, "signature")
        feeds = {
            _find(definition.inputs, name, f"input of {signature}").name: np.asarray(value)
            for name, value in inputs.items()
        }
        wanted = definition.outputs if outputs is None else outputs
        fetches = {name: _find(definition.outputs, name, f"output of {signature}").name for name in wanted}
        answers: Arrays = self._session.run(fetches, feeds)
        return answers


def _find(known: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in known:
        raise ValueError(f"there is no {what} {name!r}; known are {', '.join(sorted(known))}")
    return known[name]
