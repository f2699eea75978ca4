"""Imports a branch from a checkpoint of the original CentraBERT code, as a branch folder.

  centrabert import --checkpoint=rte/best_checkpoint/1623910751/model.ckpt-382 --scope=student/rte \\
    --task_name=rte --train_file=rte/train_json_format.txt --dev_file=rte/dev_json_format.txt \\
    --data_format=centrabert --text_b_column=another_query --bert_dir=uncased_L-12_H-768_A-12 \\
    --output_dir=branches/rte

The checkpoint may be that of a teacher, of a distillation or of a merged model; it is only read. The layers
that the branch shares must be those of the BERT, bit for bit. The golden answers of the branch are what it
answers here to texts of dev, and its metrics those on dev; without a dev file the texts are those of the test
file, and there are no metrics. A classification on [CLS] and a tagging without a CRF can be imported.
"""

from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert import command
from centrabert.flag_fields import define, flag, flag_group, read
from centrabert.glue_data.task_data import TaskData
from centrabert.task_flags import TaskFlags, declared_length
from centrabert.training_flags import BertFlags


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    checkpoint: Path = flag("Prefix of the checkpoint, .../model.ckpt-STEP.")
    scope: str | None = flag(
        "What the names of the branch's variables begin with: TASK, or student/TASK for a student. By "
        "default --task_name.",
        None,
    )
    task_name: str = flag("Name of the task here, which may be another than in the checkpoint.")
    data: TaskFlags = flag_group()
    head_labels: tuple[str, ...] = flag(
        "Labels in the order of the checkpoint's head, separated by commas. By default those of the task as "
        "the original sorts them: O first, then by code point; of a tagging, [CLS] and [SEP] are among them.",
        (),
    )
    bert: BertFlags = flag_group()
    do_lower_case: bool | None = flag(
        "Whether to lower-case the text. By default what tokenizer_config.json beside vocab.txt says, else "
        "true, as in the original.",
        None,
    )
    max_seq_length: int | None = flag(
        "Maximum number of word pieces, as the branch was trained. Default: what --task_config says, else "
        "128.",
        None,
    )
    output_dir: Path = flag("Folder to write the branch into; it must not exist yet, or be empty.")


FLAGS = define(Run)


def main() -> None:
    run(read(Run, FLAGS))


def run(run: Run) -> None:
    """Imports the branch, and says what it is."""
    from centrabert.modeling.bert_folder import BertFolder
    from centrabert.modeling.migration.imported_branch import import_branch
    from centrabert.modeling.migration.original_checkpoint import OriginalCheckpoint
    from centrabert.task_runner import TaskRunner

    task = run.data.find(run.task_name)
    split = _split(run.data, task)
    length = declared_length(task, run.max_seq_length)
    runner = TaskRunner(task, BertFolder(*run.bert.files), length, do_lower_case=run.do_lower_case)
    original = OriginalCheckpoint(run.checkpoint, runner.spec, run.head_labels)
    record = import_branch(
        original,
        run.scope or run.task_name,
        runner.bert,
        runner.tokenizer,
        runner.split(split).rows,
        run.output_dir,
        runner.score if split == "dev" else None,
    )
    for note in original.notes():
        logging.info("%s", note)
    frozen, tuned = record.branch.frozen, record.branch.tuned
    logging.info("%s: %d frozen and %d own layers; %s", run.output_dir, frozen, tuned, record.metrics)


def _split(data: TaskFlags, task: TaskData) -> str:
    """Where the texts come from: dev, or test where there is no dev file and none was named."""
    present = [split for split in ("dev", "test") if split in task.splits and task.splits[split].exists()]
    return present[0] if present and data.dev_file is None else "dev"


if __name__ == "__main__":
    command.run(main, FLAGS)
