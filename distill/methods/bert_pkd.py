"""Patient knowledge distillation: vanilla's loss, and the teacher's [CLS] at the layers in between."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from centrabert.distill.comparison.layer_pairs import evenly_spaced, topmost
from centrabert.distill.methods.method import (
    ComparedStates,
    TeacherStates,
    check_pairs,
    check_weights,
    compared,
    paired,
    setting,
)
from centrabert.distill.methods.vanilla_kd import HARD_WEIGHT, SOFT_WEIGHT, TEMPERATURE, VanillaKD
from centrabert.errors import UserError
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.layer_states import HIDDEN
from centrabert.modeling.task import TaskSpec

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.training.estimator import Tensors
    from centrabert.modeling.training.objective import ModelStates

PAIRINGS = {"skip": evenly_spaced, "last": topmost}


@dataclass(frozen=True)
class BertPKD(VanillaKD):
    """vanilla_kd + patience_weight * squared error of [CLS] (Sun, Cheng, Gan and Liu, 2019).

    Compared are the hidden states of [CLS], each divided by its length, of the student's own layers but
    the last; the mean over layers and numbers is taken, as in the authors' code. The student starts as
    the teacher's lowest layers.

    The defaults are the middle of what the paper tried: temperatures 5, 10, 20; weights of the soft loss
    0.2, 0.5, 0.7, with the label's adding up to 1; patience 10, 100, 500, 1000.

    Raises:
      UserError: A setting is out of range.
    """

    name: ClassVar[str] = "bert_pkd"

    temperature: float = setting(10.0, TEMPERATURE)
    soft_weight: float = setting(0.5, SOFT_WEIGHT)
    hard_weight: float = setting(0.5, HARD_WEIGHT)
    patience: str = setting(
        "skip",
        "Which of the teacher's layers the student's layers, except the last one, learn from: skip (evenly "
        "spaced ones) or last (the topmost ones below the last).",
    )
    patience_weight: float = setting(100.0, "Weight of the squared error between the layers' [CLS].")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patience not in PAIRINGS:
            raise UserError(f"--patience={self.patience} is none of {', '.join(PAIRINGS)}")
        check_weights(self, "patience_weight")

    def compared_states(self, teacher: Branch, student: Branch) -> ComparedStates:
        if student.tuned < 2:
            raise UserError(
                f"--method={self.name} compares the student's own layers but the last, and "
                f"--student_layers={student.tuned} leaves none; take 2 or more, or --method=vanilla_kd"
            )
        check_pairs(self, teacher, student)
        return compared(PAIRINGS[self.patience](teacher, student)[:-1], HIDDEN)

    def loss(
        self, task: TaskSpec, student: "ModelStates", teacher: TeacherStates, features: "Tensors"
    ) -> "tf.Tensor":
        import tensorflow.compat.v1 as tf

        from centrabert.distill.comparison.hidden_states import direction_error

        pairs = paired(student, teacher, HIDDEN)
        errors = [direction_error(own[:, 0], other[:, 0]) for own, other in pairs]
        patience = tf.add_n(errors) / len(errors)
        return super().loss(task, student, teacher, features) + self.patience_weight * patience
