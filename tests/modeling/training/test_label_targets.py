"""Class weights and label smoothing: what they make of a loss, and of a run's identity."""

import re
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.errors import UserError
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import LABELS_ALONE, Head, LabelTargets
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.label_targets import label_targets
from centrabert.modeling.training.token_dataset import Encoded

LOGITS = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]], np.float32)
LABELS = {
    "classification": np.array([2, 0], np.int32),
    "multilabel": np.array([[1, 0, 1], [0, 0, 1]], np.int32),
}


def losses(kind: str, targets: LabelTargets) -> Any:
    with tf.Graph().as_default(), tf.Session() as session:
        head = Head(tf.constant(LOGITS), {}, targets=targets)
        return session.run(KINDS[kind].loss(head, tf.constant(LABELS[kind])))


def expected(kind: str, weights: tuple[float, ...], smoothing: float) -> Any:
    """By the definitions, in NumPy."""
    if kind == "classification":
        target = np.eye(3)[LABELS[kind]] * (1 - smoothing) + smoothing / 3
        log_softmax = LOGITS - np.log(np.exp(LOGITS).sum(1, keepdims=True))
        return -(target * log_softmax).sum(1) * np.array(weights)[LABELS[kind]]
    target = LABELS[kind] * (1 - smoothing) + smoothing / 2
    p = 1 / (1 + np.exp(-LOGITS))
    return -(target * np.log(p) * np.array(weights) + (1 - target) * np.log(1 - p)).mean(1)


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize(
    ("weights", "smoothing"), [((2.0, 1.0, 0.25), 0.0), ((), 0.2), ((3.0, 1.0, 0.5), 0.1)]
)
def test_loss(kind: str, weights: tuple[float, ...], smoothing: float) -> None:
    found = losses(kind, LabelTargets(weights, smoothing))
    np.testing.assert_allclose(found, expected(kind, weights or (1.0,) * 3, smoothing), rtol=1e-5)


@pytest.mark.parametrize("kind", LABELS)
def test_weights_of_one_and_the_least_smoothing_are_nearly_nothing(kind: str) -> None:
    plain = losses(kind, LABELS_ALONE)
    np.testing.assert_allclose(losses(kind, LabelTargets((1.0,) * 3, 1e-9)), plain, rtol=1e-6)
    np.testing.assert_allclose(expected(kind, (1.0,) * 3, 0.0), plain, rtol=1e-5)


def rows(labels: Any) -> Encoded:
    none, offsets = np.zeros(0, np.int32), np.zeros(len(labels) + 1, np.int64)
    return Encoded((), (), none, none, offsets, 0, np.array(labels, np.int32))


MOOD = tiny.task("mood", labels=("a:b", "bad", "good"), pair=False)


def test_balanced_weights() -> None:
    hyper = Hyperparameters(class_weights=("balanced",), label_smoothing=0.1)
    assert label_targets(hyper, MOOD, rows([0, 0, 0, 1, 2, 2])) == LabelTargets((2 / 3, 2.0, 1.0), 0.1)
    weights = KINDS["multilabel"].balanced_weights(
        np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0]]), ("a", "b", "c")
    )
    assert weights.tolist() == [1 / 3, 2.0, 3.0]


def test_given_weights_are_in_the_order_of_the_labels() -> None:
    hyper = Hyperparameters(class_weights=("good:3", "a:b:0.5", "bad:1"))
    assert label_targets(hyper, MOOD, rows([0])) == LabelTargets((0.5, 1.0, 3.0))
    assert label_targets(Hyperparameters(), MOOD, rows([0])) is LABELS_ALONE


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (("good:3", "bad:1"), "'a:b' has no weight; give one for each label"),
        (("good:3", "bad:1", "a:b:1", "c:1"), "'c' is no label of the task"),
    ],
)
def test_weights_of_other_labels(weights: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        label_targets(Hyperparameters(class_weights=weights), MOOD, rows([0]))


@pytest.mark.parametrize("weights", ["good", "good:", ":2", "good:0", "good:-1", "good:nan", "good:inf"])
def test_what_is_no_weight(weights: str) -> None:
    with pytest.raises(UserError, match="is no label with a weight above 0"):
        Hyperparameters(class_weights=(weights,))


def test_a_regression_has_no_classes() -> None:
    task = tiny.task("stars", kind="regression", labels=(), metric="pearson")
    for hyper in (Hyperparameters(class_weights=("balanced",)), Hyperparameters(label_smoothing=0.1)):
        message = "a regression takes neither class weights nor label smoothing; leave --class_weights and "
        with pytest.raises(UserError, match=message):
            label_targets(hyper, task, rows([0]))


def test_a_run_that_uses_neither_is_the_run_that_it_was() -> None:
    plain = Hyperparameters().to_json()
    assert not plain.keys() & {"class_weights", "label_smoothing"} and plain["warmup_proportion"] == 0.1
    assert Hyperparameters(class_weights=("a:1", "b:2")).to_json() == {
        **plain,
        "class_weights": ["a:1", "b:2"],
    }
    assert Hyperparameters(label_smoothing=0.1).to_json() == {**plain, "label_smoothing": 0.1}
    assert "warmup_proportion" in Hyperparameters(warmup_proportion=0.0).to_json()
