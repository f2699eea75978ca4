"""The flags that say where the data of a task is: its folder, its files, or a file that declares tasks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.flag_fields import flag
from centrabert.glue_data.declared.declaration import (
    DECLARED_KINDS,
    OUTPUTS,
    Declaration,
    DeclarationError,
)
from centrabert.glue_data.declared_task import DeclaredTask
from centrabert.glue_data.readers.formats import FORMATS
from centrabert.glue_data.task_data import TaskData
from centrabert.glue_data.task_lookup import find_task, is_config, task_names
from centrabert.modeling.branch_folder import RECORD, read_record
from centrabert.modeling.kinds.tag_scheme import SCHEMES
from centrabert.modeling.words.word_places import SPLITS

MAX_SEQ_LENGTH = 128  # BERT's default

# The flag of each key of a declaration.
FLAGS = {
    "name": "task_name",
    "data": "data_dir",
    "train": "train_file",
    "dev": "dev_file",
    "test": "test_file",
    "text": "text_column",
    "text_b": "text_b_column",
    "label": "label_column",
    "kind": "kind",
    "format": "data_format",
    "labels": "labels",
    "metric": "metric",
    "dev_fraction": "dev_fraction",
    "output": "output_layer",
    "scheme": "tag_scheme",
    "split": "split",
}


@dataclass(frozen=True, kw_only=True)
class TaskFlags:
    """Where the data is."""

    data_dir: Path | None = flag(
        "Folder of the task's data: train.tsv, dev.tsv and, for --do_predict, test.tsv. Files of a task of "
        "your own have a header with the columns text and label, unless flags say otherwise.",
        None,
    )
    task_config: Path | None = flag(
        "YAML file that declares tasks of your own; docs/TASKS.md shows one.", None
    )
    train_file: Path | None = flag("File with the training rows of a task of your own.", None)
    dev_file: Path | None = flag("File with the rows to evaluate on.", None)
    test_file: Path | None = flag(
        "File with the rows to predict; its labels, if it has any, are scored.", None
    )
    text_column: str | None = flag(
        "Column or key of the text, or its number, from 0, in a file without a header, such as a CoNLL file. "
        "Default: text, or column 0 of a CoNLL file.",
        None,
    )
    text_b_column: str | None = flag("Column or key of the second text, if rows are pairs.", None)
    label_column: str | None = flag(
        "Column or key of the label, or its number. Default: label, or tags for a tagging task, or column 1 "
        "of a CoNLL file.",
        None,
    )
    kind: str | None = flag(
        "What a task of your own answers. Default: classification.", None, choices=DECLARED_KINDS
    )
    data_format: str | None = flag(
        "Format of the data files. By default their endings tell it.", None, choices=FORMATS
    )
    labels: tuple[str, ...] | None = flag(
        "Labels of the task, separated by commas. By default those that the training rows have, sorted.", None
    )
    metric: str | None = flag("Metric on dev by which the best checkpoint is chosen.", None)
    dev_fraction: float | None = flag(
        "Fraction of the training rows that is held out for evaluation if there is no dev file. The same "
        "rows are chosen every time, the same fraction of each label, of each type of entity, and of low and "
        "high scores.",
        None,
    )
    output_layer: str | None = flag(
        "Output layer of a tagging task. Default: softmax, which predicts the tag of each word "
        "independently.",
        None,
        choices=OUTPUTS,
    )
    tag_scheme: str | None = flag(
        "Scheme that the tags of a tagging task must follow. By default it is bio, and tags that break its "
        "rules are repaired and counted.",
        None,
        choices=SCHEMES,
    )
    split: str | None = flag(
        "How the texts of a tagging task are split into words. Default: whitespace, or characters with the "
        "format centrabert.",
        None,
        choices=SPLITS,
    )

    def __post_init__(self) -> None:
        files = any((self.train_file, self.dev_file, self.test_file))
        sources = [self.data_dir is not None, self.task_config is not None, files]
        if sum(sources) != 1:
            raise UserError(
                "give one of --data_dir, --task_config, and --train_file with --dev_file: "
                f"{'none' if not any(sources) else 'more than one'} was given"
            )
        if self.task_config is not None and not is_config(self.task_config):
            raise UserError(f"--task_config={self.task_config} is not named as a YAML file is: *.yaml")
        if self.task_config is not None and self._declared:
            raise UserError(f"--{FLAGS[next(iter(self._declared))]}: {self.task_config} declares the task")

    @property
    def _declared(self) -> dict[str, Any]:
        """What flags declare, by the keys of a declaration."""
        given = {key: getattr(self, name) for key, name in FLAGS.items() if key not in ("name", "data")}
        return {key: value for key, value in given.items() if value is not None}

    def find(self, name: str, branches: Iterable[Path] = ()) -> TaskData:
        """The data of the task of that name.

        Args:
          branches: As in `with_branch_labels`.

        Raises:
          UserError: There is no such task, or a flag says what it cannot.
        """
        return with_branch_labels(self._task(name), branches)

    def _task(self, name: str) -> TaskData:
        try:
            if not self._declared:
                return find_task(name, data_dir=self.data_dir, data_root=self.task_config)
            return DeclaredTask(Declaration(name=name, data=self.data_dir, **self._declared))
        except DeclarationError as error:
            raise UserError(f"--{FLAGS.get(error.key, error.key)}: {error.reason}") from None


def with_branch_labels(task: TaskData, branches: Iterable[Path]) -> TaskData:
    """The task with the labels of the first of these folders that is a branch, whatever train says by now."""
    for folder in branches:
        if (folder / RECORD).is_file():
            return task.with_labels(read_record(folder).branch.task.labels)
    return task


def declared_length(task: TaskData, given: int | None = None) -> int:
    """The max_seq_length that is given, else what the task declares, else BERT's."""
    wanted = task.max_seq_length if given is None else given
    return MAX_SEQ_LENGTH if wanted is None else wanted


@dataclass(frozen=True, kw_only=True)
class TaskListFlags:
    """Which tasks, where there are several: their names, and where their data is."""

    data_root: Path | None = flag(
        "Folder that holds a folder for each GLUE task, such as SST-2 and RTE.", None
    )
    task_config: Path | None = flag(
        "YAML file that declares tasks of your own, instead of --data_root.", None
    )
    tasks: tuple[str, ...] | None = flag(
        "Names of tasks, separated by commas. By default all that --task_config declares.", None
    )

    def find(self) -> tuple[Path, list[TaskData]]:
        """Where the data is, a folder or a file that declares tasks, and the tasks.

        Raises:
          UserError: Not exactly one of --data_root and --task_config is given, the tasks of a folder are not
            named, or there is no task of a name.
        """
        given = self.data_root or self.task_config
        if given is None or (self.data_root and self.task_config):
            raise UserError(
                "give either --data_root, for tasks of GLUE, or --task_config; --help lists the flags"
            )
        if self.task_config and not is_config(self.task_config):
            raise UserError(f"--task_config={self.task_config} is not named as a YAML file is: *.yaml")
        if self.data_root and not self.tasks:
            raise UserError("missing --tasks; --help lists the flags")
        place = given.resolve()
        return place, [find_task(name, data_root=place) for name in self.tasks or task_names(place)]


def common_length(tasks: Sequence[TaskData]) -> int:
    """The max_seq_length of all tasks; raises UserError where they declare different ones."""
    lengths = sorted({declared_length(task) for task in tasks})
    if len(lengths) > 1:
        raise UserError(
            f"the tasks declare a max_seq_length of {', '.join(map(str, lengths))}, but all of them are for "
            "one model, which reads a text once; give --max_seq_length"
        )
    return lengths[0]
