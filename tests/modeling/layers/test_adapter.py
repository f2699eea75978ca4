"""Layers with adapters in the graph and in NumPy, and where their training begins."""

import dataclasses
from typing import Any

import numpy as np
import numpy_bert
import pytest
import tensorflow.compat.v1 as tf
import tiny
from bert_graph import RecordedDropout

from centrabert.modeling import scopes
from centrabert.modeling.layers.adapter import Adapter
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import encode

CONFIG = dataclasses.replace(tiny.CONFIG, num_hidden_layers=2)
SIZE = 7
ADAPTERS = {**scopes.adapter_shapes(CONFIG, 0, SIZE), **scopes.adapter_shapes(CONFIG, 1, SIZE)}
LAYERS = {**scopes.layer_shapes(CONFIG, 0), **scopes.layer_shapes(CONFIG, 1)}
WEIGHTS = tiny.tensors({**LAYERS, **ADAPTERS}, seed=2)
X = np.random.default_rng(3).standard_normal([2, 5, 32]).astype(np.float32)
IDS = np.array([[7, 8, 9, 0, 0], [7, 8, 9, 4, 5]])


def encoded(
    weights: dict[str, Any], adapter: Adapter | None, training: bool = False, first_only: bool = False
) -> Any:
    """Two layers of `X`."""
    with tf.Graph().as_default(), tf.Session() as session:
        dropout = RecordedDropout() if training else None
        mask = attention_mask(tf.constant(IDS), 0)
        top = encode(tf.constant(X), mask, CONFIG, range(2), dropout, first_only, adapter=adapter)
        tiny.load(session, weights)
        return session.run(top)


@pytest.mark.parametrize("training", [False, True])
def test_layers_with_adapters_are_those_of_the_paper(training: bool) -> None:
    expected = X
    for layer in range(2):
        expected = numpy_bert.encode(CONFIG, WEIGHTS, expected, IDS, layer)
    np.testing.assert_allclose(encoded(WEIGHTS, Adapter(SIZE), training), expected, atol=2e-5)
    first = encoded(WEIGHTS, Adapter(SIZE), training, first_only=True)
    np.testing.assert_allclose(first, expected[:, :1], atol=2e-5)


def test_with_nothing_to_add_the_layers_are_as_they_were() -> None:
    still = {name: WEIGHTS[name] for name in LAYERS}
    idle = {name: 0 * tensor if "/adapter/up/" in name else tensor for name, tensor in WEIGHTS.items()}
    np.testing.assert_allclose(encoded(idle, Adapter(SIZE)), encoded(still, None), atol=1e-5)


def starts(seed: int) -> dict[str, Any]:
    with tf.Graph().as_default(), tf.Session() as session:
        encode(
            tf.constant(X), attention_mask(tf.constant(IDS), 0), CONFIG, range(2), adapter=Adapter(20, seed)
        )
        session.run(tf.global_variables_initializer())
        return session.run({v.op.name: v for v in tf.global_variables() if "/adapter/" in v.op.name})


def test_training_begins_near_the_identity() -> None:
    """Kernels are small, cut off at two deviations, and each has numbers of its own; a seed decides them."""
    found, again, other = starts(4), starts(4), starts(5)
    kernels = {name: value.ravel() for name, value in found.items() if name.endswith("kernel")}
    assert len(kernels) == 8 and len({value[:5].tobytes() for value in kernels.values()}) == 8
    drawn = np.concatenate(list(kernels.values()))
    assert np.abs(drawn).max() <= 0.02 and 0.008 < drawn.std() < 0.009  # 0.88 of the deviation is left
    assert not any(value.any() for name, value in found.items() if name.endswith("bias"))
    for name, value in found.items():
        np.testing.assert_array_equal(again[name], value)
        assert name.endswith("bias") or not (other[name] == value).any()
