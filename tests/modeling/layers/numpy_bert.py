"""BERT's forward pass in NumPy and double precision, written from the papers and apart from our graph.

BERT (arXiv 1810.04805), Attention Is All You Need (1706.03762), Layer Normalization (1607.06450),
GELU (1606.08415), adapters (1902.00751).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.modeling.config import BertConfig
from centrabert.modeling.scopes import base_shapes

Array = npt.NDArray[Any]
Weights = Mapping[str, Array]
ERF = np.vectorize(math.erf, otypes=[np.float64])
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "gelu_exact": lambda x: x * 0.5 * (1 + ERF(x / np.sqrt(2))),
    "relu": lambda x: np.maximum(x, 0),
}

HEAD_STATES = ("query", "key", "value", "attention_scores", "attention")


def random_weights(config: BertConfig, seed: int) -> dict[str, npt.NDArray[np.float32]]:
    """float32 weights under Google's names; biases and LayerNorms random too, so that no swap can hide."""
    random = np.random.default_rng(seed)
    return {
        name: (0.2 * random.standard_normal(shape) + name.endswith("gamma")).astype(np.float32)
        for name, shape in base_shapes(config).items()
    }


def random_ids(config: BertConfig, batch: int, length: int, seed: int) -> tuple[Array, Array]:
    """int32 [batch, length] ids and segments; one row is full, the others end in padding."""
    random = np.random.default_rng(seed)
    lengths = np.append(random.integers(3, length, batch - 1), length)
    real = np.arange(length) < lengths[:, None]
    ids = np.where(real, random.integers(1, config.vocab_size, (batch, length)), 0)
    segments = np.where(real, random.integers(0, config.type_vocab_size, (batch, length)), 0)
    return ids.astype(np.int32), segments.astype(np.int32)


def embed(config: BertConfig, weights: Weights, ids: Array, segments: Array) -> Array:
    """[batch, length, hidden]."""
    w = {name.removeprefix("bert/embeddings/"): array.astype(np.float64) for name, array in weights.items()}
    length = ids.shape[1]
    total = w["word_embeddings"][ids] + w["token_type_embeddings"][segments]
    return layer_norm(total + w["position_embeddings"][None, :length], w, "LayerNorm")


def encode(config: BertConfig, weights: Weights, x: Array, ids: Array, layer: int) -> Array:
    """One transformer layer; [batch, length, hidden]."""
    return layer_states(config, weights, x, ids, layer)["hidden"]


def layer_states(config: BertConfig, weights: Weights, x: Array, ids: Array, layer: int) -> dict[str, Array]:
    """The states of one transformer layer that reads `x`, by the kinds of `LayerState`.

    The attention scores at padding are minus infinity.
    """
    scope = f"bert/encoder/layer_{layer}/"
    w = {
        n.removeprefix(scope): array.astype(np.float64) for n, array in weights.items() if n.startswith(scope)
    }
    size = config.hidden_size // config.num_attention_heads
    of_heads: dict[str, list[Array]] = {name: [] for name in HEAD_STATES}
    contexts = []
    for head in range(config.num_attention_heads):
        part = slice(head * size, (head + 1) * size)
        query, key, value = (dense(x, w, f"attention/self/{n}")[..., part] for n in ("query", "key", "value"))
        scores = np.einsum("bid,bjd->bij", query, key) / np.sqrt(size)
        scores[np.broadcast_to((ids == 0)[:, None, :], scores.shape)] = -np.inf
        attention = softmax(scores)
        contexts.append(np.einsum("bij,bjd->bid", attention, value))
        for name, state in zip(HEAD_STATES, (query, key, value, scores, attention), strict=True):
            of_heads[name].append(state)
    attended = adapted(
        config, dense(np.concatenate(contexts, -1), w, "attention/output/dense"), w, "attention/"
    )
    x = layer_norm(attended + x, w, "attention/output/LayerNorm")
    wide = ACTIVATIONS[config.hidden_act](dense(x, w, "intermediate/dense"))
    narrow = adapted(config, dense(wide, w, "output/dense"), w, "")
    hidden = layer_norm(narrow + x, w, "output/LayerNorm")
    return {"hidden": hidden, **{name: np.stack(states, 1) for name, states in of_heads.items()}}


def pool_first(weights: Weights, x: Array) -> Array:
    """[batch, hidden]."""
    return np.tanh(dense(x[:, 0], weights, "bert/pooler/dense"))


def pool_mean(x: Array, ids: Array) -> Array:
    """[batch, hidden]."""
    return np.stack([row[row_ids != 0].mean(0) for row, row_ids in zip(x, ids, strict=True)])


def forward(config: BertConfig, weights: Weights, ids: Array, segments: Array) -> dict[str, Array]:
    """As `bert_graph.BertGraph.run`."""
    depths = [embed(config, weights, ids, segments)]
    for layer in range(config.num_hidden_layers):
        depths.append(encode(config, weights, depths[-1], ids, layer))
    top = depths[-1]
    return {"depths": np.stack(depths), "first": pool_first(weights, top), "mean": pool_mean(top, ids)}


def dense(x: Array, w: Weights, name: str) -> Array:
    return x @ w[f"{name}/kernel"].astype(np.float64) + w[f"{name}/bias"]


def adapted(config: BertConfig, x: Array, w: Weights, scope: str) -> Array:
    """What an adapter makes of `x`, if the layer has adapters."""
    adapter = f"{scope}output/adapter"
    if f"{adapter}/down/kernel" not in w:
        return x
    return x + dense(ACTIVATIONS[config.hidden_act](dense(x, w, f"{adapter}/down")), w, f"{adapter}/up")


def layer_norm(x: Array, w: Weights, name: str) -> Array:
    deviation = np.sqrt(x.var(-1, keepdims=True) + 1e-12)
    return (x - x.mean(-1, keepdims=True)) / deviation * w[f"{name}/gamma"] + w[f"{name}/beta"]


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
