"""The two tests against exact fractions, enumeration and SciPy."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multinomial

from centrabert.errors import UserError
from centrabert.export.lifecycle.paired_test import (
    ALPHA,
    MIN_ROWS,
    at_least,
    mcnemar,
    paired_bootstrap,
)

ROWS = 20
# What the candidate adds to each of 14 rows: the mean is -6/14.
STEPS = np.array([-1, -1, 0, -1, 1, 0, -1, -1, 0, -1, 0, 1, -1, -1])


def answered(lost: int, gained: int, both: int = 0) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether candidate and incumbent answer each of ROWS rows right."""
    candidate = [False] * lost + [True] * (gained + both)
    incumbent = [True] * lost + [False] * gained + [True] * both
    rest = [False] * (ROWS - len(candidate))
    return np.array(candidate + rest), np.array(incumbent + rest)


def test_mcnemar_by_hand() -> None:
    """8 of 9 differing rows lost: (9 + 1) / 2^9; the interval is of (1 + 1) / 22 and (8 + 1) / 22."""
    found = mcnemar(*answered(lost=8, gained=1, both=4))
    assert found.p_value == pytest.approx(10 / 512, rel=1e-12)
    assert found.difference == pytest.approx(-7 / 20)
    half = 1.6448536 * ((11 / 22 - (7 / 22) ** 2) / 22) ** 0.5
    assert (found.lowest, found.highest) == pytest.approx((-7 / 22 - half, -7 / 22 + half))
    assert found.significant_loss


def test_mcnemar_with_a_margin_by_hand() -> None:
    """A loss of 1 row in 20 among 9 differing ones is a chance of 1/2 + 1/18 = 5/9 for each."""
    found = mcnemar(*answered(lost=8, gained=1), margin=0.05)
    chance = Fraction(5, 9)
    exact = 9 * chance**8 * (1 - chance) + chance**9
    assert found.p_value == pytest.approx(float(exact), rel=1e-12)
    assert not mcnemar(*answered(lost=8, gained=1), margin=0.45).significant_loss


def test_the_same_answers_are_no_loss() -> None:
    """How large a loss so few rows cannot rule out is told all the same."""
    found = mcnemar(*answered(0, 0, both=7))
    assert (found.difference, found.p_value) == (0.0, 1.0)
    assert (found.lowest, found.highest) == pytest.approx((-0.1057, 0.1057), abs=1e-4)


@pytest.mark.parametrize(("less", "more"), [(0.05, 0.05), (0.25, 0.1), (0.5, 0.02)])
def test_levels_of_interval_and_margin(less: float, more: float) -> None:
    """Summed over all outcomes of ROWS rows, of which a share is lost and another gained."""
    covered = refused = 0.0
    for lost in range(ROWS + 1):
        for gained in range(ROWS - lost + 1):
            found = mcnemar(*answered(lost, gained), margin=max(less - more, 0.0))
            counts, shares = [lost, gained, ROWS - lost - gained], [less, more, 1 - less - more]
            chance = multinomial.pmf(counts, ROWS, shares)
            covered += chance * (found.lowest <= more - less <= found.highest)
            refused += chance * found.significant_loss
    assert 0.88 < covered < 0.99
    assert refused < 0.06


def test_equal_models_are_refused_seldom() -> None:
    """The level of the test, summed over all outcomes of 12 differing rows."""
    chances = [Fraction(comb(12, lost), 2**12) for lost in range(13)]
    refused = sum(
        chance for lost, chance in enumerate(chances) if mcnemar(*answered(lost, 12 - lost)).significant_loss
    )
    assert refused == Fraction(66 + 12 + 1, 2**12)  # 10, 11 or 12 lost: with 9 it would be 0.073


@pytest.mark.parametrize("probability", [Fraction(1, 2), Fraction(5, 9), Fraction(1, 1000), Fraction(1)])
def test_tails_are_those_of_exact_fractions(probability: Fraction) -> None:
    for trials in (1, 7, 150):
        for successes in {0, 1, trials // 2, trials}:
            exact = sum(
                comb(trials, k) * probability**k * (1 - probability) ** (trials - k)
                for k in range(successes, trials + 1)
            )
            assert at_least(successes, trials, float(probability)) == pytest.approx(float(exact), rel=1e-11)


def of_candidate(rows: NDArray[np.int64]) -> float:
    return 0.5 + float(STEPS[rows].mean())


def of_incumbent(rows: NDArray[np.int64]) -> float:
    del rows
    return 0.5


@pytest.mark.parametrize("margin", [0.0, 0.2])
def test_bootstrap_of_a_mean_is_that_of_all_resamples(margin: float) -> None:
    """The sum of 14 draws of STEPS is distributed as 14 convolutions say."""
    once = np.array([np.mean(step == STEPS) for step in (-1, 0, 1)])
    sums = np.ones(1)
    for _ in STEPS:
        sums = np.convolve(sums, once)
    means = np.arange(-14, 15) / 14
    found = paired_bootstrap(of_candidate, of_incumbent, len(STEPS), margin)
    exact = sums[means >= -margin].sum()
    assert found.p_value == pytest.approx(exact, abs=5 * np.sqrt(exact / 10_000))
    below = np.cumsum(sums)
    assert found.lowest == pytest.approx(means[np.searchsorted(below, ALPHA)])
    assert found.highest == pytest.approx(means[np.searchsorted(below, 1 - ALPHA)])
    assert found.difference == pytest.approx(-6 / 14)
    assert found.significant_loss == (margin == 0.0) == (found.highest < -margin)
    assert found == paired_bootstrap(of_candidate, of_incumbent, len(STEPS), margin)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(UserError, match=f"9 rows are too few.*at least {MIN_ROWS}"):
        paired_bootstrap(of_candidate, of_incumbent, 9)
