"""Reads a split of a GLUE task from the task's folder into examples."""

import os
import re
from pathlib import Path

from centrabert.errors import UserError
from centrabert.glue_data.example import Example
from centrabert.glue_data.glue_tasks import GlueTask
from centrabert.glue_data.tsv import Row, read_rows

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def read(task: GlueTask, data_dir: str | os.PathLike[str], split: str) -> list[Example]:
    """Reads every row of a split, in the file's order and with the texts as they stand.

    Args:
      task: The task, see `glue_task`.
      data_dir: The task's own folder, as BERT's --data_dir, e.g. `glue/MRPC`.
      split: "train", "dev" or "test"; MNLI has "dev_mismatched" and "test_mismatched" too.

    Returns:
      The examples; their labels are None in a test split, strings of `task.labels` or scores elsewhere.

    Raises:
      UserError: A file is missing or malformed; the message names the file, the line and the value.
    """
    source = task.split(split)
    path = Path(data_dir) / source.file
    _check_present(path, task)
    wanted = (*task.texts, task.label) if source.labelled else task.texts
    rows = read_rows(path, wanted, source.columns, source.defect)
    return [_example(row, task, path) for row in rows]


def _check_present(path: Path, task: GlueTask) -> None:
    if path.is_file():
        return
    folder = path.parent
    problem = (
        f"{folder}: there is no {path.name}" if folder.is_dir() else f"{folder}: there is no such folder"
    )
    files = ", ".join(split.file for split in task.splits)
    inner = folder / task.folder
    mend = f"did you mean {inner}?" if inner.is_dir() else f"a {task.folder} folder holds {files}"
    raise UserError(f"{problem}; {mend}")


def _example(row: Row, task: GlueTask, path: Path) -> Example:
    text_a = row.values[0]
    text_b = row.values[1] if task.pair else ""
    if len(row.values) == len(task.texts):
        return Example(text_a, text_b)
    try:
        return Example(text_a, text_b, _label(row.values[-1], task))
    except ValueError as error:
        raise UserError(f"{path}:{row.line}: {error}") from error


def _label(text: str, task: GlueTask) -> str | float:
    if task.score_range:
        return _score(text, *task.score_range)
    if text not in task.labels:
        raise UserError(f"label {text!r} is none of {', '.join(task.labels)}")
    return text


def _score(text: str, lowest: float, highest: float) -> float:
    # float() alone would also take "nan", "inf" and "1_0".
    if not NUMBER.fullmatch(text):
        raise UserError(f"score {text!r} is not a number")
    score = float(text)
    if not lowest <= score <= highest:
        raise UserError(f"score {text} is not between {lowest:g} and {highest:g}")
    return score
