"""DistilBERT as distillation of a task: a start from evenly spaced layers, and the last hidden states."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from centrabert.distill.comparison.layer_pairs import every_nth
from centrabert.distill.methods.method import (
    ComparedStates,
    TeacherStates,
    check_weights,
    compared,
    paired,
    setting,
)
from centrabert.distill.methods.vanilla_kd import HARD_WEIGHT, SOFT_WEIGHT, VanillaKD
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.layer_states import HIDDEN
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.initialization import TEACHER, Initialization

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.training.estimator import Tensors
    from centrabert.modeling.training.objective import ModelStates


@dataclass(frozen=True)
class DistilBERT(VanillaKD):
    """vanilla_kd + cosine_weight * (1 - cosine of the last hidden states) (Sanh et al. 2019).

    The student starts as every second layer of the teacher, or, of a student of other depth, as evenly
    spaced ones. The cosine's mean over tokens is taken. The paper distils on unlabelled text, with masked
    words as labels, and then fine-tunes; the weights 5, 2 and 1 are those of the authors' code for that.

    Raises:
      UserError: A setting is out of range.
    """

    name: ClassVar[str] = "distilbert"

    soft_weight: float = setting(5.0, SOFT_WEIGHT)
    hard_weight: float = setting(2.0, HARD_WEIGHT)
    cosine_weight: float = setting(
        1.0, "Weight of 1 - the cosine between the hidden states of the last layers."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_weights(self, "cosine_weight")

    def initialization(self, teacher: Branch, student: Branch) -> Initialization:
        return Initialization(TEACHER, every_nth(teacher, student))

    def compared_states(self, teacher: Branch, student: Branch) -> ComparedStates:
        return compared(((student.depth, teacher.depth),), HIDDEN)

    def loss(
        self, task: TaskSpec, student: "ModelStates", teacher: TeacherStates, features: "Tensors"
    ) -> "tf.Tensor":
        from centrabert.distill.comparison.hidden_states import cosine_distance

        ((own, other),) = paired(student, teacher, HIDDEN)
        distance = cosine_distance(own, other, student.real(features))
        return super().loss(task, student, teacher, features) + self.cosine_weight * distance
