"""Vanilla knowledge distillation: the student matches the teacher's softened answers and the labels."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from centrabert.distill.methods.method import DistillationMethod, TeacherStates, check_weights, setting
from centrabert.errors import UserError
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.task import TaskSpec

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.training.estimator import Tensors
    from centrabert.modeling.training.objective import ModelStates


TEMPERATURE = "Temperature by which the logits of teacher and student are divided before the softmax."
SOFT_WEIGHT = "Weight of the loss between student and teacher."
HARD_WEIGHT = "Weight of the loss between student and label."


@dataclass(frozen=True)
class VanillaKD(DistillationMethod):
    """soft_weight * soft loss + hard_weight * loss against the label (Hinton, Vinyals and Dean, 2015).

    The paper's method, with the weights of its original code. The soft loss is that of the task's
    kind: of a classification the cross-entropy of the answers softened by `temperature`, times its square.

    Raises:
      UserError: The temperature is not above 0, or a weight is below 0, or both are 0.
    """

    name: ClassVar[str] = "vanilla_kd"
    answer_weights: ClassVar[tuple[str, ...]] = ("soft_weight", "hard_weight")  # not all may be 0

    temperature: float = setting(2.0, TEMPERATURE)
    soft_weight: float = setting(1.0, SOFT_WEIGHT)
    hard_weight: float = setting(1.0, HARD_WEIGHT)

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise UserError(f"--temperature={self.temperature} is not above 0")
        check_weights(self, *self.answer_weights)
        weights = {name: getattr(self, name) for name in self.answer_weights}
        if not any(weights.values()):
            given = " and ".join(f"--{name}={weight}" for name, weight in weights.items())
            raise UserError(f"{given}: one of them must be above 0, or the head learns nothing")

    @property
    def reads_answers(self) -> bool:
        return any(getattr(self, name) for name in self.answer_weights if name != "hard_weight")

    def loss(
        self, task: TaskSpec, student: "ModelStates", teacher: TeacherStates, features: "Tensors"
    ) -> "tf.Tensor":
        from centrabert.modeling.training.token_dataset import LABELLED

        kind = KINDS[task.kind]
        soft = kind.soft_loss(student.head, teacher.head_of(student), self.temperature)
        hard = kind.loss(student.head, features["labels"])
        if LABELLED in features:
            hard *= features[LABELLED]
        return self.soft_weight * soft + self.hard_weight * hard
