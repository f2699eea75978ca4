"""Vanilla distillation on numbers that can be checked by hand; test_gradients.py tries it on a model."""

import math
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.distill.methods.method import TeacherStates
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.objective import ModelStates


def loss(method: VanillaKD, task: TaskSpec, student: list[list[float]], teacher: list[list[float]],
         labels: list[float]) -> list[float]:  # fmt: skip
    dtype = tf.int32 if task.labels else tf.float32
    states = _states(tf.constant(student, tf.float32), teacher)
    value = method.loss(task, *states, {"labels": tf.constant(labels, dtype)})
    return [float(row) for row in value.numpy()]


def _states(student: tf.Tensor, teacher: Any) -> tuple[ModelStates, TeacherStates]:
    return ModelStates(Head(student, {})), TeacherStates(tf.constant(teacher, tf.float32))


# Odds of 3 to 1 and of 9 to 1: softmax of (log 3, 0) is (3/4, 1/4); softened by 2, (log 9, 0) becomes it.
LOG3, LOG9 = math.log(3), math.log(9)
TASK = tiny.task("rte")


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        # -3/4 log 1/2 - 1/4 log 1/2, times 2^2; and -log 1/2.
        (VanillaKD(), 4 * math.log(2) + math.log(2)),
        (VanillaKD(soft_weight=0.0), math.log(2)),
        (VanillaKD(soft_weight=3.0, hard_weight=0.5), 3 * 4 * math.log(2) + 0.5 * math.log(2)),
        (VanillaKD(temperature=5.0, hard_weight=0.0), 25 * math.log(2)),
    ],
)
def test_an_undecided_student(method: VanillaKD, expected: float) -> None:
    assert loss(method, TASK, [[0, 0]], [[LOG9, 0]], [1]) == pytest.approx([expected])


def test_temperature_softens_both() -> None:
    """At 2 the teacher says (3/4, 1/4) and the student (1/4, 3/4); at 1 they say 9/10 and 1/10 instead."""
    student, teacher = [[0, LOG9]], [[LOG9, 0]]
    at_2 = -(3 / 4 * math.log(1 / 4) + 1 / 4 * math.log(3 / 4))
    at_1 = -(9 / 10 * math.log(1 / 10) + 1 / 10 * math.log(9 / 10))
    for temperature, expected in ((2.0, 4 * at_2), (1.0, at_1)):
        method = VanillaKD(temperature, hard_weight=0.0)
        assert loss(method, TASK, student, teacher, [0]) == pytest.approx([expected], rel=1e-5)


def test_every_row_has_its_own_teacher_and_label() -> None:
    rows = loss(VanillaKD(1.0), TASK, [[LOG3, 0], [0, 0]], [[0, 0], [LOG3, 0]], [0, 1])
    first = -0.5 * (math.log(3 / 4) + math.log(1 / 4)) - math.log(3 / 4)
    assert rows == pytest.approx([first, 2 * math.log(2)], rel=1e-5)


def test_a_row_without_a_label_has_the_soft_loss_alone() -> None:
    """Whatever stands in the place of its label."""
    for label in (0, 1):
        features = {"labels": tf.constant([1, label]), "labelled": tf.constant([1.0, 0.0])}
        states = _states(tf.constant([[0.0, 0.0], [0.0, 0.0]]), [[LOG9, 0], [LOG9, 0]])
        rows = VanillaKD(hard_weight=3.0).loss(TASK, *states, features).numpy()
        assert rows.tolist() == pytest.approx([(4 + 3) * math.log(2), 4 * math.log(2)])


def test_a_score_has_no_temperature() -> None:
    task = tiny.task("sim", "regression")
    for temperature in (1.0, 7.0):
        method = VanillaKD(temperature, soft_weight=0.5, hard_weight=2.0)
        rows = loss(method, task, [[1.0], [-2.0]], [[4.0], [-1.0]], [0.5, 1.0])
        assert rows == [0.5 * 9 + 2 * 0.25, 0.5 * 1 + 2 * 9]


def test_the_temperature_keeps_the_size_of_the_gradient() -> None:
    """For large T the gradient of the soft loss tends to the difference of the logits over their number."""
    student, teacher = np.array([[0.3, -0.1]]), np.array([[-0.5, 0.7]])
    with tf.GradientTape() as tape:
        logits = tf.constant(student, tf.float32)
        tape.watch(logits)
        method = VanillaKD(1000.0, hard_weight=0.0)
        value = method.loss(TASK, *_states(logits, teacher), {"labels": tf.constant([0])})
    difference = student - teacher
    expected = (difference - difference.mean()) / 2
    np.testing.assert_allclose(tape.gradient(value, logits), expected, rtol=1e-2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 0.0},
        {"temperature": math.inf},
        {"temperature": math.nan},
        {"soft_weight": -1.0},
        {"hard_weight": math.inf},
        {"soft_weight": 0.0, "hard_weight": 0.0},
    ],
)
def test_settings_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"--{next(iter(wrong))}="):
        VanillaKD(**wrong)
