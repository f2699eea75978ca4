"""Units of a head: it may be trained in those of its labels' spread, and is kept in those of the labels."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny
from tiny_config import CONFIG

from centrabert.modeling import checkpoint
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_checkpoint import TEACHER_HEAD, in_label_units, teacher_sources
from centrabert.modeling.kinds.regression import RegressionKind
from centrabert.modeling.kinds.task_kind import UNSCALED, Head, LabelScale

KIND, TASK = RegressionKind(), tiny.task("size", "regression")
SCALE = LabelScale(1500.0, 250.0)
OWNED = tiny.tensors(Branch(TASK, 3, 2).owned_shapes(CONFIG), seed=5)
HEAD = {"output_weights", "output_bias"}


def test_scores_as_large_as_those_of_stsb_are_learned_as_they_are() -> None:
    for scores in ([0.0, 5.0], [-5, 2], [0.001, 0.002], [3, 3]):
        assert KIND.label_scale(np.float32(scores)) == UNSCALED


@pytest.mark.parametrize(
    ("scores", "scale"),
    [
        ([1000, 2000, 2000, 1000], LabelScale(1500.0, 500.0)),
        ([-6, 0], LabelScale(-3.0, 3.0)),
        ([0, 5.5], LabelScale(2.75, 2.75)),
        ([70, 70, 70], LabelScale(70.0, 1.0)),  # nothing spreads
        ([3e38, -3e38], LabelScale(0.0, float(np.float32(3e38)))),
    ],
)
def test_larger_ones_are_not(scores: list[float], scale: LabelScale) -> None:
    assert KIND.label_scale(np.float32(scores)) == scale


def test_a_head_scores_alike_in_both_units() -> None:
    """Only its own variables change, and they come back."""
    scaled = in_label_units(TASK, OWNED, SCALE)
    assert {name for name in OWNED if scaled[name] is not OWNED[name]} == HEAD
    assert in_label_units(TASK, OWNED, UNSCALED) is OWNED
    x = np.random.default_rng(1).standard_normal([7, CONFIG.hidden_size])

    def score(tensors: checkpoint.Tensors) -> np.ndarray:
        return np.asarray(x @ tensors["output_weights"].T + tensors["output_bias"])

    np.testing.assert_allclose(score(scaled), 1500 + 250 * score(OWNED), rtol=1e-5)
    back = in_label_units(TASK, scaled, SCALE.inverse)
    for name in HEAD:
        np.testing.assert_allclose(back[name], OWNED[name], atol=1e-6)


def test_losses_are_those_of_the_units() -> None:
    """Against the labels and against a teacher, whose logits are in the units of the labels."""
    units, labels, teacher = (
        np.float32(column) for column in ([[0.5], [-2]], [2000, 1000], [[1750], [1250]])
    )
    with tf.Graph().as_default(), tf.Session() as session:
        head = Head(tf.constant(units), {}).trained_in(SCALE)
        losses = (
            KIND.loss(head, tf.constant(labels)),
            KIND.soft_loss(head, Head(tf.constant(teacher), {}), 2.0),
            KIND.logit_error(head, Head(tf.constant(teacher), {})),
        )
        hard, soft, error, logits = session.run([*losses, head.logits])
    assert logits.tolist() == [[1625], [1000]]
    assert (hard.tolist(), soft.tolist()) == ([(0.5 - 2) ** 2, 0], [(0.5 - 1) ** 2, (-2 + 1) ** 2])
    assert error.tolist() == soft.tolist()


def test_a_student_starts_from_its_teachers_head_in_its_own_units(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "teacher", in_label_units(TASK, OWNED, SCALE))
    names = {"bert/pooler/dense/kernel": "bert/pooler/dense/kernel", **{name: name for name in HEAD}}
    assert teacher_sources(TASK, tmp_path / "teacher", names, UNSCALED, tmp_path) == {
        tmp_path / "teacher": names
    }
    sources = teacher_sources(TASK, tmp_path / "teacher", names, SCALE, tmp_path / "training")
    head = tmp_path / "training" / TEACHER_HEAD
    assert {prefix: set(own) for prefix, own in sources.items()} == {
        tmp_path / "teacher": {"bert/pooler/dense/kernel"},
        head: HEAD,
    }
    for name, values in checkpoint.read(head).items():
        np.testing.assert_allclose(values, OWNED[name], atol=1e-6)
