"""Knowledge distillation: what a student is asked to match."""

import math
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.errors import UserError
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import Head
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
    """Weighted sum of soft and hard loss; the features carry `teacher_logits` float32 [batch, ...]."""

    def loss(task: TaskSpec, head: Head, features: Tensors) -> tf.Tensor:
        soft = KINDS[task.kind].soft_loss(head, features["teacher_logits"], settings.temperature)
        return settings.soft_weight * soft + settings.hard_weight * task_loss(task, head, features)

    return loss
