"""The names of variables, their depths and their shapes."""

import dataclasses
import math
import re

import numpy as np
import pytest
import tiny_config

from centrabert.modeling import scopes
from centrabert.modeling.kinds.registry import KINDS

TINY = dataclasses.replace(tiny_config.CONFIG, num_hidden_layers=13)
HEAD = KINDS["classification"].head_shapes("abc", TINY.hidden_size)


def test_depth_of_every_variable() -> None:
    """13 layers: `layer_1` is the prefix of `layer_10`."""
    found = {name: scopes.depth(name) for name in scopes.base_shapes(TINY) | HEAD}
    assert len(found) == 5 + 13 * 16 + 2 + 2
    for name, depth in found.items():
        if "embeddings" in name:
            assert depth == 0, name
        elif layer := re.search(r"layer_(\d+)/", name):
            assert depth == int(layer[1]) + 1, name
        else:
            assert depth == math.inf, name
    by_depth = [sum(depth == wanted for depth in found.values()) for wanted in (0, *range(1, 14), math.inf)]
    assert by_depth == [5, *[16] * 13, 4]


def test_depth_orders_from_the_bottom_up() -> None:
    names = [
        "bert/embeddings/LayerNorm/beta",
        "bert/encoder/layer_0/output/dense/bias",
        "bert/encoder/layer_9/attention/self/key/bias",
        "bert/encoder/layer_10/attention/self/key/bias",
        "bert/encoder/layer_11/intermediate/dense/kernel",
    ]
    depths = [scopes.depth(name) for name in names]
    assert depths == [0, 1, 10, 11, 12]
    assert scopes.depth("bert/pooler/dense/bias") == scopes.depth("output_bias") > max(depths)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "bert",
        "bert/encoder",
        "bert/encoder/layer_3",
        "bert/encoder/layer_3/",
        "bert/encoder/layer_03/output/dense/kernel",
        "bert/encoder/layer_-1/output/dense/kernel",
        "bert/encoder/layer_3/intermediate/adapter/up/kernel",
        "bert/encoder/layer_3/output/adapter/up/gamma",
        "bert/encoder/layer_3/adapter/up/kernel",
        "bert/encoder/layer_x/output/dense/kernel",
        "bert/encoder/layer_3x/output/dense/kernel",
        "bert/encoder/layer_٣/output/dense/kernel",
        "bert/encoders/layer_3/output/dense/kernel",
        "bert2/encoder/layer_3/output/dense/kernel",
        "rte/bert/encoder/layer_3/output/dense/kernel",
        "rte2/bert/pooler/dense/kernel",
        "rte/output_weights",
        "output_weights2",
        "output_bias/adam_m",
        "bert/pooler2/dense/kernel",
        "bert/embeddings2/word_embeddings",
        "cls/predictions/output_bias",
        "cls/seq_relationship/output_weights",
        "global_step",
    ],
)
def test_a_name_of_nobody_is_an_error(name: str) -> None:
    """Which prints it."""
    with pytest.raises(ValueError, match=f"^variable {re.escape(repr(name))} belongs to no part of BERT$"):
        scopes.depth(name)


def test_shapes() -> None:
    """Google's names and orientations, as in uncased_L-12_H-768_A-12, where 32 is 768 and 37 is 3072."""
    shapes = scopes.base_shapes(TINY) | HEAD
    layer = "bert/encoder/layer_12"
    expected = {
        "bert/embeddings/word_embeddings": (99, 32),
        "bert/embeddings/token_type_embeddings": (2, 32),
        "bert/embeddings/position_embeddings": (23, 32),
        "bert/embeddings/LayerNorm/gamma": (32,),
        "bert/embeddings/LayerNorm/beta": (32,),
        f"{layer}/attention/self/query/kernel": (32, 32),
        f"{layer}/attention/self/query/bias": (32,),
        f"{layer}/attention/self/key/kernel": (32, 32),
        f"{layer}/attention/self/key/bias": (32,),
        f"{layer}/attention/self/value/kernel": (32, 32),
        f"{layer}/attention/self/value/bias": (32,),
        f"{layer}/attention/output/dense/kernel": (32, 32),
        f"{layer}/attention/output/dense/bias": (32,),
        f"{layer}/attention/output/LayerNorm/gamma": (32,),
        f"{layer}/attention/output/LayerNorm/beta": (32,),
        f"{layer}/intermediate/dense/kernel": (32, 37),
        f"{layer}/intermediate/dense/bias": (37,),
        f"{layer}/output/dense/kernel": (37, 32),
        f"{layer}/output/dense/bias": (32,),
        f"{layer}/output/LayerNorm/gamma": (32,),
        f"{layer}/output/LayerNorm/beta": (32,),
        "bert/pooler/dense/kernel": (32, 32),
        "bert/pooler/dense/bias": (32,),
        "output_weights": (3, 32),
        "output_bias": (3,),
    }
    lower = {name for name in shapes if re.search(r"layer_(\d|1[01])/", name)}
    assert {name: shape for name, shape in shapes.items() if name not in lower} == expected
    assert len(lower) == 12 * 16


def test_the_bottommost_layers() -> None:
    """What a branch of so many layers has, less pooler and head."""
    shapes = scopes.encoder_shapes(TINY, 2)
    assert shapes == {
        **scopes.embedding_shapes(TINY),
        **scopes.layer_shapes(TINY, 0),
        **scopes.layer_shapes(TINY, 1),
    }
    assert {scopes.depth(name) for name in shapes} == {0, 1, 2}
    assert scopes.encoder_shapes(TINY, 0) == scopes.embedding_shapes(TINY)


def test_parameters_of_a_layer_and_a_head() -> None:
    """BERT-base has 7,087,872 in a layer, and a head of three classes 2,307."""
    base = dataclasses.replace(TINY, hidden_size=768, intermediate_size=3072, num_attention_heads=12)
    count = {
        "layer": sum(math.prod(shape) for shape in scopes.layer_shapes(base, 0).values()),
        "pooler": sum(math.prod(shape) for shape in scopes.pooler_shapes(base).values()),
        "head": sum(
            int(np.prod(shape))
            for shape in KINDS["classification"].head_shapes("abc", base.hidden_size).values()
        ),
    }
    assert count == {"layer": 7_087_872, "pooler": 590_592, "head": 2_307}
