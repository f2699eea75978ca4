"""Predictions as the GLUE server takes them: a header, then the file's own number and one prediction a row.

The server wants one archive of all its tasks, with files for WNLI and the diagnostic set AX as well; those
two are not ours.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from centrabert.errors import UserError

HEADER = "index\tprediction"


def predictions_text(
    task: str,
    labels: Sequence[str],
    score_range: tuple[float, float] | None,
    ids: Sequence[str],
    decisions: NDArray[Any],
) -> str:
    """The text of e.g. `RTE.tsv`.

    Args:
      task: Named in errors.
      labels: The names of the classes; () for scores.
      score_range: To which scores are cut; None for classes.
      ids: What the test file calls its rows, [n].
      decisions: One decision a row, [n]: class indices (integers), or scores.

    Raises:
      UserError: A decision is no class or no finite number, or there is not one for every row.
    """
    values = np.asarray(decisions)
    if values.shape != (len(ids),):
        raise UserError(f"task {task}: predictions have shape {list(values.shape)}, not [{len(ids)}]")
    if not values.size:
        raise UserError(f"task {task}: there are no predictions")
    answers = _scores(values, task, score_range) if score_range else _labels(values, task, labels)
    rows = [f"{row_id}\t{answer}" for row_id, answer in zip(ids, answers, strict=True)]
    return "\n".join([HEADER, *rows, ""])


def _labels(values: NDArray[Any], task: str, labels: Sequence[str]) -> Sequence[str]:
    if values.dtype.kind not in "iu":
        raise UserError(f"task {task}: predictions are of type {values.dtype}, not class indices")
    for row, value in enumerate(values):
        if not 0 <= value < len(labels):
            raise UserError(
                f"task {task}: prediction {row} is {value}, not one of the classes 0 to {len(labels) - 1}"
            )
    return [labels[value] for value in values]


def _scores(values: NDArray[Any], task: str, score_range: tuple[float, float]) -> Sequence[str]:
    if values.dtype.kind not in "iuf":
        raise UserError(f"task {task}: predictions are of type {values.dtype}, not scores")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise UserError(f"task {task}: prediction {bad[0]} is {values[bad[0]]}, not a finite score")
    cut = np.clip(values.astype(np.float64), *score_range) + 0.0  # + 0.0 turns -0.0 into 0.0
    return [f"{score:.3f}" for score in cut]
