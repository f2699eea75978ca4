"""Distils a teacher branch into a student of fewer layers, on the same task and data.

The student starts from the teacher's bottommost layers, pooler and head, and learns from the teacher's
logits and the labels. Writes the same branch folder as run_classifier. The same command again goes on where
it was stopped.
"""

from dataclasses import dataclass
from pathlib import Path

from absl import flags

from centrabert import command, training_flags
from centrabert.modeling.training.hyperparameters import Hyperparameters

FLAGS = flags.FlagValues()
flags.DEFINE_string("teacher", None, "Branch folder of the teacher.", flag_values=FLAGS)
flags.DEFINE_integer(
    "student_layers",
    None,
    "l: layers of the student above the trunk, 1 to the teacher's L.",
    flag_values=FLAGS,
)
flags.DEFINE_string("data_dir", None, "The task's own folder with train.tsv, dev.tsv.", flag_values=FLAGS)
flags.DEFINE_string("output_dir", None, "Where the student goes.", flag_values=FLAGS)
training_flags.define_bert(FLAGS)
flags.DEFINE_float("temperature", 2.0, "Softens the logits of teacher and student.", flag_values=FLAGS)
flags.DEFINE_float("soft_weight", 1.0, "Weight of the loss against the teacher.", flag_values=FLAGS)
flags.DEFINE_float("hard_weight", 1.0, "Weight of the loss against the label.", flag_values=FLAGS)
training_flags.define_activation_cache(FLAGS)
training_flags.define_hyperparameters(FLAGS)
for required in ("teacher", "student_layers", "data_dir", "output_dir"):
    flags.mark_flag_as_required(required, flag_values=FLAGS)


@dataclass(frozen=True)
class Run:
    """What the flags ask for."""

    teacher: Path
    student_layers: int
    data_dir: Path
    output_dir: Path
    bert_files: tuple[Path, Path, Path]
    temperature: float
    soft_weight: float
    hard_weight: float
    hyperparameters: Hyperparameters
    activations: training_flags.ActivationSettings


def main() -> None:
    run(
        Run(
            teacher=Path(FLAGS.teacher),
            student_layers=FLAGS.student_layers,
            data_dir=Path(FLAGS.data_dir),
            output_dir=Path(FLAGS.output_dir),
            bert_files=training_flags.bert_files(FLAGS),
            temperature=FLAGS.temperature,
            soft_weight=FLAGS.soft_weight,
            hard_weight=FLAGS.hard_weight,
            hyperparameters=training_flags.hyperparameters(FLAGS),
            activations=training_flags.activation_settings(FLAGS),
        )
    )


def run(run: Run) -> None:
    """Reads the teacher's task and distils it."""
    from centrabert.distill.distillation import Teacher, distil
    from centrabert.distill.loss import Distillation
    from centrabert.glue_data.glue_tasks import glue_task
    from centrabert.glue_data.runner import Runner
    from centrabert.modeling.bert_folder import BertFolder

    settings = Distillation(run.temperature, run.soft_weight, run.hard_weight)
    bert = BertFolder(*run.bert_files)
    teacher = Teacher(run.teacher, bert)
    record = teacher.record
    record.branch.student(run.student_layers)  # a wrong l is told before any data is read
    trained = record.branch.task
    task = glue_task(trained.name)
    spec = task.spec(trained.max_seq_length, trained.pooling)
    runner = Runner(task, spec, run.data_dir, bert, record.do_lower_case)
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
        run.activations.cache(),
    )
    runner.evaluate(run.output_dir, run.hyperparameters.eval_batch_size)


if __name__ == "__main__":
    command.run(main, FLAGS)
