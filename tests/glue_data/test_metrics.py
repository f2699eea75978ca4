"""Metrics against values worked out by hand, naive loops, and scikit-learn and SciPy where present."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from centrabert.glue_data.metrics import (
    METRICS,
    accuracy,
    f1,
    macro_f1,
    matthews,
    micro_f1,
    pearson,
    score,
    spearman,
)

TRUTH = [1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 0]
GUESS = [1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0]  # 5 hits, 2 misses, 2 false alarms, 4 rejections

BINARY = st.integers(1, 37).flatmap(
    lambda size: st.tuples(*[st.lists(st.integers(0, 1), min_size=size, max_size=size)] * 2)
)
CLASSES = st.integers(1, 37).flatmap(
    lambda size: st.tuples(*[st.lists(st.integers(0, 3), min_size=size, max_size=size)] * 2)
)
LABEL_SETS = st.tuples(st.integers(1, 23), st.integers(2, 5)).flatmap(
    lambda shape: st.tuples(
        *[
            st.lists(
                st.lists(st.integers(0, 1), min_size=shape[1], max_size=shape[1]),
                min_size=shape[0],
                max_size=shape[0],
            )
        ]
        * 2
    )
)
# Quarters: many ties, and no correlation that hangs on rounding.
SCORES = st.integers(2, 32).flatmap(
    lambda size: st.tuples(
        *[st.lists(st.integers(0, 20).map(lambda i: i / 4), min_size=size, max_size=size)] * 2
    )
)


def _counts(truth, guess):
    pairs = list(zip(truth, guess, strict=True))
    return [sum(pair == cell for pair in pairs) for cell in ((1, 1), (1, 0), (0, 1), (0, 0))]


def _naive_f1(truth, guess):
    hits, misses, false_alarms, _ = _counts(truth, guess)
    if not hits:
        return 0.0
    precision, recall = hits / (hits + false_alarms), hits / (hits + misses)
    return 2 * precision * recall / (precision + recall)


def _naive_matthews(truth, guess):
    tp, fn, fp, tn = _counts(truth, guess)
    below = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / math.sqrt(below) if below else 0.0


def _naive_pearson(left, right):
    size = len(left)
    mean_left, mean_right = sum(left) / size, sum(right) / size
    above = sum((x - mean_left) * (y - mean_right) for x, y in zip(left, right, strict=True))
    below = sum((x - mean_left) ** 2 for x in left) * sum((y - mean_right) ** 2 for y in right)
    return above / math.sqrt(below) if below else 0.0


def _naive_ranks(values):
    return [sum(y < x for y in values) + (sum(y == x for y in values) + 1) / 2 for x in values]


def test_values_worked_out_by_hand():
    assert accuracy(TRUTH, GUESS) == 9 / 13
    assert f1(TRUTH, GUESS) == 10 / 14
    assert matthews(TRUTH, GUESS) == pytest.approx((5 * 4 - 2 * 2) / math.sqrt(7 * 7 * 6 * 6), abs=1e-15)
    assert pearson([1, 2, 3], [1, 2, 4]) == pytest.approx(3 / math.sqrt(2 * 14 / 3), abs=1e-15)
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4.
    assert spearman([0, 3, 3, 5], [10, 20, 30, 40]) == pytest.approx(4.5 / math.sqrt(4.5 * 5), abs=1e-15)


def test_f1_is_of_class_one():
    """The other class would give 2/3 here."""
    assert f1([1, 1, 0, 0], [1, 1, 1, 0]) == 4 / 5


# Of four labels: 2 hits and 1 false alarm; 1 miss; 1 hit, 1 miss and 1 false alarm; never there.
SETS = [[1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
GUESSED_SETS = [[1, 0, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]


def test_f1_of_label_sets():
    """scikit-learn 1.9.1: f1_score(SETS, GUESSED_SETS, average=..., zero_division=0.0)."""
    assert macro_f1(SETS, GUESSED_SETS) == pytest.approx((4 / 5 + 0 + 2 / 4 + 0) / 4, abs=1e-15) == 0.325
    assert micro_f1(SETS, GUESSED_SETS) == pytest.approx(2 * 3 / (5 + 5), abs=1e-15)
    decided = np.array(GUESSED_SETS, bool)
    assert macro_f1(np.array(SETS, np.float32), decided) == macro_f1(SETS, GUESSED_SETS)


def test_f1_of_classes_is_their_mean_or_the_accuracy():
    """A class that occurs nowhere, such as 1, does not count."""
    truth, guess = [0, 0, 0, 2, 3], [0, 0, 2, 2, 0]
    assert macro_f1(truth, guess) == pytest.approx((4 / 6 + 2 / 3 + 0) / 3, abs=1e-15)
    assert micro_f1(truth, guess) == accuracy(truth, guess) == 3 / 5


def test_nothing_said_of_rows_without_labels_scores_zero():
    assert micro_f1([[0, 0]], [[0, 0]]) == macro_f1([[0, 0]], [[0, 0]]) == 0.0


@pytest.mark.filterwarnings("ignore:A single label was found", "ignore:Number of classes")
@settings(derandomize=True, deadline=None)
@given(st.one_of(LABEL_SETS, CLASSES))
def test_f1_of_many_labels_equals_scikit_learn(pair):
    sklearn = pytest.importorskip("sklearn.metrics")
    truth, guess = map(np.array, pair)
    for average, metric in (("micro", micro_f1), ("macro", macro_f1)):
        expected = sklearn.f1_score(truth, guess, average=average, zero_division=0.0)
        assert metric(truth, guess) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([[0, 1]], [[0], [1]], r"labels \[1, 2\] and predictions \[2, 1\] are not both \[n, labels\]"),
        ([[0, 1]], [[0, 2]], "predictions hold 2, not only 0 and 1"),
        ([[0, 1]], [[0, math.nan]], "predictions: 1 of 2 are not finite, the first is row 0"),
        ([[0.5, 1]], [[0, 1]], "labels hold 0.5, not only 0 and 1"),
    ],
)
@pytest.mark.parametrize("metric", [micro_f1, macro_f1])
def test_label_sets_that_do_not_fit_are_an_error(metric, labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        metric(labels, predictions)


@pytest.mark.parametrize("name", METRICS)
def test_perfect_answers_score_one(name):
    assert METRICS[name](TRUTH, TRUTH) == pytest.approx(1.0, abs=1e-15)
    assert METRICS[name](TRUTH, TRUTH) <= 1.0


@settings(derandomize=True, deadline=None)
@given(BINARY)
def test_binary_metrics_equal_naive_loops(pair):
    truth, guess = pair
    assert accuracy(truth, guess) == sum(x == y for x, y in zip(truth, guess, strict=True)) / len(truth)
    assert f1(truth, guess) == pytest.approx(_naive_f1(truth, guess), abs=1e-12)
    assert matthews(truth, guess) == pytest.approx(_naive_matthews(truth, guess), abs=1e-12)


@settings(derandomize=True, deadline=None)
@given(SCORES)
def test_correlations_equal_naive_loops(pair):
    left, right = pair
    assert pearson(left, right) == pytest.approx(_naive_pearson(left, right), abs=1e-12)
    expected = _naive_pearson(_naive_ranks(left), _naive_ranks(right))
    assert spearman(left, right) == pytest.approx(expected, abs=1e-12)


@settings(derandomize=True, deadline=None)
@given(SCORES)
def test_correlation_ignores_order_scale_and_offset(pair):
    left, right = np.array(pair[0]), np.array(pair[1])
    for correlation in (pearson, spearman):
        value = correlation(left, right)
        assert correlation(right, left) == pytest.approx(value, abs=1e-12)
        assert correlation(left[::-1], right[::-1]) == pytest.approx(value, abs=1e-12)
        assert correlation(left, 3 * right + 7) == pytest.approx(value, abs=1e-12)
        assert correlation(left, -right) == pytest.approx(-value, abs=1e-12)
    assert spearman(left, np.exp(right)) == pytest.approx(spearman(left, right), abs=1e-12)


@pytest.mark.filterwarnings("ignore:A single label was found")
@settings(derandomize=True, deadline=None)
@given(CLASSES)
def test_class_metrics_equal_scikit_learn(pair):
    sklearn = pytest.importorskip("sklearn.metrics")
    truth, guess = pair
    assert accuracy(truth, guess) == pytest.approx(sklearn.accuracy_score(truth, guess), abs=1e-12)
    assert matthews(truth, guess) == pytest.approx(sklearn.matthews_corrcoef(truth, guess), abs=1e-12)
    expected = sklearn.f1_score(truth, guess, labels=[1], average="macro", zero_division=0.0)
    assert f1(truth, guess) == pytest.approx(expected, abs=1e-12)


@settings(derandomize=True, deadline=None)
@given(SCORES.filter(lambda pair: min(len(set(pair[0])), len(set(pair[1]))) > 1))
def test_correlations_equal_scipy(pair):
    stats = pytest.importorskip("scipy.stats")
    assert pearson(*pair) == pytest.approx(stats.pearsonr(*pair).statistic, abs=1e-12)
    assert spearman(*pair) == pytest.approx(stats.spearmanr(*pair).statistic, abs=1e-12)


@pytest.mark.parametrize("constant", [[0, 0, 0], [1, 1, 1]])
def test_one_answer_to_all_has_no_correlation(constant):
    for metric in (matthews, pearson, spearman):
        assert metric([0, 1, 1], constant) == 0.0
        assert metric(constant, [0, 1, 1]) == 0.0
        assert metric(constant, constant) == 0.0


def test_constant_that_rounds_in_the_mean_has_no_correlation():
    """The mean of seven 0.1 is not 0.1 in float64, so the deviations are not 0."""
    assert pearson([1, 2, 3, 4, 5, 6, 7], [0.1] * 7) == 0.0
    assert pearson([1, 2, 3, 4, 5, 6, 7], np.full(7, 0.1, np.float32)) == 0.0


def test_f1_without_positives_is_zero():
    assert f1([0, 0], [0, 0]) == 0.0
    assert f1([0, 1], [0, 0]) == 0.0
    assert f1([0, 0], [0, 1]) == 0.0


def test_one_row_scores():
    assert score(list(METRICS), [1], [1]) == {
        "accuracy": 1.0,
        "f1": 1.0,
        "macro_f1": 1.0,
        "matthews": 0.0,
        "micro_f1": 1.0,
        "pearson": 0.0,
        "spearman": 0.0,
    }


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_extreme_scores_neither_overflow_nor_vanish(scale):
    assert pearson([1, 2, 3], np.array([1, 2, 4]) * scale) == pytest.approx(3 / math.sqrt(28 / 3), abs=1e-12)


def test_large_sets_do_not_overflow():
    """Products of four counts of 400,000 rows pass 2**63."""
    truth = np.tile(np.array([0, 1, 1, 0], np.int32), 100_000)
    guess = np.tile(np.array([0, 1, 0, 0], np.int32), 100_000)
    assert matthews(truth, guess) == pytest.approx(2 / math.sqrt(12), abs=1e-12)


def test_types_of_arrays_do_not_matter():
    small = np.array(TRUTH, np.uint8), np.array(GUESS, np.int32)
    assert score(list(METRICS), *small) == score(list(METRICS), TRUTH, GUESS)
    assert all(type(value) is float for value in score(list(METRICS), *small).values())


def test_score_keeps_the_order_of_the_names():
    scores = score(["f1", "accuracy"], TRUTH, GUESS)
    assert list(scores.items()) == [("f1", 10 / 14), ("accuracy", 9 / 13)]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_answers_that_are_not_finite_are_an_error(bad):
    for name in METRICS:
        with pytest.raises(ValueError, match="predictions: 2 of 3 are not finite, the first is row 1"):
            score([name], [0, 1, 1], [0.0, bad, bad])
    with pytest.raises(ValueError, match="labels: 1 of 3 are not finite, the first is row 0"):
        score(["pearson"], [bad, 1.0, 2.0], [0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([0, 1], [0, 1, 1], r"labels \[2\] and predictions \[3\] are not both \[n\]"),
        ([0, 1], [[0], [1]], r"labels \[2\] and predictions \[2, 1\] are not both \[n\]"),
        ([], [], "nothing to score"),
        ([0, 1], ["0", "1"], "predictions are of type <U1, not numbers"),
    ],
)
@pytest.mark.parametrize("name", METRICS)
def test_arguments_that_do_not_fit_are_an_error(name, labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        score([name], labels, predictions)


@pytest.mark.parametrize("name", ["accuracy", "f1", "macro_f1", "matthews", "micro_f1"])
def test_classes_are_indices(name):
    with pytest.raises(ValueError, match="predictions are of type float64, but classes are integer indices"):
        score([name], [0, 1], [0.3, 0.7])
    with pytest.raises(ValueError, match="predictions: class -1 is negative"):
        score([name], [0, 1], [0, -1])


def test_unknown_metric_names_those_there_are():
    with pytest.raises(ValueError) as caught:
        score(["accuracy", "recall"], [0], [0])
    known = (
        "accuracy, f1, macro_f1, matthews, micro_f1, pearson, spearman, "
        "entity_f1, strict_entity_f1, tag_accuracy, auc"
    )
    assert str(caught.value) == f"unknown metric 'recall'; known are {known}"
