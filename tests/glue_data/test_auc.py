"""AUC against values worked out by hand, and scikit-learn where present."""

import numpy as np
import pytest

from centrabert.glue_data.metrics import auc, score


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_auc_of_classes_is_that_of_scikit_learn(classes):
    random = np.random.default_rng(classes)
    labels = np.concatenate([np.arange(classes), random.integers(classes, size=60)])
    probabilities = random.dirichlet(np.ones(classes), len(labels)).round(2)  # with ties
    probabilities /= probabilities.sum(1, keepdims=True)
    found = score(["accuracy", "auc"], labels, labels, (), {"probabilities": probabilities})
    columns = probabilities[:, 1] if classes == 2 else probabilities
    sklearn = pytest.importorskip("sklearn.metrics")
    expected = sklearn.roc_auc_score(labels, columns, multi_class="ovr", average="macro")
    assert found == {"accuracy": 1.0, "auc": pytest.approx(expected)}


def test_auc_of_several_labels_is_that_of_scikit_learn():
    random = np.random.default_rng(1)
    labels, probabilities = random.integers(2, size=(50, 4)), random.random((50, 4)).round(1)
    sklearn = pytest.importorskip("sklearn.metrics")
    expected = sklearn.roc_auc_score(labels, probabilities, average="macro")
    assert auc(labels, probabilities) == pytest.approx(expected)
    everywhere = np.concatenate([labels, np.ones((50, 1), int)], 1)  # a label that tells nothing
    more = np.concatenate([probabilities, np.ones((50, 1))], 1)
    assert auc(everywhere, more) == auc(labels, probabilities)


def test_auc_by_hand():
    assert auc([0, 0, 1, 1], [[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]]) == 0.75
    assert auc([0, 1], [[0.5, 0.5], [0.5, 0.5]]) == 0.5
    assert auc([1, 1], [[0.5, 0.5], [0.5, 0.5]]) == 0.0
