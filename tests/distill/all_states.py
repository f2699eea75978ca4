"""A method of distillation for tests: it compares every state that there is."""

from dataclasses import dataclass
from typing import Any, ClassVar

import tensorflow.compat.v1 as tf

from centrabert.distill.methods.method import ComparedStates, DistillationMethod, TeacherStates, setting
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.layer_states import HIDDEN, STATE_KINDS, LayerState
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.estimator import Tensors
from centrabert.modeling.training.objective import ModelStates


@dataclass(frozen=True)
class AllStates(DistillationMethod):
    """The squared difference of all states of the topmost layers, at tokens, and of the logits.

    The student's layers are compared with as many of the teacher, the topmost ones.
    """

    name: ClassVar[str] = "all_states"

    weight: float = setting(0.01, "Weight of the states.")

    def compared_states(self, teacher: Branch, student: Branch) -> ComparedStates:
        higher = teacher.depth - student.depth
        depths = range(student.depth, student.frozen, -1)
        return ComparedStates(
            tuple(LayerState(kind, depth) for kind in STATE_KINDS for depth in depths),
            tuple(LayerState(kind, depth + higher) for kind in STATE_KINDS for depth in depths),
        )

    def loss(
        self, task: TaskSpec, student: ModelStates, teacher: TeacherStates, features: Tensors
    ) -> tf.Tensor:
        real = tf.cast(tf.not_equal(features["input_ids"], 0), tf.float32)  # [batch, length]
        loss = tf.reduce_sum(tf.square(student.logits - teacher.logits), 1)
        for state, other in paired(student.layers, teacher.layers):
            difference = student.layers[state] - teacher.layers[other]
            squares = tf.square(difference * at_tokens(state, real))
            loss += self.weight * tf.reduce_sum(squares, list(range(1, squares.shape.rank)))
        return loss


def paired(student: Any, teacher: Any) -> list[tuple[LayerState, LayerState]]:
    """The states of both, sorted, which pairs them by kind and order of depth."""
    return list(zip(sorted(student), sorted(teacher), strict=True))


def at_tokens(state: LayerState, real: Any) -> Any:
    """1 where both ends of a state are tokens, 0 elsewhere, in a shape that goes with the state's.

    Args:
      real: float [batch, length], of NumPy or TensorFlow.
    """
    if state.kind == HIDDEN:
        return real[:, :, None]
    if state.kind.startswith("attention"):
        return real[:, None, :, None] * real[:, None, None, :]
    return real[:, None, :, None]
