"""Hugging Face's config.json of a BERT, and Google's bert_config.json."""

from dataclasses import fields
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.config import BertConfig, other_graph, unknown_keys

# Hugging Face's "gelu" is the exact one; Google's "gelu" is the tanh form. A mix costs about 1e-3 a layer.
ACTIVATIONS = {"gelu": "gelu_exact", "gelu_new": "gelu", "gelu_pytorch_tanh": "gelu", "relu": "relu"}


def google_config(keys: dict[str, Any], source: str) -> tuple[BertConfig, list[str]]:
    """The config, and the keys in `keys` that were not understood and have been ignored.

    Raises:
      UserError: Names `source` and each key that is missing or asks for another graph than BERT's.
    """
    wanted = {field.name for field in fields(BertConfig)}
    if missing := sorted(wanted - keys.keys()):
        raise UserError(f"{source}: lacks the keys {', '.join(missing)}; is it the config.json of a BERT?")
    unfit = other_graph(keys)
    activation = ACTIVATIONS.get(str(keys["hidden_act"]))
    if activation is None:
        unfit.append(f"hidden_act is {keys['hidden_act']!r}, only {', '.join(ACTIVATIONS)} are supported")
    if unfit:
        raise UserError(f"{source}: {'; '.join(unfit)}")
    ours = {key: keys[key] for key in wanted} | {"hidden_act": activation}
    return BertConfig.from_json(ours, source), unknown_keys(keys)


def huggingface_config(config: BertConfig, padding_id: int) -> dict[str, Any]:
    """The keys of config.json, inverse of `google_config`."""
    activation = {"gelu": "gelu_new", "gelu_exact": "gelu", "relu": "relu"}[config.hidden_act]
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        **config.to_json(),
        "hidden_act": activation,
        "layer_norm_eps": 1e-12,
        "pad_token_id": padding_id,
        "position_embedding_type": "absolute",
    }
