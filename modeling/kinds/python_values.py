"""A model's numbers and strings as Python has them."""

from typing import Any

import numpy as np
import numpy.typing as npt


def decimals(array: npt.NDArray[np.float32]) -> list[Any]:
    """The shortest decimals that are these float32 again, as nested lists of float."""
    numbers: list[Any] = array.astype(str).astype(np.float64).tolist()
    return numbers


def strings_as_text(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """TensorFlow's strings, bytes of any shape, as objects of str; all other arrays as they are.

    What is no UTF-8 is shown escaped.
    """
    if array.dtype.kind not in "OS":
        return array
    decoded = [text.decode(errors="backslashreplace") for text in array.ravel().tolist()]
    return np.array(decoded, np.object_).reshape(array.shape)
