"""Distils a teacher branch into a student with fewer layers, on the same task and data.

The student starts from the teacher's lowest tuned layers, its pooler and its head, and learns from the
teacher's logits and from the labels. The script writes a branch folder like that of run_classifier. If it was
interrupted, run the same command again to resume.
"""

from dataclasses import dataclass
from pathlib import Path

from centrabert import command
from centrabert.flag_fields import define, flag, flag_group, read
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.training_flags import HYPERPARAMETERS, ActivationSettings, BertFlags


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    teacher: Path = flag("Branch folder of the teacher, as run_classifier writes it.")
    student_layers: int = flag(
        "l: number of the student's own layers above the frozen ones, from 1 to the teacher's L."
    )
    data_dir: Path = flag("Folder of the task's data: train.tsv and dev.tsv.")
    output_dir: Path = flag("Folder to write the student's branch into.")
    bert: BertFlags = flag_group()
    temperature: float = flag(
        "Temperature by which the logits of teacher and student are divided before the softmax.", 2.0
    )
    soft_weight: float = flag("Weight of the loss between student and teacher.", 1.0)
    hard_weight: float = flag("Weight of the loss between student and label.", 1.0)
    activations: ActivationSettings = flag_group()
    hyperparameters: Hyperparameters = flag_group(HYPERPARAMETERS)


FLAGS = define(Run)


def main() -> None:
    run(read(Run, FLAGS))


def run(run: Run) -> None:
    """Reads the teacher's task and distils it."""
    from centrabert.distill.distillation import Teacher
    from centrabert.distill.loss import Distillation
    from centrabert.glue_data.task_lookup import find_task
    from centrabert.modeling.bert_folder import BertFolder
    from centrabert.task_runner import TaskRunner

    settings = Distillation(run.temperature, run.soft_weight, run.hard_weight)
    bert = BertFolder(*run.bert.files)
    teacher = Teacher(run.teacher, bert)
    record = teacher.record
    record.branch.student(run.student_layers)  # a wrong l is told before any data is read
    task = find_task(record.branch.task.name, data_dir=run.data_dir)
    runner = TaskRunner.of_branch(task, bert, record)
    cache = run.activations.kept_beside(run.output_dir).cache()
    runner.distil(teacher, run.student_layers, run.hyperparameters, run.output_dir, cache, settings)
    runner.evaluate(run.output_dir, run.hyperparameters.eval_batch_size)


if __name__ == "__main__":
    command.run(main, FLAGS)
