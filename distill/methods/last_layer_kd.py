"""Ours: the student's last layer learns all that the teacher's last layer says, beside the answers."""

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
from centrabert.distill.methods.minilm import MiniLM
from centrabert.distill.methods.vanilla_kd import SOFT_WEIGHT
from centrabert.modeling.branch import Branch
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.layers.layer_states import HIDDEN
from centrabert.modeling.task import TaskSpec

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.training.estimator import Tensors
    from centrabert.modeling.training.objective import ModelStates


@dataclass(frozen=True)
class LastLayerKD(MiniLM):
    """minilm, and squared errors of the logits and of the hidden states of the last layers.

    A weight of 0 leaves its part out: its states are neither computed nor kept.

    Raises:
      UserError: A setting is out of range.
    """

    name: ClassVar[str] = "last_layer_kd"
    answer_weights = (*MiniLM.answer_weights, "logit_weight")

    soft_weight: float = setting(0.0, SOFT_WEIGHT)
    logit_weight: float = setting(
        1.0,
        "Weight of the squared difference between the logits of student and teacher, which may take the "
        "place of the soft loss (--soft_weight).",
    )
    hidden_weight: float = setting(
        1.0, "Weight of the squared difference between the last layers' hidden states of all tokens."
    )
    first_weight: float = setting(
        0.0, "Weight of the squared difference between the last layers' hidden states of [CLS]."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_weights(self, "hidden_weight", "first_weight")

    def compared_states(self, teacher: Branch, student: Branch) -> ComparedStates:
        relations = super().compared_states(teacher, student)
        if not self.hidden_weight + self.first_weight:
            return relations
        hidden = compared(((student.depth, teacher.depth),), HIDDEN)
        return ComparedStates(relations.student + hidden.student, relations.teacher + hidden.teacher)

    def loss(
        self, task: TaskSpec, student: "ModelStates", teacher: TeacherStates, features: "Tensors"
    ) -> "tf.Tensor":
        from centrabert.distill.comparison.hidden_states import squared_error, vector_error

        loss = super().loss(task, student, teacher, features)
        logit_error = KINDS[task.kind].logit_error(student.head, teacher.head_of(student))
        loss += self.logit_weight * logit_error
        for own, other in paired(student, teacher, HIDDEN):
            loss += self.hidden_weight * squared_error(own, other, student.real(features))
            loss += self.first_weight * vector_error(own[:, 0], other[:, 0])
        return loss
