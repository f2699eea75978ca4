"""Encoder checkpoints of tf-models-official (Model Garden), whose keys are paths through objects.

Of `BertEncoderV2` the paths are attributes (`_transformer_layers/0/...`); of the older `BertEncoder`, a
functional model, they number its layers (`layer_with_weights-4/...`: embeddings 0 to 2, their LayerNorm 3,
then the transformer layers, then the pooler). Before the path stands whatever the encoder was saved under:
`encoder/`, `model/`, `model/encoder_network/`, or nothing.

A model pretrained with BertPretrainerV2 trains the pooler of its next-sentence head and not the encoder's;
initialise the pooler anew for such a checkpoint.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.config import BertConfig
from centrabert.modeling.convert.pretrained import left_out

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
# What a checkpoint holds besides the encoder: counters, the optimiser, and the heads of pretraining.
DROPPED = re.compile(
    rf"{OBJECT_GRAPH}"
    rf"|(save_counter|global_step|step|epoch){VALUE}"
    r"|(.+/)?(optimizer|_optimizer)/.+|.+/\.OPTIMIZER_SLOT/.+"
    r"|(.+/)?(masked_lm|next_sentence|next_sentence\.pooler_dense|classification_heads)/.+"
)
ANCHOR = re.compile(rf"((?:.+/)?)(_embedding_norm_layer|layer_with_weights-3)/gamma{re.escape(VALUE)}")
# Saved by a pretrainer, the word embeddings go by the head that shares them.
SHARED_WORDS = re.compile(rf"(.+/)?masked_lm/embedding_table{re.escape(VALUE)}")
LAYER = {
    "attention/self/query": "_attention_layer/_query_dense",
    "attention/self/key": "_attention_layer/_key_dense",
    "attention/self/value": "_attention_layer/_value_dense",
    "attention/output/dense": "_attention_layer/_output_dense",
    "attention/output/LayerNorm": "_attention_layer_norm",
    "intermediate/dense": "_intermediate_dense",
    "output/dense": "_output_dense",
    "output/LayerNorm": "_output_layer_norm",
}


def object_keys(config: BertConfig, found: Collection[str], source: str) -> dict[str, str]:
    """Google's names -> the keys under which the checkpoint with the keys `found` should hold them.

    Raises:
      UserError: `found` has no encoder of one of the two kinds, or several.
    """
    encoders = sorted(match.groups() for key in found if (match := ANCHOR.fullmatch(key)))
    if len(encoders) != 1:
        raise UserError(
            f"{source}: wanted one BERT encoder of tf-models-official, found {len(encoders)}"
            f"{': ' if encoders else ''}{', '.join(prefix or '(root)' for prefix, _ in encoders)}"
        )
    prefix, norm = encoders[0]
    parts = _numbered(config) if norm.startswith("layer_with_weights") else _named(config)
    keys = {name: f"{prefix}{_key(name, parts)}{VALUE}" for name in scopes.base_shapes(config)}
    words = "bert/embeddings/word_embeddings"
    shared = [key for key in found if SHARED_WORDS.fullmatch(key)]
    return keys if keys[words] in found or len(shared) != 1 else {**keys, words: shared[0]}


def object_shape(name: str, config: BertConfig) -> scopes.Shape:
    """The shape in which the variable with Google's `name` is stored: attention keeps its heads apart."""
    hidden, heads = config.hidden_size, (config.num_attention_heads, config.head_size)
    if "/attention/self/" in name:
        return (hidden, *heads) if name.endswith("kernel") else heads
    if name.endswith("/attention/output/dense/kernel"):
        return (*heads, hidden)
    return scopes.base_shapes(config)[name]


def read(prefix: Path, config: BertConfig) -> tuple[checkpoint.Tensors, list[str]]:
    """The encoder's variables under Google's names, and a note of the keys that were left out.

    Raises:
      UserError: In one line, every key that is missing, unknown or of another shape.
    """
    found = checkpoint.shapes(prefix)
    keys = object_keys(config, found, str(prefix))
    others = sorted(found.keys() - set(keys.values()))
    dropped = [key for key in others if DROPPED.fullmatch(key) or not key.startswith(_prefix(keys))]
    wanted = {key: object_shape(name, config) for name, key in keys.items()}
    checkpoint.match(wanted, found, str(prefix), dropped)
    tensors = checkpoint.read(prefix, list(keys.values()))
    shapes = scopes.base_shapes(config)
    notes = left_out(key for key in dropped if key != OBJECT_GRAPH)  # no variable, but what keys are made of
    return {name: tensors[key].reshape(shapes[name]) for name, key in keys.items()}, notes


def _prefix(keys: Mapping[str, str]) -> str:
    """What the encoder's keys begin with; heads begin with something else, unless this is ""."""
    anchor = ANCHOR.fullmatch(keys["bert/embeddings/LayerNorm/gamma"])
    return anchor[1] if anchor else ""


def _named(config: BertConfig) -> dict[str, str]:
    """Google's scopes -> attributes of BertEncoderV2."""
    return {
        "embeddings/word_embeddings": "_embedding_layer/embeddings",
        "embeddings/position_embeddings": "_position_embedding_layer/embeddings",
        "embeddings/token_type_embeddings": "_type_embedding_layer/embeddings",
        "embeddings/LayerNorm": "_embedding_norm_layer",
        "pooler/dense": "_pooler_layer",
        **{f"encoder/layer_{i}": f"_transformer_layers/{i}" for i in range(config.num_hidden_layers)},
    }


def _numbered(config: BertConfig) -> dict[str, str]:
    """Google's scopes -> the layers of BertEncoder, in the order in which they are applied."""
    layers = config.num_hidden_layers
    return {
        "embeddings/word_embeddings": "layer_with_weights-0/embeddings",
        "embeddings/position_embeddings": "layer_with_weights-1/embeddings",
        "embeddings/token_type_embeddings": "layer_with_weights-2/embeddings",
        "embeddings/LayerNorm": "layer_with_weights-3",
        "pooler/dense": f"layer_with_weights-{4 + layers}",
        **{f"encoder/layer_{i}": f"layer_with_weights-{4 + i}" for i in range(layers)},
    }


def _key(name: str, parts: dict[str, str]) -> str:
    name = name.removeprefix("bert/")
    if name in parts:
        return parts[name]
    scope, _, leaf = name.rpartition("/")
    if scope in parts:
        return f"{parts[scope]}/{leaf}"
    encoder, layer, inner = scope.split("/", 2)
    return f"{parts[f'{encoder}/{layer}']}/{LAYER[inner]}/{leaf}"
