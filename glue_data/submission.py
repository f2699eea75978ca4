"""Prediction files as the GLUE server takes them: a header, then one numbered prediction a row.

The server wants one archive of all its tasks, with files for WNLI and the diagnostic set AX as well; those
two are not ours.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from centrabert.errors import UserError
from centrabert.glue_data.glue_tasks import GlueTask
from centrabert.modeling.files import write_text

HEADER = "index\tprediction"


def write_submission(
    output_dir: str | os.PathLike[str], task: GlueTask, predictions: ArrayLike, split: str = "test"
) -> Path:
    """Writes e.g. `RTE.tsv` or `MNLI-mm.tsv` into `output_dir`, which is made if need be.

    Args:
      output_dir: Where the file goes.
      task: The task.
      predictions: One answer a row of the test file, in its order, [n]: class indices (integers), or scores,
        which are cut to the task's range.
      split: "test"; for MNLI "test_mismatched" too.

    Returns:
      The path of the file.

    Raises:
      UserError: The split is not submitted, or a prediction is no class or no finite number; nothing is
        written.
      OSError: The disk is full or the folder not writable; an older file is untouched.
    """
    name = task.split(split).submission
    if not name:
        raise UserError(f"task {task.name}: GLUE takes no predictions for {split}, only for test files")
    values = np.asarray(predictions)
    if values.ndim != 1 or not values.size:
        raise UserError(f"task {task.name}: predictions have shape {list(values.shape)}, not [n]")
    answers = _labels(values, task) if task.labels else _scores(values, task)
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    # The index column of every official test file counts its rows from 0.
    rows = [f"{index}\t{answer}" for index, answer in enumerate(answers)]
    write_text(folder / name, "\n".join([HEADER, *rows]) + "\n")
    return folder / name


def _labels(values: NDArray[Any], task: GlueTask) -> Iterable[str]:
    if values.dtype.kind not in "iu":
        raise UserError(f"task {task.name}: predictions are of type {values.dtype}, not class indices")
    for index, value in enumerate(values):
        if not 0 <= value < len(task.labels):
            raise UserError(
                f"task {task.name}: prediction {index} is {value}, "
                f"not one of the classes 0 to {len(task.labels) - 1}"
            )
    return [task.labels[value] for value in values]


def _scores(values: NDArray[Any], task: GlueTask) -> Iterable[str]:
    if task.score_range is None or values.dtype.kind not in "iuf":
        raise UserError(f"task {task.name}: predictions are of type {values.dtype}, not scores")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise UserError(f"task {task.name}: prediction {bad[0]} is {values[bad[0]]}, not a finite score")
    cut = np.clip(values.astype(np.float64), *task.score_range) + 0.0  # + 0.0 turns -0.0 into 0.0
    return [f"{score:.3f}" for score in cut]
