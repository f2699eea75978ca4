"""TinyBERT's two stages, by the share of the steps that is done, and which layers they read."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.distill.methods.method import ComparedStates, TeacherStates
from centrabert.distill.methods.tinybert import TinyBERT
from centrabert.errors import UserError
from centrabert.modeling.branch import Branch
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.layers.layer_states import LayerState
from centrabert.modeling.training.objective import ModelStates

TASK = tiny.task("rte")


def test_layers_alone_and_then_answers_alone() -> None:
    """One token of two numbers with one head: hidden states differ by 2 in one, scores by 3."""
    hidden, scores = LayerState("hidden", 2), LayerState("attention_scores", 2)

    def layers(number: float, score: float) -> dict[LayerState, tf.Tensor]:
        return {hidden: tf.constant([[[number, 0.0]]]), scores: tf.constant([[[[score]]]])}

    def loss(progress: float) -> float:
        head = Head(tf.constant([[0.0, 0.0]]), {})
        student = ModelStates(head, layers(1.0, 0.5), tf.constant(progress))
        teacher = TeacherStates(tf.constant([[3.0, 0.0]]), layers(3.0, 3.5))
        features = {"input_ids": tf.constant([[7]]), "labels": tf.constant([0])}
        return float(TinyBERT(layer_share=0.25).loss(TASK, student, teacher, features).numpy()[0])

    assert [loss(0.0), loss(0.24)] == pytest.approx([4 / 2 + 9] * 2)
    assert [loss(0.25), loss(0.9)] == pytest.approx([np.log(2)] * 2)


def test_compared_layers() -> None:
    def states(*depths: int) -> tuple[LayerState, ...]:
        return tuple(LayerState(kind, depth) for kind in ("attention_scores", "hidden") for depth in depths)

    partial, full = Branch(TASK, 2, 4), Branch(TASK, 0, 4, full_fine_tuning=True)
    expected = ComparedStates(states(3, 4), states(4, 6))
    assert TinyBERT().compared_states(partial, partial.student(2)) == expected
    embeddings = (LayerState("hidden", 0),)
    expected = ComparedStates(embeddings + states(1), embeddings + states(4))
    assert TinyBERT().compared_states(full, full.student(1)) == expected
    assert TinyBERT(layer_share=0.0).compared_states(full, full.student(1)) == ComparedStates()


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_is_below_1(share: float) -> None:
    with pytest.raises(UserError, match=rf"--layer_share={share} is outside 0 to below 1"):
        TinyBERT(layer_share=share)
