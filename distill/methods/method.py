"""What a method of distillation is: where a student starts, which states it compares, and its loss.

A method is read for the flags of a script, so that its file must not import TensorFlow but inside `loss`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from centrabert.distill.comparison.layer_pairs import Pairs
from centrabert.errors import UserError
from centrabert.modeling.branch import Branch
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.layers.layer_states import LayerState
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.initialization import TEACHER, Initialization

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.training.estimator import Tensors
    from centrabert.modeling.training.objective import Encoder, ModelStates

HELP = "help"
TEACHER_SCOPE = "teacher"  # in front of the names of the teacher's layers in a student's graph


@dataclass(frozen=True)
class TeacherStates:
    """What a teacher says of a batch, in the shapes of `ModelStates`.

    Attributes:
      logits: None for a method that runs the teacher.
      variables: Of its head, constants.
    """

    logits: "tf.Tensor"
    layers: Mapping[LayerState, "tf.Tensor"] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)

    def head_of(self, student: "ModelStates") -> "Head":
        """The teacher's head for the rows of the student's."""
        return replace(student.head, logits=self.logits, variables=self.variables)


def setting(default: Any, help_text: str) -> Any:
    """A field of a method, which is a flag of `run_distill`.

    Args:
      help_text: One or more sentences, for `--help`.
    """
    return field(default=default, metadata={HELP: help_text})


@dataclass(frozen=True)
class ComparedStates:
    """The states that a method's loss reads besides the logits, at depths above the frozen layers."""

    student: tuple[LayerState, ...] = ()
    teacher: tuple[LayerState, ...] = ()


@dataclass(frozen=True)
class DistillationMethod(ABC):
    """A method of distillation. A subclass is a frozen dataclass, and its fields are its settings.

    Attributes:
      name: What `--method` and branch.json call it.
      runs_teacher: Whether `encoder` computes own layers of the teacher, in the scope TEACHER_SCOPE.
    """

    name: ClassVar[str]
    runs_teacher: ClassVar[bool] = False

    def initialization(self, teacher: Branch, student: Branch) -> Initialization:
        """Where the student starts; by default as the teacher's lowest own layers (paper, section 3)."""
        return lowest_layers(teacher, student)

    def compared_states(self, teacher: Branch, student: Branch) -> ComparedStates:
        """The states of both that `loss` reads; by default none but the logits.

        Raises:
          UserError: The method has no use for a student of so many layers.
        """
        return ComparedStates()

    def encoder(self, teacher: Branch, student: Branch, progress: "tf.Tensor") -> "Encoder":
        """What computes the student's own layers in training; see `Objective.encoder`."""
        from centrabert.modeling.layers.encoder import encode

        return encode

    @property
    def reads_answers(self) -> bool:
        """Whether the student learns from the teacher's logits."""
        return False

    def check_reads_answers(self, **given: object) -> None:
        """Raises UserError where what a flag gives would change nothing, as only answers to it are known.

        Args:
          given: Values of flags by their names; only true ones are checked.
        """
        if not self.reads_answers and (flag := next((name for name, value in given.items() if value), None)):
            raise UserError(
                f"--method={self.name} learns nothing from the answers of teachers, with these settings; "
                f"leave --{flag} out"
            )

    @abstractmethod
    def loss(
        self, task: TaskSpec, student: "ModelStates", teacher: TeacherStates, features: "Tensors"
    ) -> "tf.Tensor":
        """The loss of every row, float32 [batch].

        Args:
          student, teacher: Hold the logits and the states of `compared_states`; the teacher's are constants.
          features: `input_ids`, `segment_ids` int32 [batch, length], `labels`, and, where some rows of the
            training set have no label, `labelled`; `student.real` tells
            tokens from padding.
        """

    def to_json(self) -> dict[str, Any]:
        """Name and settings, as run.json and branch.json keep them."""
        return {"method": self.name, **asdict(self)}


def lowest_layers(teacher: Branch, student: Branch) -> Initialization:
    """The student's layers start as those of the teacher in the same positions."""
    del teacher
    return Initialization(TEACHER, tuple(range(student.frozen, student.depth)))


def compared(pairs: Pairs, *kinds: str) -> ComparedStates:
    """The states of these kinds at the paired depths."""
    return ComparedStates(
        tuple(LayerState(kind, own) for kind in kinds for own, _ in pairs),
        tuple(LayerState(kind, other) for kind in kinds for _, other in pairs),
    )


def paired(student: "ModelStates", teacher: TeacherStates, kind: str) -> "list[tuple[tf.Tensor, tf.Tensor]]":
    """The states of one kind, the student's with the teacher's that goes with it, from bottom to top."""
    of_student, of_teacher = (
        [each.layers[state] for state in sorted(each.layers) if state.kind == kind]
        for each in (student, teacher)
    )
    return list(zip(of_student, of_teacher, strict=True))


def check_weights(method: DistillationMethod, *names: str) -> None:
    """Raises UserError unless these settings are 0 or more, and finite."""
    for name in names:
        if not 0 <= (weight := getattr(method, name)) < math.inf:
            raise UserError(f"--{name}={weight} is no weight: take a number of 0 or more")


def check_pairs(method: DistillationMethod, teacher: Branch, student: Branch) -> None:
    """Raises UserError unless each own layer of the student can have one of the teacher's for itself.

    Only a student on another BERT can have more of them.
    """
    if student.tuned > teacher.tuned:
        raise UserError(
            f"--method={method.name} compares each layer of the student with one of the teacher's own, and "
            f"--student_layers={student.tuned} is above {teacher.tuned}, the number of these; take "
            "--method=minilm, which compares the last layers alone"
        )
