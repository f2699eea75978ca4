"""A student from a teacher: the same task in fewer layers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf

from centrabert.distill.methods.method import (
    TEACHER_SCOPE,
    ComparedStates,
    DistillationMethod,
    TeacherStates,
)
from centrabert.distill.teacher import LOGITS, Teacher
from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.layers.layer_states import LayerState
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.training.estimator import Tensors
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.initialization import Initialization
from centrabert.modeling.training.objective import Encoder, ModelStates
from centrabert.modeling.training.token_dataset import Encoded
from centrabert.modeling.training.train_branch import (
    TRAINING,
    Score,
    TeacherCheckpoint,
    TrainingJob,
    train_branch,
)
from centrabert.modeling.training.trunk_cache import TrunkCache

FEATURE = "teacher_"  # in front of the name of a state


@dataclass(frozen=True)
class Distillation:
    """The objective of a student: a method, with the teacher and the student that it compares.

    Attributes:
      cache_dir: Where the teacher's states are kept; see `Teacher.states`.
    """

    method: DistillationMethod
    teacher: Teacher
    student: Branch
    batch_size: int
    cache_dir: Path

    @cached_property
    def _compared(self) -> ComparedStates:
        return self.method.compared_states(self.teacher.record.branch, self.student)

    @property
    def states(self) -> Collection[LayerState]:
        return self._compared.student

    def annotate(self, train: Encoded) -> Encoded:
        """The training rows with the teacher's states of them, computed now unless they are kept.

        A method that runs the teacher needs none.
        """
        if self.method.runs_teacher:
            return train
        states = self.teacher.states(train, self._compared.teacher, self.batch_size, self.cache_dir)
        return train.with_features({f"{FEATURE}{name}": file for name, file in states.items()})

    @property
    def standing(self) -> Mapping[Path, Mapping[str, str]]:
        if not self.method.runs_teacher:
            return {}
        teacher, config = self.teacher.record.branch, self.teacher.bert.config()
        layers = (scopes.layer_shapes(config, layer) for layer in range(teacher.frozen, teacher.depth))
        return {
            self.teacher.checkpoint: {f"{TEACHER_SCOPE}/{name}": name for layer in layers for name in layer}
        }

    def encoder(self, progress: tf.Tensor) -> Encoder:
        return self.method.encoder(self.teacher.record.branch, self.student, progress)

    def loss(self, task: TaskSpec, model: ModelStates, features: Tensors) -> tf.Tensor:
        layers = {state: features[f"{FEATURE}{state.name}"] for state in self._compared.teacher}
        teacher = TeacherStates(features.get(f"{FEATURE}{LOGITS}"), layers, self.teacher.head_variables)
        return self.method.loss(task, model, teacher, features)

    def to_json(self) -> dict[str, Any]:
        return self.method.to_json()


def distil(
    teacher: Teacher,
    student_layers: int,
    tokenizer: Tokenizer,
    train: Encoded,
    dev: Encoded,
    score: Score,
    output_dir: Path,
    hyperparameters: Hyperparameters,
    method: DistillationMethod,
    cache: TrunkCache | None = None,
    initialization: Initialization | None = None,
    teacher_cache_dir: Path | None = None,
) -> BranchRecord:
    """Trains the student of `student_layers` layers and writes its branch folder; see `train_branch`.

    Nothing is written into the teacher's folder.

    Args:
      cache: Keeps the frozen layers' outputs, for teacher and student.
      initialization: Where the student starts; by default where the method says.
      teacher_cache_dir: Keeps the teacher's states, for all its students; by default a folder in
        `output_dir` that is removed when training ends.

    Raises:
      UserError: student_layers is outside 1..L, the method has no use for so many, or the vocabulary is not
        the teacher's.
    """
    record = teacher.record
    record.check_reads(record.branch.task, tokenizer.digest)
    student = record.branch.student(student_layers)
    method.compared_states(record.branch, student)  # raises where they do not suit the method
    cache_dir = teacher_cache_dir or output_dir / TRAINING / "teacher_states"
    return train_branch(
        TrainingJob(
            bert=teacher.bert,
            tokenizer=tokenizer,
            branch=student,
            hyperparameters=hyperparameters,
            train=train,
            dev=dev,
            score=score,
            output_dir=output_dir,
            initialization=initialization or method.initialization(record.branch, student),
            objective=Distillation(method, teacher, student, hyperparameters.eval_batch_size, cache_dir),
            teacher=TeacherCheckpoint(record.digest, teacher.checkpoint),
            cache=cache,
        )
    )
