"""Every kind: what it says of itself agrees with what it computes, and its losses are what they should be."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow.compat.v1 as tf

from centrabert.modeling.kinds.classification import Classification
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.regression import Score
from centrabert.modeling.kinds.task_kind import CLASS, Head

LABELS = ("bad", "dull", "good")
RANDOM = np.random.default_rng(7)
LOGITS = np.array([[1, 3, 2], [0.5, 0.25, 0.25], [-4, -3, -2], [2, 2, 1]], np.float32)
SCORES = np.array([[0.1], [-3], [5000]], np.float32)
Array = npt.NDArray[Any]


def computed(kind: str, logits: Array) -> dict[str, Array]:
    labels = LABELS if kind == "classification" else ()
    with tf.Graph().as_default(), tf.Session() as session:
        outputs: dict[str, Array] = session.run(
            KINDS[kind].output_tensors(Head(tf.constant(logits), {}), labels)
        )
    return outputs


def loss(kind: str, logits: Array, labels: Array) -> Array:
    with tf.Graph().as_default(), tf.Session() as session:
        rows: Array = session.run(KINDS[kind].loss(Head(tf.constant(logits), {}), tf.constant(labels)))
    return rows


def softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


@pytest.mark.parametrize(("kind", "logits"), [("classification", LOGITS), ("regression", SCORES)])
def test_outputs_are_the_declared_ones(kind: str, logits: Array) -> None:
    """Names in their order, types, and a dimension after the batch for each axis."""
    found = computed(kind, logits)
    sizes = {CLASS: len(LABELS)}
    assert [
        (name, "string" if array.dtype == object else array.dtype.name, array.shape)
        for name, array in found.items()
    ] == [
        (output.name, output.dtype, (len(logits), *(sizes[axis] for axis in output.axes)))
        for output in KINDS[kind].outputs
    ]


def test_classification() -> None:
    """Of two equal logits the first label; the decision of the metrics is that of the label."""
    found = computed("classification", LOGITS)
    assert found["label"].tolist() == [b"dull", b"bad", b"good", b"bad"]
    np.testing.assert_allclose(found["probabilities"], softmax(LOGITS), rtol=1e-6)
    decisions = KINDS["classification"].decide(found, LABELS)
    assert [LABELS[place].encode() for place in decisions] == found["label"].tolist()
    cross_entropy = -np.log(softmax(LOGITS)[np.arange(4), [1, 1, 0, 2]])
    found_loss = loss("classification", LOGITS, np.array([1, 1, 0, 2], np.int32))
    np.testing.assert_allclose(found_loss, cross_entropy, rtol=1e-6)


def test_regression() -> None:
    found = computed("regression", SCORES)
    np.testing.assert_array_equal(found["score"], SCORES[:, 0])
    np.testing.assert_array_equal(KINDS["regression"].decide(found, ()), SCORES[:, 0])
    labels = np.array([0, 1, 4998], np.float32)
    np.testing.assert_allclose(loss("regression", SCORES, labels), (SCORES[:, 0] - labels) ** 2, rtol=1e-6)


def test_logit_error_is_a_mean_over_labels() -> None:
    for kind in ("classification", "multilabel"):
        pair = [Head(tf.constant(logits), {}) for logits in ([[1.0, 2.0, 0.0], [0, 0, 1]], [[0.0, 0, 1]] * 2)]
        assert KINDS[kind].logit_error(*pair).numpy().tolist() == [2, 0]


def test_labels_as_training_reads_them() -> None:
    classes = KINDS["classification"].encode_labels(["good", "bad", "good"], LABELS)
    scores = KINDS["regression"].encode_labels([0.25, 5.0], ())
    assert (classes.tolist(), scores.tolist()) == ([2, 0, 2], [0.25, 5.0])
    for kind, array in (("classification", classes), ("regression", scores)):
        assert array.dtype == KINDS[kind].label_dtype


def test_answers_of_clients() -> None:
    """The shortest decimals, as typed objects and as JSON."""
    columns = {"label": np.array(["dull"], object), "probabilities": np.array([[0.1, 0.7, 0.2]], np.float32)}
    (answer,) = KINDS["classification"].answers(columns, LABELS)
    assert answer == Classification("dull", (0.1, 0.7, 0.2))
    assert KINDS["classification"].answer_json(answer, LABELS) == {
        "label": "dull",
        "probabilities": {"bad": 0.1, "dull": 0.7, "good": 0.2},
    }
    (score,) = KINDS["regression"].answers({"score": np.array([4.7], np.float32)}, ())
    assert score == Score(4.7)
    assert KINDS["regression"].answer_json(score, ()) == {"score": 4.7}


def test_heads_are_berts() -> None:
    """run_classifier.py stores the weights as [outputs, hidden]; a checkpoint's names tell no kind."""
    assert KINDS["classification"].head_shapes(LABELS, 32) == {"output_weights": (3, 32), "output_bias": (3,)}
    assert KINDS["regression"].head_shapes((), 32) == {"output_weights": (1, 32), "output_bias": (1,)}
    for kind in KINDS.values():
        assert kind.head_shapes(LABELS, 32).keys() == kind.head_shapes((), 1).keys()
