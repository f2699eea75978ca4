"""Knowledge distillation: what a student is asked to match."""

import math
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.errors import UserError
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.branch_model import LossFn, task_loss
from centrabert.modeling.training.estimator import Tensors


@dataclass(frozen=True)
class Distillation:
    """The paper's vanilla distillation, with the weights of its original code.

    Attributes:
      temperature: Softens teacher and student; the original code uses 2. Regression has no softmax and
        ignores it.
      soft_weight: Of the loss against the teacher.
      hard_weight: Of the loss against the label.
    """

    temperature: float = 2.0
    soft_weight: float = 1.0
    hard_weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise UserError(f"--temperature={self.temperature} is not above 0")
        weights = (self.soft_weight, self.hard_weight)
        if not all(0 <= weight < math.inf for weight in weights) or not sum(weights):
            raise UserError(
                f"--soft_weight={self.soft_weight} and --hard_weight={self.hard_weight}: "
                "neither may be below 0, nor both be 0"
            )


def distillation_loss(settings: Distillation) -> LossFn:
    """Weighted sum of soft and hard loss; the features carry `teacher_logits` float32 [batch, outputs]."""

    def loss(task: TaskSpec, logits: tf.Tensor, features: Tensors) -> tf.Tensor:
        soft = _soft_loss(task, logits, features["teacher_logits"], settings.temperature)
        return settings.soft_weight * soft + settings.hard_weight * task_loss(task, logits, features)

    return loss


def _soft_loss(task: TaskSpec, logits: tf.Tensor, teacher: tf.Tensor, temperature: float) -> tf.Tensor:
    """float32 [batch]: T^2 times the cross-entropy of the softened answers, or the squared difference."""
    if task.kind == "regression":
        return tf.square(logits[:, 0] - teacher[:, 0])
    target = tf.nn.softmax(teacher / temperature)
    cross_entropy = tf.nn.softmax_cross_entropy_with_logits_v2(labels=target, logits=logits / temperature)
    return temperature**2 * cross_entropy
