"""Describes the data of a task before it is trained: labels, lengths in word pieces, duplicates.

Prints the rows of train, dev and test, how many are truncated, empty, duplicates (and how many of these have
another label than the row that they repeat), or in train too; and histograms of labels and lengths. With
--task_config and without --task_name all tasks of the file are described.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, flag_group, read
from centrabert.glue_data.describe.description import description
from centrabert.glue_data.describe.statistics import SplitStatistics, split_statistics, texts_of
from centrabert.glue_data.task_data import Examples, TaskData, task_spec
from centrabert.glue_data.task_lookup import task_names
from centrabert.task_flags import TaskFlags, declared_length

if TYPE_CHECKING:
    from centrabert.modeling.tokenization.tokenizer import Tokenizer
    from centrabert.modeling.training.token_dataset import Rows


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    task_name: str | None = flag("Name of the task. By default all tasks that --task_config declares.", None)
    data: TaskFlags = flag_group()
    bert_dir: Path = flag("Folder of the pretrained BERT; its vocabulary counts the word pieces.")
    do_lower_case: bool | None = flag(
        "Whether to lower-case the text. By default what tokenizer_config.json in --bert_dir says, else "
        "true.",
        None,
    )
    max_seq_length: int | None = flag(
        "Length in word pieces above which a text or pair of texts counts as truncated. Default: what "
        "--task_config says, else 128.",
        None,
        lower_bound=3,
    )
    json: bool = flag("Print JSON instead of a text.", False)

    def __post_init__(self) -> None:
        if self.task_name is None and self.data.task_config is None:
            raise UserError("missing --task_name; without it --task_config must say which tasks there are")


FLAGS = define(Run)


def main() -> None:
    run(read(Run, FLAGS))


def run(run: Run) -> None:
    """Prints what is asked for; nothing where one of the tasks cannot be read."""
    from centrabert.modeling.bert_folder import BertFolder
    from centrabert.modeling.training.train_branch import check_reads

    bert = BertFolder.at(run.bert_dir)
    tokenizer = bert.tokenizer(run.do_lower_case)
    described, texts = [], []
    for name in _names(run):
        task = run.data.find(name)
        length = declared_length(task, run.max_seq_length)
        spec = task_spec(task, length)
        check_reads(bert, tokenizer, spec)
        splits = dict(_splits(task, tokenizer, length))
        texts.append(description(spec, splits))
        described.append({**spec.to_json(), "splits": {name: asdict(each) for name, each in splits.items()}})
    print(
        json.dumps({"tasks": described}, ensure_ascii=False, indent=2) if run.json else "\n".join(texts),
        end="",
    )


def _names(run: Run) -> tuple[str, ...]:
    if run.task_name is None and run.data.task_config is not None:
        return task_names(run.data.task_config)
    return (run.task_name or "",)


def _splits(task: TaskData, tokenizer: "Tokenizer", length: int) -> Iterator[tuple[str, SplitStatistics]]:
    """Train first, then every other file that is there."""
    examples = {"train": task.read("train")}
    examples |= {
        name: task.read(name) for name, file in task.splits.items() if name != "train" and file.exists()
    }
    known = frozenset(texts_of(examples["train"]))
    for name, rows in examples.items():
        train = None if name == "train" else known
        yield name, split_statistics(task.kind, rows, _lengths(tokenizer, rows, task.split), length, train)


def _lengths(tokenizer: "Tokenizer", rows: Examples, split: str) -> "Rows":
    from centrabert.modeling.training.token_dataset import row_lengths

    return row_lengths(tokenizer, rows.text_a, rows.text_b, split)


if __name__ == "__main__":
    command.run(main, FLAGS)
