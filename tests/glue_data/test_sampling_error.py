"""How much a metric would differ had dev other rows: closed forms, and resampling spelled out."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from seqeval.metrics import f1_score as entity_f1
from sklearn.metrics import f1_score, matthews_corrcoef, roc_auc_score

from centrabert.errors import UserError
from centrabert.glue_data import sampling_error as module
from centrabert.glue_data.metrics import METRICS, PROBABILITY_METRICS
from centrabert.glue_data.sampling_error import RESAMPLES, sampling_error, share_error
from centrabert.glue_data.tag_metrics import TAG_COUNTS, named_tags

ROWS = 200
DRAW = np.random.default_rng(5)
TRUTH = DRAW.integers(2, size=ROWS)
GUESS = np.where(DRAW.random(ROWS) < 0.8, TRUTH, 1 - TRUTH)
LIKELY = np.stack([1 - (odds := np.clip(GUESS * 0.4 + DRAW.random(ROWS) * 0.6, 0, 1)), odds], axis=1)
SETS = DRAW.random([ROWS, 5]) < 0.3
SET_GUESS = SETS ^ (DRAW.random(SETS.shape) < 0.1)
SCORES = DRAW.normal(size=ROWS)
NAMES = ("O", "B-x", "I-x", "B-y", "I-y")
TAGS = DRAW.integers(5, size=[ROWS, 7])
TAGS[np.arange(7) >= DRAW.integers(1, 8, size=[ROWS, 1])] = -1  # behind the end of a row
TAG_GUESS = np.where(DRAW.random(TAGS.shape) < 0.8, TAGS, DRAW.integers(5, size=TAGS.shape))


def brute_force(metric: Callable[[NDArray[np.int64]], float]) -> float:
    """The spread of `metric` over resamples of the rows."""
    generator = np.random.default_rng(0)
    return float(np.std([metric(generator.integers(ROWS, size=ROWS)) for _ in range(RESAMPLES)]))


def entities(rows: NDArray[np.int64]) -> float:
    return float(entity_f1(*named_tags(TAGS[rows].tolist(), TAG_GUESS[rows].tolist(), NAMES)))


@pytest.mark.parametrize(
    ("metric", "given", "reference"),
    [
        ("f1", (TRUTH, GUESS), lambda rows: f1_score(TRUTH[rows], GUESS[rows])),
        ("matthews", (TRUTH, GUESS), lambda rows: matthews_corrcoef(TRUTH[rows], GUESS[rows])),
        (
            "macro_f1",
            (SETS, SET_GUESS),
            lambda rows: f1_score(SETS[rows], SET_GUESS[rows], average="macro", zero_division=0),
        ),
        (
            "auc",
            (TRUTH, GUESS, (), {"probabilities": LIKELY}),
            lambda rows: roc_auc_score(TRUTH[rows], LIKELY[rows, 1]),
        ),
        (
            "pearson",
            (SCORES, SCORES + TRUTH),
            lambda rows: np.corrcoef(SCORES[rows], (SCORES + TRUTH)[rows])[0, 1],
        ),
        ("entity_f1", (TAGS, TAG_GUESS, NAMES), entities),
    ],
)
def test_it_is_the_spread_over_resamples(metric: str, given: tuple[Any, ...], reference: Any) -> None:
    expected = brute_force(reference)
    assert sampling_error(metric, *given) == pytest.approx(expected, rel=1e-6)
    assert 0.001 < expected < 0.1


def test_an_accuracy_has_a_closed_form_and_resampling_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    share = float(np.mean(TRUTH == GUESS))
    closed = sampling_error("accuracy", TRUTH, GUESS)
    assert closed == share_error(share, ROWS) == math.sqrt(share * (1 - share) / ROWS)
    monkeypatch.setattr(module, "RESAMPLES", 5_000)
    assert sampling_error("micro_f1", TRUTH, GUESS) == pytest.approx(closed, rel=0.04)  # of classes the same


def test_a_correlation_is_known_better_the_higher_it_is() -> None:
    """As of normal scores: (1 - r^2) / sqrt(n - 1)."""
    draw = np.random.default_rng(2)
    truth = draw.normal(size=4000)
    guess = 0.9 * truth + math.sqrt(1 - 0.9**2) * draw.normal(size=4000)
    assert sampling_error("pearson", truth, guess) == pytest.approx(0.19 / math.sqrt(3999), rel=0.2)
    assert sampling_error("pearson", truth, guess) < share_error(0.9, 4000) / 1.3


def test_f1_of_a_rare_class_is_known_worse_than_a_share_of_all_rows() -> None:
    truth = np.arange(1000) < 40
    guess = truth ^ (np.arange(1000) % 50 == 0)
    found = sampling_error("f1", truth.astype(int), guess.astype(int))
    assert found > 3 * share_error(0.8, 1000)


@pytest.mark.parametrize("metric", ["f1", "matthews", "pearson"])
def test_where_resamples_tell_nothing_it_is_that_of_a_share(metric: str) -> None:
    perfect, constant = sampling_error(metric, TRUTH, TRUTH), sampling_error(metric, TRUTH, TRUTH * 0)
    assert (perfect, constant) == (share_error(0.99, ROWS), share_error(0.5, ROWS))


def test_a_seed_draws_the_same_rows() -> None:
    one, other = (sampling_error("f1", TRUTH, GUESS, seed=seed) for seed in (1, 2))
    assert one == sampling_error("f1", TRUTH, GUESS, seed=1) != other


def test_words_of_a_sentence_stay_together() -> None:
    """Sentences of ten words, all right or all wrong: there are as many trials as sentences, not as words."""
    labels = np.zeros([100, 10], int)
    decisions = np.repeat((np.arange(100) < 20)[:, None], 10, axis=1).astype(int)
    assert sampling_error("tag_accuracy", labels, decisions, NAMES) == pytest.approx(0.04, rel=0.15)


def test_every_metric_has_one() -> None:
    """Tags of one word a row are classes; 0 and 1 are classes, and scores."""
    predictions = {"probabilities": LIKELY}
    for metric in (*METRICS, *PROBABILITY_METRICS):
        assert 0 < sampling_error(metric, TRUTH, GUESS, (), predictions) < 0.1
    for metric in TAG_COUNTS:
        assert 0 < sampling_error(metric, TAGS, TAG_GUESS, NAMES) < 0.1
    with pytest.raises(UserError, match="nothing to score"):
        sampling_error("f1", TRUTH[:0], GUESS[:0])
