"""TinyBERT's distillation of a task: first all layers, then the answers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from centrabert.distill.comparison.layer_pairs import evenly_spaced
from centrabert.distill.methods.method import (
    ComparedStates,
    TeacherStates,
    check_pairs,
    compared,
    paired,
    setting,
)
from centrabert.distill.methods.vanilla_kd import HARD_WEIGHT, TEMPERATURE, VanillaKD
from centrabert.errors import UserError
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.layer_states import ATTENTION_SCORES, HIDDEN, LayerState
from centrabert.modeling.task import TaskSpec

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.training.estimator import Tensors
    from centrabert.modeling.training.objective import ModelStates


@dataclass(frozen=True)
class TinyBERT(VanillaKD):
    """Squared errors of hidden states and attention scores, then vanilla_kd's loss (Jiao et al. 2020).

    Evenly spaced own layers are compared, and the embeddings where the student trains them and the teacher
    has no frozen layers; of each the mean over tokens, and all are summed. As student and teacher are as
    wide, there is no projection. Both stages share one schedule of the learning rate: with the default each
    has half of the steps. In the paper the first has 10 to 20 epochs and the second 3, at a temperature of
    1 and without labels. The paper's general distillation is `centrabert compress --method=tinybert`, whose
    BERT can be the student's (--student_bert_dir). Its augmentation of the training rows, which asks a
    masked language model for other words, is no part of this.

    Raises:
      UserError: A setting is out of range.
    """

    name: ClassVar[str] = "tinybert"

    temperature: float = setting(1.0, TEMPERATURE)
    hard_weight: float = setting(0.0, HARD_WEIGHT)
    layer_share: float = setting(
        0.5,
        "Share of the steps, from 0 to below 1, in which the student learns the layers alone; after that it "
        "learns the answers alone. Early stopping and the best checkpoint look at the answers all the time.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.layer_share < 1:
            raise UserError(f"--layer_share={self.layer_share} is outside 0 to below 1")

    def compared_states(self, teacher: Branch, student: Branch) -> ComparedStates:
        if not self.layer_share:
            return ComparedStates()
        check_pairs(self, teacher, student)
        layers = compared(evenly_spaced(teacher, student), ATTENTION_SCORES, HIDDEN)
        embeddings = (LayerState(HIDDEN, 0),) * (student.full_fine_tuning and not teacher.frozen)
        return ComparedStates(embeddings + layers.student, embeddings + layers.teacher)

    def loss(
        self, task: TaskSpec, student: "ModelStates", teacher: TeacherStates, features: "Tensors"
    ) -> "tf.Tensor":
        import tensorflow.compat.v1 as tf

        from centrabert.distill.comparison import hidden_states, relations

        of_answers = super().loss(task, student, teacher, features)
        if not self.layer_share:
            return of_answers
        real = student.real(features)
        of_layers = tf.add_n(
            [
                *(hidden_states.squared_error(*pair, real) for pair in paired(student, teacher, HIDDEN)),
                *(
                    relations.squared_error(*pair, real)
                    for pair in paired(student, teacher, ATTENTION_SCORES)
                ),
            ]
        )
        return tf.where_v2(student.progress < self.layer_share, of_layers, of_answers)
