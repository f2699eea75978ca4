"""The metrics of tasks, as fractions: pure functions of labels and predictions, [n] each.

Classes are integer indices, scores are floats. Where a row has any number of labels, both are [n, labels],
1 or True for each label that it has. Whatever is undefined is 0.0, never NaN: a NaN compares false
with everything, so it would decide at random which checkpoint is kept; and a model that gives one answer to
all has learned nothing, which is what 0.0 says.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from centrabert.errors import UserError
from centrabert.glue_data.tag_metrics import TAG_COUNTS, named_tags, tag_metric
from centrabert.modeling.kinds.registry import KINDS

Array = NDArray[Any]
NO_PREDICTIONS: Mapping[str, ArrayLike] = MappingProxyType({})


def accuracy(labels: ArrayLike, predictions: ArrayLike) -> float:
    """The share of classes that were predicted right."""
    truth, guess = _classes(labels, predictions)
    return float(np.mean(truth == guess))


def f1(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Harmonic mean of precision and recall of class 1; 0.0 if it occurs in neither argument."""
    truth, guess = _classes(labels, predictions)
    hits = int(np.sum((truth == 1) & (guess == 1)))
    claims = int(np.sum(truth == 1) + np.sum(guess == 1))
    return 2 * hits / claims if claims else 0.0


def micro_f1(labels: ArrayLike, predictions: ArrayLike) -> float:
    """F1 of all labels' hits and misses together; of classes it is the accuracy. 0.0 without any label."""
    hits, claims = _hits_and_claims(labels, predictions)
    return 2 * int(hits.sum()) / max(int(claims.sum()), 1)


def macro_f1(labels: ArrayLike, predictions: ArrayLike) -> float:
    """The mean of F1 over the labels, as scikit-learn's; that of a label which occurs nowhere is 0.0.

    Of classes, only those count that occur in either argument.
    """
    hits, claims = _hits_and_claims(labels, predictions)
    return float(np.mean(2 * hits / np.maximum(claims, 1)))


def matthews(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Matthews' correlation, -1..1, for two classes or more; 0.0 if either argument is constant.

    Gorodkin's form for K classes (Computational Biology and Chemistry 28, 2004), which scikit-learn uses.
    """
    truth, guess = _classes(labels, predictions)
    total, right = len(truth), int(np.sum(truth == guess))
    size = int(max(truth.max(), guess.max())) + 1
    true = [int(count) for count in np.bincount(truth, minlength=size)]
    said = [int(count) for count in np.bincount(guess, minlength=size)]
    covariance = right * total - sum(t * s for t, s in zip(true, said, strict=True))
    spread = (total**2 - sum(t * t for t in true)) * (total**2 - sum(s * s for s in said))
    return covariance / math.sqrt(spread) if spread else 0.0


def pearson(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Pearson's correlation, -1..1; 0.0 if either argument is constant (SciPy: NaN)."""
    return _correlation(*_scores(labels, predictions))


def spearman(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Pearson's correlation of the ranks, equal values sharing their mean rank; 0.0 as for `pearson`."""
    truth, guess = _scores(labels, predictions)
    return _correlation(_ranks(truth), _ranks(guess))


def auc(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """The area under the ROC curve: how often a row with a label has the label more likely than one without.

    Of two classes that of the second; of more, or of labels of which a row may have several, the mean over
    the labels that some rows have and others have not, as scikit-learn's one-versus-rest. 0.0 without any.

    Args:
      labels: Classes, [n], or [n, labels], 0 or 1.
      probabilities: [n, labels].
    """
    truth, likely = np.asarray(labels), np.asarray(probabilities, np.float64)
    if truth.ndim == 1:
        truth = np.asarray(truth)[:, None] == np.arange(likely.shape[1])
        first = likely.shape[1] == 2
        truth, likely = truth[:, first:], likely[:, first:]
    columns = zip(truth.T == 1, likely.T, strict=True)
    areas = [_area(has, scores) for has, scores in columns if 0 < has.sum() < len(has)]
    return float(np.mean(areas)) if areas else 0.0


def _area(positive: Array, scores: Array) -> float:
    """By the ranks, as Mann and Whitney's U; equal scores count half."""
    hits = int(positive.sum())
    beaten = _ranks(scores)[positive].sum() - hits * (hits + 1) / 2
    return float(beaten / (hits * (len(scores) - hits)))


# Metrics of the probabilities; all others are of decisions.
PROBABILITY_METRICS: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {"auc": auc}
METRICS: dict[str, Callable[[ArrayLike, ArrayLike], float]] = {
    "accuracy": accuracy,
    "f1": f1,
    "macro_f1": macro_f1,
    "matthews": matthews,
    "micro_f1": micro_f1,
    "pearson": pearson,
    "spearman": spearman,
}


def check_metrics(kind: str, labels: Sequence[str], metrics: Sequence[str]) -> None:
    """Raises UserError unless a task names a metric, and only such as suit its kind and labels."""
    allowed = KINDS[kind].metrics
    listed = ", ".join(sorted(allowed))
    if not metrics:
        raise UserError(f"there is no metric to choose a checkpoint by; a {kind} has {listed}")
    for metric in metrics:
        if metric not in allowed:
            raise UserError(f"metric {metric!r} is not for a {kind}; choose among {listed}")
    if "f1" in metrics and len(labels) != 2:
        raise UserError(f"metric 'f1' is for two labels, the second the positive one: {labels}")


def score(
    metrics: Sequence[str],
    labels: ArrayLike,
    decisions: ArrayLike,
    names: Sequence[str] = (),
    predictions: Mapping[str, ArrayLike] = NO_PREDICTIONS,
) -> dict[str, float]:
    """Computes the named metrics, in their order.

    Args:
      metrics: Keys of METRICS, TAG_COUNTS or PROBABILITY_METRICS.
      labels: The truth, [n]: class indices (integers) or scores; or [n, labels], 0 or 1.
        Of a tagging [n, words], see `named_tags`.
      decisions: The model's answers, of the same sort.
      names: The labels of the task; only a tagging needs them.
      predictions: With `probabilities`, which the metrics of them need.

    Raises:
      UserError: A metric is unknown; the arguments differ in shape, are empty or not finite; a metric of
        classes or labels is given floats.
    """
    known = [*METRICS, *TAG_COUNTS, *PROBABILITY_METRICS]
    for name in metrics:
        if name not in known:
            raise UserError(f"unknown metric {name!r}; known are {', '.join(known)}")
    tags = (
        named_tags(np.asarray(labels).tolist(), np.asarray(decisions).tolist(), names)
        if set(metrics) & TAG_COUNTS.keys()
        else ([], [])
    )
    found = {}
    for name in metrics:
        if name in PROBABILITY_METRICS:
            found[name] = PROBABILITY_METRICS[name](labels, predictions["probabilities"])
        else:
            found[name] = tag_metric(name, *tags) if name in TAG_COUNTS else METRICS[name](labels, decisions)
    return found


def _checked(labels: ArrayLike, predictions: ArrayLike, shape: str = "[n]") -> tuple[Array, Array]:
    truth, guess = np.asarray(labels), np.asarray(predictions)
    if truth.ndim != 1 + shape.count(",") or truth.shape != guess.shape:
        raise UserError(
            f"labels {list(truth.shape)} and predictions {list(guess.shape)} are not both {shape}"
        )
    if not truth.size:
        raise UserError("there is nothing to score: labels and predictions are empty")
    for name, values in (("labels", truth), ("predictions", guess)):
        _check_finite(name, values)
    return truth, guess


def _check_finite(name: str, values: Array) -> None:
    if values.dtype.kind not in "buif":
        raise UserError(f"{name} are of type {values.dtype}, not numbers")
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise UserError(f"{name}: {len(bad)} of {values.size} are not finite, the first is row {bad[0][0]}")


def _classes(labels: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array]:
    truth, guess = _checked(labels, predictions)
    for name, values in (("labels", truth), ("predictions", guess)):
        if values.dtype.kind == "f":
            raise UserError(f"{name} are of type {values.dtype}, but classes are integer indices")
        if values.min() < 0:
            raise UserError(f"{name}: class {values.min()} is negative")
    return truth.astype(np.int64), guess.astype(np.int64)


def _hits_and_claims(labels: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array]:
    """For each label, int64: the rows where both have it; the rows where one has it, plus the other's."""
    if np.ndim(labels) == 2:
        truth, guess = _checked(labels, predictions, "[n, labels]")
        for name, values in (("labels", truth), ("predictions", guess)):
            if not np.isin(values, (0, 1)).all():
                raise UserError(f"{name} hold {values[~np.isin(values, (0, 1))][0]}, not only 0 and 1")
        truth, guess = truth.astype(bool), guess.astype(bool)
        return np.sum(truth & guess, 0), np.sum(truth, 0) + np.sum(guess, 0)
    truth, guess = _classes(labels, predictions)
    size = int(max(truth.max(), guess.max())) + 1
    claims = np.bincount(truth, minlength=size) + np.bincount(guess, minlength=size)
    return np.bincount(truth[truth == guess], minlength=size)[claims > 0], claims[claims > 0]


def _scores(labels: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array]:
    truth, guess = _checked(labels, predictions)
    return truth.astype(np.float64), guess.astype(np.float64)


def _correlation(left: Array, right: Array) -> float:
    if np.all(left == left[0]) or np.all(right == right[0]):
        return 0.0
    left, right = _direction(left), _direction(right)
    return float(np.clip(left @ right, -1.0, 1.0))  # rounding may pass 1 by an ulp


def _direction(values: Array) -> Array:
    """The deviations from the mean, scaled to length 1; the first division keeps squares from overflowing."""
    values = values / np.abs(values).max()
    values = values - values.mean()
    direction: Array = values / np.linalg.norm(values)
    return direction


def _ranks(values: Array) -> Array:
    """Ranks from 1; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = np.cumsum(counts) - (counts - 1) / 2
    return ranks[places]
