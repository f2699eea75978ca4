"""Trains several tasks together on one encoder, to compare, or where tasks never change.

The way of MT-DNN: every task trains the whole encoder, so that all tasks share all layers, and a change of
one is a change of all. The script writes a BERT folder, OUTPUT_DIR/bert, and for every task
OUTPUT_DIR/branches/TASK, a branch with no layer of its own; these can be merged. A new task can join by
`centrabert fine-tune --bert_dir=OUTPUT_DIR/bert --fine_tuning_layers=0`. If it was interrupted, run the same
command again to resume.
"""

from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert import command
from centrabert.flag_fields import define, flag, flag_group, read
from centrabert.glue_data.task_data import with_declared
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.task_flags import TaskListFlags, common_length
from centrabert.training_flags import HYPERPARAMETERS, BertFlags

LORA = ("lora_rank", "lora_alpha", "lora_matrices")  # updates of layers that stand still; here all train


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    data: TaskListFlags = flag_group()
    output_dir: Path = flag("Folder to write the encoder and the branches into.")
    bert: BertFlags = flag_group()
    do_lower_case: bool | None = flag(
        "Whether to lower-case the text. By default what tokenizer_config.json beside vocab.txt says, else "
        "true, as in BERT.",
        None,
    )
    max_seq_length: int | None = flag(
        "Maximum number of word pieces in a text or a pair of texts; longer ones are truncated. Default: "
        "what --task_config says, else 128.",
        None,
    )
    pooling: str = flag(
        "What the heads read: cls is BERT's pooled [CLS], mean is the mean of all token vectors.",
        "cls",
        choices=("cls", "mean"),
    )
    max_train_rows: int = flag(
        "Maximum number of training rows of a task; a larger training set is sampled, always in the same "
        "way. 0 means no limit.",
        0,
        lower_bound=0,
    )
    hyperparameters: Hyperparameters = flag_group(HYPERPARAMETERS, without=LORA)


FLAGS = define(Run)


def main() -> None:
    run(read(Run, FLAGS))


def run(run: Run) -> None:
    """Trains the tasks, and says what each reached on dev."""
    from centrabert.modeling.bert_folder import BertFolder
    from centrabert.modeling.joint.joint_batches import JointTask
    from centrabert.modeling.joint.joint_training import JointJob, train_jointly
    from centrabert.task_runner import TaskRunner

    _, tasks = run.data.find()
    length = common_length(tasks) if run.max_seq_length is None else run.max_seq_length
    bert = BertFolder(*run.bert.files)
    runners = [
        TaskRunner(task, bert, length, run.pooling, run.do_lower_case, run.max_train_rows or None)
        for task in tasks
    ]
    joint = tuple(
        JointTask(each.spec, each.train, each.dev, each.score, with_declared(each.task, run.hyperparameters))
        for each in runners
    )
    job = JointJob(bert, runners[0].tokenizer, joint, run.hyperparameters, run.output_dir)
    for name, record in train_jointly(job).items():
        logging.info("%s: %s", name, record.metrics)


if __name__ == "__main__":
    command.run(main, FLAGS)
