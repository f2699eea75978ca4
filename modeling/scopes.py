"""The names of variables, and the one ordering that decides freezing, initialisation and merging.

Single-task checkpoints keep Google's names. In a merged model the trunk keeps them too, and what a branch
owns has its task in front: `rte/bert/encoder/layer_7/...`. Layers are never renumbered.
"""

import math
import re

from centrabert.errors import UserError
from centrabert.modeling.config import BertConfig
from centrabert.modeling.kinds.registry import KINDS

# The heads of all kinds; their names do not depend on labels or size.
HEAD = frozenset(name for kind in KINDS.values() for name in kind.head_shapes((), 1))
PARTS = r"(attention/(self|output)|intermediate|output)"
LEAF = r"(dense|LayerNorm|query|key|value)/(kernel|bias|gamma|beta)"
ADAPTER = r"(attention/)?output/adapter/(down|up)/(kernel|bias)"
EMBEDDINGS = re.compile(r"bert/embeddings/(\w+_embeddings|LayerNorm/(gamma|beta))")
LAYER = re.compile(rf"bert/encoder/layer_(0|[1-9][0-9]{{0,8}})/({PARTS}/{LEAF}|{ADAPTER})")
BESIDE = re.compile(r"/(LayerNorm|adapter)/")
POOLER = re.compile(r"bert/pooler/dense/(kernel|bias)")
Shape = tuple[int, ...]


def depth(name: str) -> float:
    """The number of encoder layers at or below a variable.

    Embeddings are 0, `layer_i` is i + 1, pooler and head are infinity.

    Raises:
      UserError: `name` is no variable of a single-task BERT.
    """
    if EMBEDDINGS.fullmatch(name):
        return 0
    if layer := LAYER.fullmatch(name):
        return int(layer[1]) + 1
    if POOLER.fullmatch(name) or name in HEAD:
        return math.inf
    raise UserError(f"variable {name!r} belongs to no part of BERT")


def beside_still_layers(name: str) -> bool:
    """Whether a variable trains where layers have adapters: these, the layers' LayerNorms, pooler and head.

    Raises:
      UserError: As `depth`.
    """
    return depth(name) == math.inf or (depth(name) > 0 and bool(BESIDE.search(name)))


def embedding_shapes(config: BertConfig) -> dict[str, Shape]:
    hidden = config.hidden_size
    return {
        "bert/embeddings/word_embeddings": (config.vocab_size, hidden),
        "bert/embeddings/token_type_embeddings": (config.type_vocab_size, hidden),
        "bert/embeddings/position_embeddings": (config.max_position_embeddings, hidden),
        **_layer_norm("bert/embeddings", hidden),
    }


def layer_shapes(config: BertConfig, layer: int) -> dict[str, Shape]:
    """The variables of encoder layer `layer`, counted from 0."""
    hidden, inner = config.hidden_size, config.intermediate_size
    scope = f"bert/encoder/layer_{layer}"
    return {
        **_dense(f"{scope}/attention/self/query", hidden, hidden),
        **_dense(f"{scope}/attention/self/key", hidden, hidden),
        **_dense(f"{scope}/attention/self/value", hidden, hidden),
        **_dense(f"{scope}/attention/output/dense", hidden, hidden),
        **_layer_norm(f"{scope}/attention/output", hidden),
        **_dense(f"{scope}/intermediate/dense", hidden, inner),
        **_dense(f"{scope}/output/dense", inner, hidden),
        **_layer_norm(f"{scope}/output", hidden),
    }


def adapter_shapes(config: BertConfig, layer: int, size: int) -> dict[str, Shape]:
    """The two adapters of encoder layer `layer`, each of two dense layers: hidden -> size -> hidden."""
    hidden = config.hidden_size
    shapes: dict[str, Shape] = {}
    for part in ("attention/output", "output"):
        scope = f"bert/encoder/layer_{layer}/{part}/adapter"
        shapes |= {**_dense(f"{scope}/down", hidden, size), **_dense(f"{scope}/up", size, hidden)}
    return shapes


def pooler_shapes(config: BertConfig) -> dict[str, Shape]:
    return _dense("bert/pooler/dense", config.hidden_size, config.hidden_size)


def encoder_shapes(config: BertConfig, layers: int) -> dict[str, Shape]:
    """Embeddings and the bottommost `layers` layers."""
    shapes = embedding_shapes(config)
    for layer in range(layers):
        shapes.update(layer_shapes(config, layer))
    return shapes


def base_shapes(config: BertConfig) -> dict[str, Shape]:
    """All of a pretrained BERT that fine-tuning starts from: embeddings, every layer, pooler."""
    return {**encoder_shapes(config, config.num_hidden_layers), **pooler_shapes(config)}


def _dense(scope: str, inputs: int, outputs: int) -> dict[str, Shape]:
    return {f"{scope}/kernel": (inputs, outputs), f"{scope}/bias": (outputs,)}


def _layer_norm(scope: str, size: int) -> dict[str, Shape]:
    return {f"{scope}/LayerNorm/gamma": (size,), f"{scope}/LayerNorm/beta": (size,)}
