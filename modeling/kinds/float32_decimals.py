"""Numbers of a model as Python floats that look like them."""

from typing import Any

import numpy as np
import numpy.typing as npt


def decimals(array: npt.NDArray[np.float32]) -> list[Any]:
    """The shortest decimals that are these float32 again, as nested lists of float."""
    numbers: list[Any] = array.astype(str).astype(np.float64).tolist()
    return numbers
