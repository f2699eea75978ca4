"""BERT-of-Theseus: the student's layers take the place of the teacher's at random, more and more of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from centrabert.distill.methods.method import (
    TEACHER_SCOPE,
    ComparedStates,
    DistillationMethod,
    TeacherStates,
    setting,
)
from centrabert.errors import UserError
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.task import TaskSpec

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.layers.dropout import Dropout
    from centrabert.modeling.layers.layer_states import StateRecorder
    from centrabert.modeling.training.estimator import Tensors
    from centrabert.modeling.training.objective import Encoder, ModelStates


@dataclass(frozen=True)
class Theseus(DistillationMethod):
    """The loss against the label alone, of a model of teacher and student (Xu et al., 2020).

    Each layer of the student stands for an equal share of the teacher's own layers, in their order. At every
    step each takes their place with the same probability, which rises linearly; when it has reached 1, the
    student is tuned alone. The teacher's layers stand still and run without dropout. The student starts as
    the teacher's lowest layers, its pooler and its head, and these train with it from the beginning (the
    authors' stand still as long as there are layers of the teacher).

    Raises:
      UserError: A setting is out of range.
    """

    name: ClassVar[str] = "theseus"
    runs_teacher: ClassVar[bool] = True

    replacing_rate: float = setting(
        0.3,
        "Probability at the first step with which a layer of the student takes the place of the teacher's.",
    )
    replacing_share: float = setting(
        0.5, "Share of the steps in which this probability rises to 1; after it the student trains alone."
    )

    def __post_init__(self) -> None:
        for name in ("replacing_rate", "replacing_share"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise UserError(f"--{name}={value} is not in [0, 1]")

    def compared_states(self, teacher: Branch, student: Branch) -> ComparedStates:
        if teacher.tuned % student.tuned:
            fitting = [str(number) for number in range(1, teacher.tuned + 1) if teacher.tuned % number == 0]
            raise UserError(
                f"--student_layers={student.tuned}: with --method={self.name} each layer stands for an equal "
                f"share of the teacher's {teacher.tuned}; give one of {', '.join(fitting)}"
            )
        return ComparedStates()

    def rate(self, progress: Any) -> Any:
        """The probability after this share of the steps, both floats or both tensors; 1 or more is 1."""
        if not self.replacing_share:
            return 1.0
        return self.replacing_rate + (1 - self.replacing_rate) * progress / self.replacing_share

    def encoder(self, teacher: Branch, student: Branch, progress: "tf.Tensor") -> "Encoder":
        import tensorflow.compat.v1 as tf

        from centrabert.modeling.layers.encoder import encode

        size = teacher.tuned // student.tuned

        def modules(
            x: tf.Tensor,
            mask: tf.Tensor,
            config: BertConfig,
            layers: Iterable[int],
            dropout: "Dropout",
            first_only: bool,
            recorder: "StateRecorder",
        ) -> tf.Tensor:
            del recorder  # no states are compared
            still = replace(config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
            numbers = list(layers)
            replaced = tf.unstack(dropout.chances(len(numbers)) < self.rate(progress))
            for place, (layer, taken) in enumerate(zip(numbers, replaced, strict=True)):
                shortened = first_only and layer == numbers[-1]
                start = teacher.frozen + place * size
                to_teacher, to_student = tf.raw_ops.Switch(data=x, pred=taken)
                with tf.variable_scope("", custom_getter=_switched(taken)):
                    own = encode(to_student, mask, config, [layer], dropout, shortened)
                with tf.variable_scope(TEACHER_SCOPE):
                    covered = range(start, start + size)
                    theirs = encode(to_teacher, mask, still, covered, dropout, shortened)
                x, _ = tf.raw_ops.Merge(inputs=[theirs, own])
            return x

        return modules

    def loss(
        self, task: TaskSpec, student: "ModelStates", teacher: TeacherStates, features: "Tensors"
    ) -> "tf.Tensor":
        return KINDS[task.kind].loss(student.head, features["labels"])


def _switched(taken: "tf.Tensor") -> Callable[..., "tf.Tensor"]:
    """A variable getter whose variables have a gradient of zero where their layer is not `taken`.

    What is computed from an output of Switch that was not chosen does not exist, gradients included. Where
    the variable itself goes through one, TensorFlow merges its gradient with zeros.
    """
    import tensorflow.compat.v1 as tf

    def custom_getter(getter: Callable[..., Any], name: str, **arguments: Any) -> tf.Tensor:
        return tf.raw_ops.Switch(data=tf.convert_to_tensor(getter(name, **arguments)), pred=taken).output_true

    return custom_getter
