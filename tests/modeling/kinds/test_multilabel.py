"""Multi-label classification: what it computes, how its thresholds are tuned, what is too close to tell."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow.compat.v1 as tf
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from centrabert.errors import UserError
from centrabert.modeling.golden import Golden
from centrabert.modeling.kinds.multilabel import LabelSet, MultilabelKind, best_threshold
from centrabert.modeling.kinds.task_kind import CLASS, Head
from centrabert.modeling.training.prediction import decide

KIND = MultilabelKind()
LABELS = ("anger", "joy, pride", "fear")
TASK = tiny.task("mood", "multilabel", labels=LABELS, metric="macro_f1")
LOGITS = np.array([[0.5, -0.25, 3], [-1, 0, 2.5]], np.float32)
THRESHOLDS = np.array([0.5, 0, 2.75], np.float32)
HAS = np.array([[1, 0, 1], [0, 0, 1]], np.int32)
Array = npt.NDArray[Any]
# Quarters: many ties.
SCORED = st.lists(
    st.tuples(st.integers(-9, 9).map(lambda i: i / 4), st.integers(0, 1)), min_size=1, max_size=12
)


def sigmoid(logits: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-logits.astype(np.float64))))


def cross_entropy(probability: Array, logits: Array) -> Array:
    """The mean over the labels, by its definition."""
    found = sigmoid(logits)
    entropies = -(probability * np.log(found) + (1 - probability) * np.log(1 - found))
    return np.asarray(entropies.mean(1))


def computed() -> dict[str, Array]:
    with tf.Graph().as_default(), tf.Session() as session:
        head = Head(tf.constant(LOGITS), {"output_thresholds": tf.constant(THRESHOLDS)})
        outputs: dict[str, Array] = session.run(KIND.output_tensors(head, LABELS))
    return outputs


def test_outputs() -> None:
    """A logit on its threshold decides for the label; every row is told the thresholds, as probabilities."""
    found = computed()
    assert [(name, values.dtype.name, values.shape) for name, values in found.items()] == [
        (output.name, output.dtype, (2, 3)) for output in KIND.outputs if output.axes == (CLASS,)
    ]
    assert found["decision"].tolist() == [[True, False, True], [False, True, False]]
    np.testing.assert_allclose(found["probabilities"], sigmoid(LOGITS), rtol=1e-6)
    np.testing.assert_allclose(found["thresholds"], [sigmoid(THRESHOLDS)] * 2, rtol=1e-6)


def test_losses() -> None:
    """Against the labels, and against a teacher whose probabilities are softened like the student's."""
    teacher = np.array([[1, 2, -1], [0, -3, 0.5]], np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        head = Head(tf.constant(LOGITS), {})
        hard, soft = session.run(
            [KIND.loss(head, tf.constant(HAS)), KIND.soft_loss(head, Head(tf.constant(teacher), {}), 2.0)]
        )
    np.testing.assert_allclose(hard, cross_entropy(HAS, LOGITS), rtol=1e-6)
    np.testing.assert_allclose(soft, 4 * cross_entropy(sigmoid(teacher / 2), LOGITS / 2), rtol=1e-6)


def test_a_sure_logit_has_a_finite_loss() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        head = Head(tf.constant([[200.0, -200.0]]), {})
        assert session.run(KIND.loss(head, tf.constant([[0, 0]]))).tolist() == [100.0]


def test_decisions_with_tuned_thresholds() -> None:
    """They take the place of those with which the outputs were computed."""
    predictions = {"logits": LOGITS, **computed()}
    assert decide(TASK, predictions).tolist() == [[True, False, True], [False, True, False]]
    tuned = {"output_thresholds": np.array([-2, 0.25, 3.5], np.float32)}
    assert decide(TASK, predictions, tuned).tolist() == [[True, False, False], [True, False, False]]


@pytest.mark.parametrize(
    ("logits", "labels", "threshold"),
    [
        ([2, 1, -1, -3], [1, 1, 0, 0], 0),  # the middle of the gap
        ([2, 1, -1, -3], [0, 1, 0, 0], 0),  # 2/3, with the first one too
        ([2, 1, -1, -3], [0, 0, 0, 1], -4),  # all rows: below the lowest
        ([2, 1, 1, 1, 1, 0], [1, 1, 0, 0, 0, 0], 1.5),  # equal logits are decided alike: 2/3 against 4/7
        ([5, 4, 3, 2, 1], [1, 0, 0, 0, 1], 4.5),  # 2/3 alone, 4/7 with all
        ([-2, -4, -6], [1, 1, 1], -7),
        ([-2, 0.5, 3], [0, 0, 0], 0),  # no row has the label
        ([7], [1], 6),
    ],
)
def test_thresholds_worked_out_by_hand(logits: list[float], labels: list[int], threshold: float) -> None:
    assert best_threshold(np.array(logits, np.float32), np.array(labels)) == threshold


def f1(logits: Array, labels: Array, threshold: float) -> float:
    decided = logits >= threshold
    return float(2 * np.sum(decided & (labels == 1)) / (np.sum(decided) + labels.sum()))


@settings(derandomize=True, deadline=None)
@given(SCORED)
def test_no_threshold_is_better(rows: list[tuple[float, int]]) -> None:
    """Tried are all that decide differently; and none as good is nearer to 0 among the middles."""
    logits, labels = (np.array(column) for column in zip(*rows, strict=True))
    found = best_threshold(logits.astype(np.float32), labels)
    if not labels.any():
        assert found == 0
        return
    tried = [*(logits - 0.125), *(logits + 0.125)]
    best = max(f1(logits, labels, threshold) for threshold in tried)
    assert f1(logits, labels, found) == best
    places = np.unique(logits)
    middles = [places[0] - 1, *((places[1:] + places[:-1]) / 2)]
    assert abs(found) == min(abs(middle) for middle in middles if f1(logits, labels, middle) == best)


def test_a_threshold_between_neighbouring_floats() -> None:
    """Their middle rounds to one of them, and the lower one must not be decided for."""
    for low in (np.float32(0.3), np.nextafter(np.float32(0.3), np.float32(1))):
        high = np.nextafter(low, np.float32(1))
        logits = np.array([low, high], np.float32)
        assert (logits >= best_threshold(logits, np.array([0, 1]))).tolist() == [False, True]


def test_every_label_has_a_threshold_of_its_own() -> None:
    logits = np.array([[2, -1, 0], [1, -2, 1], [-1, -4, 2]], np.float32)
    labels = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]])
    assert KIND.tuned(logits, labels)["output_thresholds"].tolist() == [1.5, -3, 0]


def golden(probabilities: list[float], decision: list[bool]) -> Golden:
    """One row with thresholds of 0.5."""
    numbers = np.array([probabilities], np.float32)
    outputs = {"decision": np.array([decision]), "probabilities": numbers, "thresholds": numbers * 0 + 0.5}
    return Golden(("one",), ("",), outputs)


def test_only_a_label_on_its_threshold_may_be_decided_otherwise() -> None:
    wanted = golden([0.5 + 2e-5, 0.25, 0.9], [True, False, True])
    wanted.check(TASK, golden([0.5 - 2e-5, 0.25, 0.9], [False, False, True]).outputs, "branch")
    with pytest.raises(UserError) as caught:
        wanted.check(TASK, golden([0.5, 0.25, 0.9], [True, True, True]).outputs, "branch")
    assert str(caught.value) == (
        "branch: golden row 0 ('one'): decision is [True, True, True], not [True, False, True]"
    )


def test_goldens_notice_another_threshold() -> None:
    other = golden([0.6, 0.25, 0.9], [True, False, True])
    moved = {**other.outputs, "thresholds": np.float32([[0.5, 0.5, 0.5001]])}
    with pytest.raises(UserError, match=r"thresholds differs by 0\.0001"):
        other.check(TASK, moved, "branch")


def test_labels_as_training_reads_them() -> None:
    encoded = KIND.encode_labels([("fear", "anger"), (), ("joy, pride",)], LABELS)
    assert encoded.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert encoded.dtype == KIND.label_dtype
    with pytest.raises(UserError, match=r"^label 'joy' of row 1 is none of anger, joy, pride, fear$"):
        KIND.encode_labels([("fear",), ("joy",)], LABELS)


def test_labels_that_no_task_can_have() -> None:
    KIND.check_labels(("one",))
    with pytest.raises(UserError, match="needs a label or more"):
        KIND.check_labels(())
    with pytest.raises(UserError, match="a label occurs twice"):
        KIND.check_labels(("a", "a"))


def test_answers_of_clients() -> None:
    """The labels by name and the shortest decimals, as typed objects and as JSON."""
    columns = {
        "decision": np.array([[True, False, True], [False] * 3]),
        "probabilities": np.array([[0.9, 0.1, 0.3], [0.2, 0.1, 0.0]], np.float32),
        "thresholds": np.array([[0.5, 0.6, 0.3]] * 2, np.float32),
    }
    some, none = KIND.answers(columns, LABELS)
    assert some == LabelSet(("anger", "fear"), (0.9, 0.1, 0.3), (0.5, 0.6, 0.3))
    assert none.labels == ()
    assert KIND.answer_json(some, LABELS) == {
        "labels": ["anger", "fear"],
        "probabilities": {"anger": 0.9, "joy, pride": 0.1, "fear": 0.3},
        "thresholds": {"anger": 0.5, "joy, pride": 0.6, "fear": 0.3},
    }


def test_cells_of_a_table_of_predictions() -> None:
    """As a data file has labels: a comma parts them, unless one of the task's labels holds a comma."""
    answer = LabelSet(("ärger", "fear"), (0.9, 0.3), (0.5, 0.3))
    probabilities = '{"ärger": 0.9, "fear": 0.3}'
    assert KIND.table_cells(answer, ("ärger", "fear")) == {
        "prediction": "ärger,fear",
        "probabilities": probabilities,
    }
    answer = LabelSet(("joy, pride",), (0.9, 0.3), (0.5, 0.4))
    assert KIND.table_cells(answer, ("joy, pride", "fear"))["prediction"] == '["joy, pride"]'
