"""A task whose splits are tab-separated files of one folder: GLUE's, and any like them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.glue_data.declared.declaration import Declaration
from centrabert.glue_data.declared.row_values import NUMBER
from centrabert.glue_data.metrics import check_metrics
from centrabert.glue_data.readers.known_bad_rows import KnownDefect
from centrabert.glue_data.readers.table import Table
from centrabert.glue_data.readers.tsv import read_table
from centrabert.glue_data.submission import predictions_text
from centrabert.glue_data.task_data import Examples, PlainTask, Submission

# What numbers the rows of a test file: GLUE's "index", QQP's "id", Hugging Face's "idx"; in any case.
ROW_IDS = ("index", "id", "idx")
TRAINING = ("max_seq_length", "class_weights", "label_smoothing")  # keys of a declaration


@dataclass(frozen=True)
class SplitFile:
    """One file of a task's folder.

    Attributes:
      name: "train", "dev" or "test"; MNLI has "dev_mismatched" and "test_mismatched" too.
      file: Its name in the folder.
      columns: The columns of a file without a header; () where the first line names them.
      defect: Rows of the official file that may be skipped; None if there are none.
      submission: The file of predictions that is expected for it; "" if none is.
    """

    name: str
    file: str
    columns: tuple[str, ...] = ()
    defect: KnownDefect | None = None
    submission: str = ""

    @property
    def labelled(self) -> bool:
        """Test files carry no labels."""
        return not self.name.startswith("test")


@dataclass(frozen=True)
class TsvTask(PlainTask):
    """How a task is stored and scored, and, once it is bound to a folder, its TaskData.

    Attributes:
      name: Of the task, as in TaskSpec.
      folder: The name of its folder among those of other tasks.
      files: Its files.
      texts: The column of the text, or the two columns of the pair.
      label: The column of the label or score.
      labels: The label names in the order of the head's outputs; () for a regression.
      metrics: All that are reported; by the first a checkpoint is chosen.
      score_range: The lowest and highest score of a regression; None for a classification.
      data_dir: Where its files are.
      max_seq_length, class_weights, label_smoothing, declared: See `TaskData` and `as_declared`.
    """

    name: str
    folder: str
    files: tuple[SplitFile, ...]
    texts: tuple[str, ...]
    label: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    score_range: tuple[float, float] | None = None
    data_dir: Path = Path()
    max_seq_length: int | None = None
    class_weights: tuple[str, ...] = ()
    label_smoothing: float = 0.0
    declared: str = ""

    def __post_init__(self) -> None:
        if len(self.texts) not in (1, 2):
            raise UserError(f"task {self.name}: one or two text columns, not {self.texts}")
        if bool(self.labels) == bool(self.score_range):
            raise UserError(f"task {self.name}: it needs either labels or a score range")
        check_metrics(self.name, self.kind, self.labels, self.metrics)

    def at(self, data_dir: Path) -> "TsvTask":
        """The same task with its files in `data_dir`."""
        return replace(self, data_dir=data_dir)

    def as_declared(self, declaration: Declaration) -> "TsvTask | None":
        """The task in the declared folder, trained as declared; None if more, or another, is declared."""
        if declaration.data is None or declaration.name != self.name:
            return None
        training = {key: getattr(declaration, key) for key in TRAINING}
        if declaration != Declaration(name=self.name, data=declaration.data, **training):
            return None
        weights = [declaration.class_weights, declaration.label_smoothing]
        declared = json.dumps(weights) if any(weights) else ""
        return replace(self.at(declaration.data), declared=declared, **training)

    @property
    def kind(self) -> str:
        return "classification" if self.labels else "regression"

    @property
    def pair(self) -> bool:
        return len(self.texts) == 2

    @property
    def splits(self) -> Mapping[str, Path]:
        return {source.name: self.data_dir / source.file for source in self.files}

    def read(self, split: str) -> Examples:
        """Reads every row of a split; see `TaskData`.

        Raises:
          UserError: A file is missing or malformed; the message names the file, the line and the value.
        """
        source = self._source(split)
        path = self.data_dir / source.file
        self._check_present(path)
        table = read_table(path, source.columns, source.defect)
        text_a = table.column(self.texts[0])
        text_b = table.column(self.texts[1]) if self.pair else ("",) * len(table)
        labels = self._labels(table) if source.labelled else None
        ids = () if source.labelled else _row_ids(table)
        return Examples(text_a, text_b, labels, ids)

    def submission(self, split: str, ids: Sequence[str], decisions: npt.NDArray[Any]) -> Submission:
        """As GLUE's server takes it: labels by name, scores cut to their range; see `TaskData`."""
        file = self._source(split).submission
        if not file:
            raise UserError(f"task {self.name}: nobody takes predictions for {split}, only for test files")
        return Submission(file, predictions_text(self.name, self.labels, self.score_range, ids, decisions))

    def _source(self, split: str) -> SplitFile:
        for source in self.files:
            if source.name == split:
                return source
        known = ", ".join(source.name for source in self.files)
        raise UserError(f"task {self.name} has no split {split!r}; it has {known}")

    def _check_present(self, path: Path) -> None:
        if path.is_file():
            return
        folder = path.parent
        problem = f"there is no {path.name}" if folder.is_dir() else "there is no such folder"
        files = ", ".join(source.file for source in self.files)
        inner = folder / self.folder
        fix = f"did you mean {inner}?" if inner.is_dir() else f"a {self.folder} folder holds {files}"
        raise UserError(f"{folder}: {problem}; {fix}")

    def _labels(self, table: Table) -> tuple[str | float, ...]:
        labels = []
        for text, line in zip(table.column(self.label), table.lines, strict=True):
            try:
                labels.append(self._label(text))
            except UserError as error:
                raise UserError(f"{table.path}:{line}: {error}") from None
        return tuple(labels)

    def _label(self, text: str) -> str | float:
        if self.score_range:
            return _score(text, *self.score_range)
        if text not in self.labels:
            raise UserError(f"label {text!r} is none of {', '.join(self.labels)}")
        return text


def _score(text: str, lowest: float, highest: float) -> float:
    if not NUMBER.fullmatch(text):
        raise UserError(f"score {text!r} is not a number")
    score = float(text)
    if not lowest <= score <= highest:
        raise UserError(f"score {text} is not between {lowest:g} and {highest:g}")
    return score


def _row_ids(table: Table) -> tuple[str, ...]:
    """What the file calls its rows; () if it has no column for that."""
    names = {name.lower(): name for name in table.names}
    key = next((names[name] for name in ROW_IDS if name in names), None)
    return table.unique_column(key) if key else ()
