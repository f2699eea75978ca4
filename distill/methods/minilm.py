"""MiniLM as distillation of a task: the last layer's attention and the relations of its values."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from centrabert.distill.methods.method import (
    ComparedStates,
    TeacherStates,
    check_weights,
    compared,
    paired,
    setting,
)
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.layer_states import ATTENTION_SCORES, VALUE
from centrabert.modeling.task import TaskSpec

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.training.estimator import Tensors
    from centrabert.modeling.training.objective import ModelStates

ATTENTION_WEIGHT = "Weight of the KL divergence between the attention distributions of the last layers."
VALUE_WEIGHT = "Weight of the KL divergence between the value relations of the last layers."


@dataclass(frozen=True)
class MiniLM(VanillaKD):
    """vanilla_kd + attention_weight * attention + value_weight * values (Wang et al. 2020).

    Attention is the KL divergence of the student's attention distributions from the teacher's, values that
    of the softmax of the scaled products of values, both of the last layers, the mean over heads and
    tokens. The paper compares on unlabelled text, with a weight of 1 each, and then fine-tunes.

    Raises:
      UserError: A setting is out of range.
    """

    name: ClassVar[str] = "minilm"

    attention_weight: float = setting(1.0, ATTENTION_WEIGHT)
    value_weight: float = setting(1.0, VALUE_WEIGHT)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_weights(self, "attention_weight", "value_weight")

    def compared_states(self, teacher: Branch, student: Branch) -> ComparedStates:
        wanted = {ATTENTION_SCORES: self.attention_weight, VALUE: self.value_weight}
        kinds = [kind for kind, weight in wanted.items() if weight]
        return compared(((student.depth, teacher.depth),), *kinds)

    def loss(
        self, task: TaskSpec, student: "ModelStates", teacher: TeacherStates, features: "Tensors"
    ) -> "tf.Tensor":
        from centrabert.distill.comparison.relations import divergence, products

        loss, real = super().loss(task, student, teacher, features), student.real(features)
        for own, other in paired(student, teacher, ATTENTION_SCORES):
            loss += self.attention_weight * divergence(own, other, real)
        for own, other in paired(student, teacher, VALUE):
            loss += self.value_weight * divergence(products(own), products(other), real)
        return loss
