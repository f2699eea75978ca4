"""What a signature reads and answers: names, types and shapes of its tensors, without TensorFlow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.export.contract.signature_names import DEFAULT, IDS_SUFFIX, ROUTE, ROUTE_IDS, WORDS_SUFFIX


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a signature.

    Attributes:
      dtype: TensorFlow's name: "string", "int32", "float32" or "bool".
      shape: The batch first; None where any size will do.
    """

    dtype: str
    shape: tuple[int | None, ...]

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """Texts are arrays of objects, each of which is bytes."""
        return np.dtype(object if self.dtype == "string" else self.dtype)

    def blank(self, rows: int, longest: Sequence[int] = ()) -> npt.NDArray[Any]:
        """The value of so many rows for which nothing was computed: "" or 0.

        Args:
          longest: The sizes of the other axes, where any size will do.
        """
        given = longest or [0] * len(self.shape)
        shape = [
            rows,
            *(of_any if size is None else size for size, of_any in zip(self.shape[1:], given, strict=False)),
        ]
        return np.full(shape, b"" if self.dtype == "string" else 0, self.numpy_dtype)


@dataclass(frozen=True)
class SignatureSpec:
    """A signature, with its inputs and outputs by name."""

    name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    @property
    def task(self) -> str:
        """The task of `<task>`, `<task>_ids` or `<task>_words`; "" of a signature that asks several."""
        if self.name in (DEFAULT, ROUTE, ROUTE_IDS):
            return ""
        suffixes = {"input_ids": IDS_SUFFIX, "words": WORDS_SUFFIX}
        return self.name.removesuffix("".join(suffixes[name] for name in suffixes if name in self.inputs))
