"""BERT's optimiser: Adam with decoupled weight decay, and the learning rate's warm-up and decay.

As optimization.py of google-research/bert: no bias correction unless it is asked for, global-norm clip 1.0,
one global step a step.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import tensorflow.compat.v1 as tf

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-6
WEIGHT_DECAY, CLIP_NORM = 0.01, 1.0
ALWAYS: Mapping[str, tf.Tensor] = MappingProxyType({})
UNDECAYED = re.compile(r"LayerNorm|layer_norm|bias")


def learning_rate_at(step: tf.Tensor, rate: float, num_steps: int, num_warmup_steps: int) -> tf.Tensor:
    """float32 scalar: linear warm-up to `rate` over the first steps, then linear decay to 0 at `num_steps`.

    Args:
      step: int64 scalar; steps done before this one.
    """
    done = tf.cast(step, tf.float32)
    decayed = rate * tf.maximum(0.0, 1.0 - done / num_steps)
    if not num_warmup_steps:
        return decayed
    return tf.where(done < num_warmup_steps, rate * done / num_warmup_steps, decayed)


def train_op(
    loss: tf.Tensor,
    variables: Sequence[tf.Variable],
    step: tf.Variable,
    learning_rate: tf.Tensor,
    bias_correction: bool = False,
    moved: Mapping[str, tf.Tensor] = ALWAYS,
) -> tf.Operation:
    """One step over `variables` and no others; `step` advances by one.

    Args:
      moved: Names of variables -> bool scalar: whether this step moves the variable and its moments. Without
        one it always does.
      bias_correction: Whether the moments are corrected for having started at 0 (Kingma and Ba 2015). BERT
        does not, which makes the first steps larger.

    Raises:
      ValueError: The loss does not depend on one of `variables`.
    """
    gradients = tf.gradients(loss, list(variables))
    if unreached := [v.op.name for v, gradient in zip(variables, gradients, strict=True) if gradient is None]:
        raise ValueError(f"the loss does not depend on {', '.join(unreached)}")
    clipped, _ = tf.clip_by_global_norm(gradients, CLIP_NORM)
    rates = {"lr": learning_rate, **_moments(step, bias_correction)}
    decay_rate = learning_rate * WEIGHT_DECAY
    updates = [
        _update(
            variable, tf.convert_to_tensor(gradient), rates, decay_rate, loss, moved.get(variable.op.name)
        )
        for variable, gradient in zip(variables, clipped, strict=True)
    ]
    with tf.control_dependencies(updates):
        return step.assign_add(1, read_value=False)


def _moments(step: tf.Variable, bias_correction: bool) -> dict[str, tf.Tensor]:
    """What Adam needs besides the rate: with both powers at 0 TensorFlow's corrects no bias."""
    powers = [tf.constant(0.0), tf.constant(0.0)]
    if bias_correction:
        number = tf.cast(step, tf.float32) + 1.0
        powers = [tf.pow(beta, number) for beta in (BETA_1, BETA_2)]
    return {
        "beta1": tf.constant(BETA_1),
        "beta2": tf.constant(BETA_2),
        "epsilon": tf.constant(EPSILON),
        "beta1_power": powers[0],
        "beta2_power": powers[1],
    }


def _update(
    variable: tf.Variable,
    gradient: tf.Tensor,
    rates: Mapping[str, tf.Tensor],
    decay_rate: tf.Tensor,
    loss: tf.Tensor,
    moved: tf.Tensor | None,
) -> tf.Operation:
    """Decays and steps one variable (AdamWeightDecayOptimizer of BERT); `rates` are Adam's."""
    name = variable.op.name
    first = _slot(f"{name}/adam_m", variable)
    second = _slot(f"{name}/adam_v", variable)

    def step() -> tf.Operation:
        with tf.control_dependencies([gradient, loss]):  # else the loss may see decayed or moved variables
            decay = _decay(variable, decay_rate)
        with tf.control_dependencies([loss, *decay]):
            return tf.raw_ops.ResourceApplyAdam(
                var=variable.handle, m=first.handle, v=second.handle, grad=gradient, **rates
            )

    return step() if moved is None else _where(moved, step, [gradient, loss])


def _where(moved: tf.Tensor, step: Callable[[], tf.Operation], after: Sequence[tf.Tensor]) -> tf.Operation:
    """Does the step where it is wanted, when `after` is computed."""

    def done() -> tf.Tensor:
        with tf.control_dependencies([step()]):
            return tf.constant(True)

    with tf.control_dependencies(after):
        return tf.cond(moved, done, lambda: tf.constant(False)).op


def _decay(variable: tf.Variable, decay_rate: tf.Tensor) -> list[tf.Operation]:
    """Weight decay apart from the gradient, not on LayerNorm and biases."""
    if UNDECAYED.search(variable.op.name):
        return []
    return [variable.assign_sub(decay_rate * variable, read_value=False)]


def _slot(name: str, variable: tf.Variable) -> tf.Variable:
    return tf.get_variable(
        name, variable.shape, tf.float32, tf.zeros_initializer(), trainable=False, use_resource=True
    )
