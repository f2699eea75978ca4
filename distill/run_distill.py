"""Distils a teacher branch into a student with fewer layers, on the same task and data.

By default the student starts from the teacher's lowest tuned layers, its pooler and its head, and learns from
the teacher's logits and from the labels; --method chooses another way, and its settings are flags. The script
writes a branch folder like that of run_classifier, and only reads that of the teacher. If it was interrupted,
run the same command again to resume.
"""

from dataclasses import dataclass
from pathlib import Path

from centrabert import command
from centrabert.distill.layer_mapping import parse_initialization
from centrabert.distill.methods.method import DistillationMethod
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, flag_group, read
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.task_flags import TaskFlags
from centrabert.training_flags import (
    HYPERPARAMETERS,
    ActivationSettings,
    BertFlags,
    define_method,
    read_method,
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    teacher: Path = flag("Branch folder of the teacher, as run_classifier writes it.")
    student_layers: int = flag(
        "l: number of the student's own layers above the frozen ones, from 1 to the teacher's L; with "
        "--student_bert_dir the number of layers of that BERT."
    )
    data: TaskFlags = flag_group()
    output_dir: Path = flag("Folder to write the student's branch into.")
    bert: BertFlags = flag_group()
    student_bert_dir: Path | None = flag(
        "Folder of another pretrained BERT with the same vocabulary, such as `centrabert compress` writes. "
        "The student consists of all its layers, however many the teacher has (--student_layers must be "
        "their number), shares nothing with the teacher's BERT, and cannot be merged. By default the student "
        "is built on the teacher's BERT.",
        None,
    )
    start_from: str | None = flag(
        "What the student's own layers start from: teacher (the teacher's lowest tuned layers, its pooler "
        "and head), pretrained (the pretrained layers in the same positions and a new head), or the numbers "
        "of as many layers of the teacher, from the bottom to the top, counted from 0 and separated by "
        "commas, as in 8,11. By default the method decides: distilbert starts from evenly spaced layers of "
        "the teacher, any other method from the teacher.",
        None,
    )
    teacher_cache_dir: Path | None = flag(
        "Folder for what the teacher says of the training rows, which is computed once and which all "
        "students of the teacher can read. By default it is a folder in --output_dir that is removed when "
        "training ends. For each row, logits take a few bytes; every layer whose hidden states a method "
        "compares takes 4 bytes x word pieces x hidden size, as do its values, and its attention takes "
        "4 bytes x heads x the square of the word pieces.",
        None,
    )
    other_teachers: tuple[Path, ...] = flag(
        "Further branches of the same task with as many layers as --teacher, such as those trained with "
        "other seeds, separated by commas. The student learns from the mean of all teachers' logits; it "
        "starts from --teacher, and is compared with its layers alone.",
        (),
    )
    unlabelled_file: Path | None = flag(
        "File of texts without labels to train on besides, one on each line, with a tab between the two of "
        "a pair. From them the student learns what the teacher says of them. They count as training rows: "
        "an epoch has all of both, and takes so much longer.",
        None,
    )
    activations: ActivationSettings = flag_group()
    hyperparameters: Hyperparameters = flag_group(HYPERPARAMETERS)

    def __post_init__(self) -> None:
        if self.start_from is not None and self.student_bert_dir is not None:
            raise UserError("give either --start_from or --student_bert_dir, not both")


FLAGS = define(Run)
define_method(FLAGS)


def main() -> None:
    run(read(Run, FLAGS), read_method(FLAGS))


def run(run: Run, method: DistillationMethod) -> None:
    """Reads the teacher's task and distils it."""
    from centrabert.distill.student import student_of
    from centrabert.distill.teacher import Teacher
    from centrabert.modeling.bert_folder import BertFolder
    from centrabert.task_runner import TaskRunner

    bert = BertFolder(*run.bert.files)
    teacher = Teacher(run.teacher, bert)
    record = teacher.record
    another = None if run.student_bert_dir is None else BertFolder.at(run.student_bert_dir)
    # What l, BERT and method cannot be is told before any data is read.
    student, _ = student_of(teacher, run.student_layers, another, method)
    start = None
    if run.start_from is not None:
        start = parse_initialization(run.start_from, record.branch, student)
    task = run.data.find(record.branch.task.name, [run.teacher])
    runner = TaskRunner.of_branch(task, another or bert, record, run.unlabelled_file)
    runner.distil(
        teacher,
        run.student_layers,
        run.hyperparameters,
        run.output_dir,
        run.activations.kept_beside(run.output_dir).cache(),
        method,
        start,
        run.teacher_cache_dir,
        [Teacher(folder, bert) for folder in run.other_teachers],
    )
    runner.evaluate(run.output_dir, run.hyperparameters.eval_batch_size)


if __name__ == "__main__":
    command.run(main, FLAGS)
