"""The states that a graph records: their values against NumPy, and that nobody else pays for them."""

import dataclasses

import numpy as np
import numpy_bert
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.layers.layer_states import NO_STATES, STATE_KINDS, LayerState, StateRecorder

CONFIG = dataclasses.replace(
    tiny.CONFIG, num_hidden_layers=3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
)
WANTED = [LayerState("hidden", 0), *(LayerState(kind, depth) for kind in STATE_KINDS for depth in (1, 3))]
ROWS, LENGTH = 5, 9


def recorded(training: bool) -> dict[LayerState, tiny.Array]:
    input_ids, segment_ids = tiny.random_ids(ROWS, LENGTH, seed=3)
    with tf.Graph().as_default(), tf.Session() as session:
        ids, recorder = tf.constant(input_ids), StateRecorder(WANTED)
        dropout = Dropout(7, tf.constant(0, tf.int64)) if training else None
        x = embed(ids, tf.constant(segment_ids), CONFIG, dropout)
        encode(x, attention_mask(ids, padding_id=0), CONFIG, range(3), dropout, recorder=recorder)
        states = recorder.recorded()
        tiny.load(session, _without_pooler(numpy_bert.random_weights(CONFIG, seed=7)))
        found: dict[LayerState, tiny.Array] = session.run(states)
    return found


def _without_pooler(weights: dict[str, tiny.Array]) -> dict[str, tiny.Array]:
    return {name: array for name, array in weights.items() if "pooler" not in name}


def expected() -> dict[LayerState, tiny.Array]:
    input_ids, segment_ids = tiny.random_ids(ROWS, LENGTH, seed=3)
    weights = numpy_bert.random_weights(CONFIG, seed=7)
    x = numpy_bert.embed(CONFIG, weights, input_ids, segment_ids)
    states = {LayerState("hidden", 0): x}
    for layer in range(3):
        of_layer = numpy_bert.layer_states(CONFIG, weights, x, input_ids, layer)
        states.update({LayerState(kind, layer + 1): state for kind, state in of_layer.items()})
        x = of_layer["hidden"]
    return states


@pytest.mark.parametrize("training", [False, True], ids=["prediction", "training"])
def test_equal_numpy(training: bool) -> None:
    """At tokens: of attention, the rows and columns of tokens, and zero at columns of padding."""
    real = tiny.random_ids(ROWS, LENGTH, seed=3)[0] != 0
    wanted, found = expected(), recorded(training)
    assert found.keys() == set(WANTED)
    for state, values in found.items():
        assert values.shape == wanted[state].shape, state
        for row, tokens in enumerate(real):
            one, other = values[row], wanted[state][row]
            if state.kind == "hidden":
                one, other = one[tokens], other[tokens]
            elif state.kind == "attention_scores":
                one, other = (each[:, tokens][:, :, tokens] for each in (one, other))
            else:
                one, other = one[:, tokens], other[:, tokens]
            assert np.abs(one - other).max() < 1e-5, state


def test_no_two_states_are_equal() -> None:
    """So that a swap of two of them would be seen by the test above."""
    values = list(expected().values())
    same = [
        (one, other)
        for one in range(len(values))
        for other in range(one)
        if values[one].shape == values[other].shape and np.allclose(values[one], values[other])
    ]
    assert same == []


@pytest.mark.parametrize("first_only", [False, True])
def test_a_graph_without_a_wish_is_the_graph_it_was(first_only: bool) -> None:
    """A recorder adds the reshape of a hidden state that it wants, and no other operation."""

    def operations(recorder: StateRecorder) -> list[tuple[str, str]]:
        with tf.Graph().as_default() as graph:
            ids = tf.placeholder(tf.int32, [None, None])
            x = embed(ids, ids, CONFIG)
            encode(x, attention_mask(ids, padding_id=0), CONFIG, range(3), None, first_only, recorder)
            return [(operation.name, operation.type) for operation in graph.get_operations()]

    plain = operations(NO_STATES)
    inside = [LayerState(kind, 2) for kind in STATE_KINDS if kind != "hidden"]
    assert operations(StateRecorder(inside)) == plain
    more = operations(StateRecorder([*inside, LayerState("hidden", 2)]))
    assert [kind for _, kind in more].count("Reshape") == [kind for _, kind in plain].count("Reshape") + 1


def test_attention_is_recorded_before_dropout() -> None:
    config = dataclasses.replace(CONFIG, attention_probs_dropout_prob=0.5)
    input_ids, segment_ids = tiny.random_ids(ROWS, LENGTH, seed=3)
    with tf.Graph().as_default(), tf.Session() as session:
        ids, recorder = tf.constant(input_ids), StateRecorder([LayerState("attention", 1)])
        dropout = Dropout(7, tf.constant(0, tf.int64))
        x = embed(ids, tf.constant(segment_ids), config, dropout)
        encode(x, attention_mask(ids, padding_id=0), config, [0], dropout, recorder=recorder)
        session.run(tf.global_variables_initializer())
        (attention,) = session.run(list(recorder.recorded().values()))
    np.testing.assert_allclose(attention.sum(-1), 1, rtol=1e-5)


def test_a_state_that_the_graph_does_not_have_is_an_error() -> None:
    """Of a layer that is not there, and of a last one that computes [CLS] alone."""
    for state, first_only in ((LayerState("value", 4), False), (LayerState("value", 3), True)):
        with tf.Graph().as_default():
            ids, recorder = tf.placeholder(tf.int32, [None, None]), StateRecorder([state])
            x = embed(ids, ids, CONFIG)
            encode(x, attention_mask(ids, padding_id=0), CONFIG, range(3), None, first_only, recorder)
            with pytest.raises(ValueError, match=f"the graph has no states {state.name}"):
                recorder.recorded()


@pytest.mark.parametrize(("kind", "depth"), [("logits", 1), ("hidden", -1), ("value", 0)])
def test_a_state_that_no_model_has_is_an_error(kind: str, depth: int) -> None:
    with pytest.raises(ValueError, match=kind):
        LayerState(kind, depth)
