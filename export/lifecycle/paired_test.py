"""Whether one model is worse than another on the same rows: exact McNemar, and the paired bootstrap.

Both ask whether the candidate's loss is larger than a margin. The null hypothesis is that it is not; the test
is one-sided at the level ALPHA, and the interval of the difference has ALPHA on either side. So all of the
interval is below minus the margin where the null hypothesis is rejected; exactly so of the bootstrap, and but
for close cases of McNemar's test, which is exact where an interval of accuracies cannot be.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError

ALPHA = 0.05
RESAMPLES = 9_999  # with the sample itself 10,000, so that ALPHA of them is a whole number
MIN_ROWS = 10  # resamples of fewer rows vary less than rows do
SEED = 0

# A metric of the rows with these numbers.
OfRows = Callable[[npt.NDArray[np.int64]], float]


@dataclass(frozen=True)
class PairedDifference:
    """The candidate's metric minus the incumbent's, and whether the loss is larger than the margin.

    Attributes:
      lowest, highest: The interval of the difference, with ALPHA on either side.
      p_value: How likely such a loss, or a greater one, is if the true loss is the margin.
    """

    difference: float
    lowest: float
    highest: float
    p_value: float

    @property
    def significant_loss(self) -> bool:
        return self.p_value <= ALPHA


def mcnemar(
    candidate: npt.NDArray[np.bool_], incumbent: npt.NDArray[np.bool_], margin: float = 0.0
) -> PairedDifference:
    """McNemar's exact test (Psychometrika 12, 1947) of two accuracies.

    Given that one alone is right in `n` rows, the number of these that the candidate loses is binomial: each
    is lost with probability 1/2 if the accuracies are equal, with 1/2 + margin * rows / (2 n) if the
    candidate's is `margin` lower.

    Args:
      candidate, incumbent: Whether each answers a row right, [rows].
    """
    rows = len(candidate)
    lost, gained = int(np.sum(incumbent & ~candidate)), int(np.sum(candidate & ~incumbent))
    differing = lost + gained
    chance = min(1.0, 0.5 + margin * rows / (2 * differing)) if differing else 1.0
    lowest, highest = _bonett_price(lost, gained, rows)
    return PairedDifference(
        difference=(gained - lost) / rows,
        lowest=lowest,
        highest=highest,
        p_value=at_least(lost, differing, chance),
    )


def _bonett_price(lost: int, gained: int, rows: int) -> tuple[float, float]:
    """The interval of a difference of paired shares (Bonett and Price, J. Educ. Behav. Stat. 37, 2012).

    It keeps its level with few rows, too, and with none that differs.
    """
    less, more = (lost + 1) / (rows + 2), (gained + 1) / (rows + 2)
    half = NormalDist().inv_cdf(1 - ALPHA) * math.sqrt((less + more - (more - less) ** 2) / (rows + 2))
    return max(more - less - half, -1.0), min(more - less + half, 1.0)


def paired_bootstrap(
    candidate: OfRows, incumbent: OfRows, rows: int, margin: float = 0.0, seed: int = SEED
) -> PairedDifference:
    """The bootstrap of a difference (Efron and Tibshirani 1993, chapter 13), with its percentile interval.

    Both metrics are computed of the same resampled rows.

    Args:
      candidate, incumbent: Their metric of any sample of the rows.

    Raises:
      UserError: There are fewer than MIN_ROWS rows.
    """
    if rows < MIN_ROWS:
        raise UserError(f"{rows} rows are too few to compare two models by; give at least {MIN_ROWS}")
    generator = np.random.default_rng(seed)

    def difference(sample: npt.NDArray[np.int64]) -> float:
        return candidate(sample) - incumbent(sample)

    drawn = np.sort([difference(generator.integers(rows, size=rows)) for _ in range(RESAMPLES)])
    tail = round(ALPHA * (RESAMPLES + 1))
    return PairedDifference(
        difference=difference(np.arange(rows)),
        lowest=float(drawn[tail - 1]),
        highest=float(drawn[-tail]),
        p_value=float(1 + np.sum(drawn >= -margin)) / (RESAMPLES + 1),
    )


def at_least(successes: int, trials: int, probability: float) -> float:
    """How likely so many successes or more are: the upper tail of the binomial distribution."""
    if not successes or probability >= 1:
        return 1.0
    if probability <= 0:
        return 0.0
    counts = np.arange(successes, trials + 1)
    logs = _log_choices(trials)[counts] + counts * math.log(probability)
    return min(1.0, float(np.exp(logs + (trials - counts) * math.log1p(-probability)).sum()))


def _log_choices(trials: int) -> npt.NDArray[Any]:
    """Logarithms of the binomial coefficients, [trials + 1]."""
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, trials + 1)))])
    logs: npt.NDArray[Any] = factorials[-1] - factorials - factorials[::-1]
    return logs
