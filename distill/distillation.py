"""A student from a teacher: the same task in fewer layers."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from centrabert.distill.loss import Distillation, distillation_loss
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import CHECKPOINT, BranchRecord, read_record
from centrabert.modeling.files import new_file
from centrabert.modeling.tokenization.vocabulary import Vocabulary
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.prediction import branch_estimator, predict_logits
from centrabert.modeling.training.token_dataset import Encoded
from centrabert.modeling.training.train_branch import Score, TrainingJob, fine_tuning_start, train_branch
from centrabert.modeling.training.trunk_cache import TrunkCache


@dataclass(frozen=True)
class Teacher:
    """A finished branch and the BERT it grew on.

    Raises:
      UserError: The folder is no branch, its checkpoint is not the branch's, or the BERT is another.
    """

    folder: Path
    bert: BertFolder

    def __post_init__(self) -> None:
        self.record.check_base(self.bert.digests, str(self.bert.checkpoint))
        read_owned(self.folder, self.record)

    @property
    def record(self) -> BranchRecord:
        return read_record(self.folder)

    def logits(self, encoded: Encoded, batch_size: int) -> npt.NDArray[np.float32]:
        """float32 [rows, outputs], without dropout; computed once and kept beside the teacher.

        The file is named by all that decides its bits: teacher, data, batch size, precision of the trunk's
        output.
        """
        record = self.record
        name = f"logits-{record.digest[:16]}-{encoded.digest[:16]}-{batch_size}-{encoded.trunk_dtype}.npy"
        file = self.folder / name
        if not file.exists():  # of two that find it missing both compute it, to the same bits
            estimator = branch_estimator(self.bert, record.branch, self.folder / CHECKPOINT, aligned=True)
            with new_file(file) as aside:
                np.save(aside, predict_logits(estimator, encoded, batch_size))
        logits: npt.NDArray[np.float32] = np.load(file)
        return logits


def distil(
    teacher: Teacher,
    student_layers: int,
    vocabulary: Vocabulary,
    train: Encoded,
    dev: Encoded,
    score: Score,
    output_dir: Path,
    hyperparameters: Hyperparameters,
    settings: Distillation,
    cache: TrunkCache | None = None,
    from_pretrained: bool = False,
) -> BranchRecord:
    """Trains the student of `student_layers` layers and writes its branch folder; see `train_branch`.

    Args:
      cache: Keeps the frozen layers' outputs, for teacher and student.
      from_pretrained: The student starts from the pretrained layers and a new head, instead of the teacher's
        (paper, Appendix C).

    Raises:
      UserError: student_layers is outside 1..L, or the vocabulary is not the teacher's.
    """
    record = teacher.record
    record.check_reads(record.branch.task, vocabulary.digest)
    student = record.branch.student(student_layers)
    start = fine_tuning_start(teacher.bert, student) if from_pretrained else student_start(teacher, student)
    return train_branch(
        TrainingJob(
            bert=teacher.bert,
            vocabulary=vocabulary,
            branch=student,
            hyperparameters=hyperparameters,
            train=train,
            dev=dev,
            score=score,
            output_dir=output_dir,
            start=start,
            loss_fn=distillation_loss(settings),
            teacher_digest=record.digest,
            extra_hyperparameters={
                **asdict(settings),
                **({"from_pretrained": True} if from_pretrained else {}),
            },
            cache=cache,
            annotate=lambda rows: rows.with_teacher(teacher.logits(rows, hyperparameters.eval_batch_size)),
        )
    )


def student_start(teacher: Teacher, student: Branch) -> dict[Path, list[str]]:
    """The teacher's bottommost layers, pooler and head: all that the student owns (paper, section 3)."""
    return {teacher.folder / CHECKPOINT: sorted(student.owned_shapes(teacher.bert.config()))}
