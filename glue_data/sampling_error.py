"""How much a metric would differ had dev other rows: its standard error, as a fraction.

That of an accuracy has a closed form. Of any other metric it is the spread over resamples of the rows: the
bootstrap (Efron, Annals of Statistics 7, 1979). A row of a tagging is a sentence: its words stay together.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from centrabert.glue_data.metrics import NO_PREDICTIONS, PROBABILITY_METRICS, score
from centrabert.glue_data.tag_metrics import TAG_COUNTS, f1_of, named_tags

RESAMPLES = 200  # the error is within 5 percent of what endless resamples would give: 1 / sqrt(2 * 200)
SEED = 0
ROUNDING = 1e-12  # of equal metrics
LOWEST_SHARE, HIGHEST_SHARE = 0.5, 0.99

# Metric of the rows with these numbers.
OfRows = Callable[[NDArray[np.int64]], float]


def share_error(share: float, rows: int) -> float:
    """The standard error of a share of `rows` rows.

    A low share is not known better than one half is, and none is perfect.
    """
    share = min(max(share, LOWEST_SHARE), HIGHEST_SHARE)
    return math.sqrt(share * (1 - share) / rows)


def sampling_error(
    metric: str,
    labels: ArrayLike,
    decisions: ArrayLike,
    names: Sequence[str] = (),
    predictions: Mapping[str, ArrayLike] = NO_PREDICTIONS,
    seed: int = SEED,
) -> float:
    """The standard error of a metric; the same for the same arguments.

    Where all resamples agree, as those of perfect answers, or of the same answer to every row, they tell
    nothing: then it is that of a share.

    Args:
      metric, labels, decisions, names, predictions: As for `metrics.score`.

    Raises:
      UserError: As `metrics.score`.
    """
    truth, answers = np.asarray(labels), np.asarray(decisions)
    value, rows = score([metric], truth, answers, names, predictions)[metric], len(truth)
    if metric == "accuracy":
        return share_error(value, rows)
    of_rows = metric_of_rows(metric, truth, answers, names, predictions)
    generator = np.random.default_rng(seed)
    values = [of_rows(generator.integers(rows, size=rows)) for _ in range(RESAMPLES)]
    spread = float(np.std(values))
    return spread if spread > ROUNDING else share_error(value, rows)


def metric_of_rows(
    metric: str,
    labels: NDArray[Any],
    decisions: NDArray[Any],
    names: Sequence[str],
    predictions: Mapping[str, ArrayLike],
) -> OfRows:
    """The metric of any sample of the rows; of a tagging what every row adds is counted once.

    Args:
      metric, labels, decisions, names, predictions: As for `metrics.score`.
    """
    if metric in TAG_COUNTS:
        counts = np.array(TAG_COUNTS[metric](*named_tags(labels.tolist(), decisions.tolist(), names)))
        return lambda rows: f1_of(*counts[:, rows].sum(axis=1))
    used = ["probabilities"] if metric in PROBABILITY_METRICS else []

    def of_rows(rows: NDArray[np.int64]) -> float:
        drawn = {name: np.asarray(predictions[name])[rows] for name in used}
        return score([metric], labels[rows], decisions[rows], names, drawn)[metric]

    return of_rows
