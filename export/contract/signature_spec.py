"""What a signature reads and answers: names, types and shapes of its tensors, without TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


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

    def blank(self, rows: int) -> npt.NDArray[Any]:
        """The value of so many rows for which nothing was computed: "" or 0."""
        shape = [rows, *(size or 0 for size in self.shape[1:])]
        return np.full(shape, b"" if self.dtype == "string" else 0, self.numpy_dtype)


@dataclass(frozen=True)
class SignatureSpec:
    """A signature, with its inputs and outputs by name."""

    name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
