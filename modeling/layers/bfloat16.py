"""Matrix products of training in bfloat16: float32's range with 8 bits of precision, as on TPUs.

Weights, sums, the optimiser and everything else stay float32. Only layers that train take part: what is
frozen, evaluated, predicted or exported computes in float32.
"""

from collections.abc import Callable
from typing import Any

import tensorflow.compat.v1 as tf

from centrabert.modeling import scopes
from centrabert.modeling.layers.lora import MATRICES

KERNELS = tuple(f"/{matrix}" for matrix in MATRICES.values())


def product(x: tf.Tensor, kernel: "tf.Tensor | tf.Variable") -> tf.Tensor:
    """x kernel; float32 [rows, inputs] and [inputs, outputs] -> float32 [rows, outputs].

    Where the kernel is bfloat16, `x`, the product and, in the gradient, its factors are rounded to bfloat16.
    """
    if kernel.dtype.base_dtype != tf.bfloat16:
        return tf.matmul(x, kernel)
    return tf.cast(tf.matmul(tf.cast(x, tf.bfloat16), kernel), tf.float32)


def rounding(trains: Callable[[str], bool]) -> Callable[..., Any]:
    """A custom getter of variable_scope: the matrices of layers that train are read in bfloat16.

    Args:
      trains: Whether a variable of this name trains.
    """

    def custom_getter(getter: Callable[..., "tf.Variable | tf.Tensor"], name: str, **arguments: Any) -> Any:
        variable = getter(name, **arguments)
        if scopes.LAYER.fullmatch(name) and name.endswith(KERNELS) and trains(name):
            return tf.cast(variable, tf.bfloat16)
        return variable

    return custom_getter
