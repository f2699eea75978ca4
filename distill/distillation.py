"""A student from a teacher: the same task in fewer layers."""

from collections.abc import Collection, Mapping, Sequence
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
from centrabert.distill.student import student_of
from centrabert.distill.teacher import LOGITS, Teacher
from centrabert.distill.teachers import Teachers
from centrabert.modeling import scopes
from centrabert.modeling.bert_folder import BertFolder
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
    """The objective of a student: a method, with the teachers and the student that it compares.

    Attributes:
      cache_dir: Where the teacher's states are kept; see `Teacher.states`.
    """

    method: DistillationMethod
    teachers: Teachers
    student: Branch
    batch_size: int
    cache_dir: Path

    @property
    def _teacher(self) -> Teacher:
        return self.teachers.first

    @cached_property
    def _compared(self) -> ComparedStates:
        return self.method.compared_states(self._teacher.record.branch, self.student)

    @property
    def states(self) -> Collection[LayerState]:
        return self._compared.student

    def annotate(self, train: Encoded) -> Encoded:
        """The training rows with the teacher's states of them, computed now unless they are kept.

        A method that runs the teacher needs none.
        """
        if self.method.runs_teacher:
            return train
        states = self.teachers.states(train, self._compared.teacher, self.batch_size, self.cache_dir)
        return train.with_features({f"{FEATURE}{name}": file for name, file in states.items()})

    @property
    def standing(self) -> Mapping[Path, Mapping[str, str]]:
        if not self.method.runs_teacher:
            return {}
        teacher, config = self._teacher.record.branch, self._teacher.bert.config()
        layers = (scopes.layer_shapes(config, layer) for layer in range(teacher.frozen, teacher.depth))
        return {
            self._teacher.checkpoint: {f"{TEACHER_SCOPE}/{name}": name for layer in layers for name in layer}
        }

    def encoder(self, progress: tf.Tensor) -> Encoder:
        return self.method.encoder(self._teacher.record.branch, self.student, progress)

    def loss(self, task: TaskSpec, model: ModelStates, features: Tensors) -> tf.Tensor:
        layers = {state: features[f"{FEATURE}{state.name}"] for state in self._compared.teacher}
        teacher = TeacherStates(features.get(f"{FEATURE}{LOGITS}"), layers, self.teachers.head_variables)
        return self.method.loss(task, model, teacher, features)

    def to_json(self) -> dict[str, Any]:
        return {**self.method.to_json(), **self.teachers.to_json()}


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
    student_bert: BertFolder | None = None,
    other_teachers: Sequence[Teacher] = (),
) -> BranchRecord:
    """Trains the student of `student_layers` layers and writes its branch folder; see `train_branch`.

    Args:
      train: Rows without a label teach what the teacher says of them.
      cache: Keeps the frozen layers' outputs, for teacher and student.
      initialization: Where the student starts, if not where the method says.
      teacher_cache_dir: Keeps the teacher's states; by default a folder that is removed in the end.
      student_bert: Another BERT with the teacher's vocabulary, of which the student is the whole.
      other_teachers: Whose logits count as the teacher's do; see `Teachers`.

    Raises:
      UserError: One of these does not suit the teacher or the method.
    """
    teachers, bert = Teachers(teacher, tuple(other_teachers)), student_bert or teacher.bert
    teachers.check_vocabulary(tokenizer.digest, str(bert.vocab_file))
    student, start = student_of(teacher, student_layers, student_bert, method)
    method.check_reads_answers(other_teachers=teachers.others, unlabelled_file=train.some_unlabelled)
    states = teacher_cache_dir or output_dir / TRAINING / "teacher_states"
    return train_branch(
        TrainingJob(
            bert=bert,
            tokenizer=tokenizer,
            branch=student,
            hyperparameters=hyperparameters,
            train=train,
            dev=dev,
            score=score,
            output_dir=output_dir,
            initialization=initialization or start,
            objective=Distillation(method, teachers, student, hyperparameters.eval_batch_size, states),
            teacher=TeacherCheckpoint(teacher.record.digest, teacher.checkpoint),
            cache=cache,
        )
    )
