"""Distils a teacher branch into a student of fewer layers, on the same task and data.

The student starts from the teacher's bottommost layers, pooler and head, and learns from the teacher's
logits and the labels. Writes the same branch folder as run_classifier. The same command again goes on where
it was stopped.
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

    teacher: Path = flag("Branch folder of the teacher.")
    student_layers: int = flag("l: layers of the student above the trunk, 1 to the teacher's L.")
    data_dir: Path = flag("The task's own folder with train.tsv, dev.tsv.")
    output_dir: Path = flag("Where the student goes.")
    bert: BertFlags = flag_group()
    temperature: float = flag("Softens the logits of teacher and student.", 2.0)
    soft_weight: float = flag("Weight of the loss against the teacher.", 1.0)
    hard_weight: float = flag("Weight of the loss against the label.", 1.0)
    activations: ActivationSettings = flag_group()
    hyperparameters: Hyperparameters = flag_group(HYPERPARAMETERS)


FLAGS = define(Run)


def main() -> None:
    run(read(Run, FLAGS))


def run(run: Run) -> None:
    """Reads the teacher's task and distils it."""
    from centrabert.distill.distillation import Teacher, distil
    from centrabert.distill.loss import Distillation
    from centrabert.glue_data.glue_tasks import glue_task
    from centrabert.modeling.bert_folder import BertFolder
    from centrabert.task_runner import TaskRunner

    settings = Distillation(run.temperature, run.soft_weight, run.hard_weight)
    bert = BertFolder(*run.bert.files)
    teacher = Teacher(run.teacher, bert)
    record = teacher.record
    record.branch.student(run.student_layers)  # a wrong l is told before any data is read
    trained = record.branch.task
    task = glue_task(trained.name)
    spec = task.spec(trained.max_seq_length, trained.pooling)
    runner = TaskRunner(task, spec, run.data_dir, bert, record.do_lower_case)
    record.check_reads(spec, runner.tokenizer.vocabulary.digest)
    distil(
        teacher,
        run.student_layers,
        runner.tokenizer.vocabulary,
        runner.train,
        runner.dev,
        runner.score,
        run.output_dir,
        run.hyperparameters,
        settings,
        run.activations.kept_beside(run.output_dir).cache(),
    )
    runner.evaluate(run.output_dir, run.hyperparameters.eval_batch_size)


if __name__ == "__main__":
    command.run(main, FLAGS)
