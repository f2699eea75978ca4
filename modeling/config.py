"""The shape of a BERT, as in Google's bert_config.json."""

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.formats.json_file import read_json

ACTIVATIONS = ("gelu", "gelu_exact", "relu")
MAX_LAYERS = 1024  # a list of variables is made for each; no BERT has a tenth of them
# Keys that would change the graph, with the only value that BERT's graph has; absent means that value.
FIXED: dict[str, Any] = {
    "add_cross_attention": False,
    "is_decoder": False,
    "is_encoder_decoder": False,
    "layer_norm_eps": 1e-12,
    "layer_norm_epsilon": 1e-12,
    "model_type": "bert",
    "position_embedding_type": "absolute",
    "pruned_heads": {},
    "quantization_config": None,
}
# Keys that say nothing about the encoder: bookkeeping, task heads, and how Transformers runs it.
HARMLESS = frozenset(
    [
        "_name_or_path",
        "_num_labels",
        "architectures",
        "bos_token_id",
        "chunk_size_feed_forward",
        "classifier_dropout",
        "cls_token_id",
        "directionality",
        "dtype",
        "eos_token_id",
        "finetuning_task",
        "gradient_checkpointing",
        "id2label",
        "label2id",
        "num_labels",
        "output_attentions",
        "output_hidden_states",
        "output_past",
        "pad_token_id",
        "pooler_fc_size",
        "pooler_num_attention_heads",
        "pooler_num_fc_layers",
        "pooler_size_per_head",
        "pooler_type",
        "problem_type",
        "return_dict",
        "sep_token_id",
        "tie_word_embeddings",
        "tokenizer_class",
        "torch_dtype",
        "torchscript",
        "transformers_version",
        "use_bfloat16",
        "use_cache",
    ]
)


@dataclass(frozen=True)
class BertConfig:
    """BERT's own keys (modeling.py of google-research/bert).

    `hidden_act`: "gelu" is Google's tanh approximation; "gelu_exact" the one with the error function, which
    Hugging Face checkpoints mean by "gelu"; or "relu".
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    hidden_act: str
    hidden_dropout_prob: float
    attention_probs_dropout_prob: float
    max_position_embeddings: int
    type_vocab_size: int
    initializer_range: float

    def __post_init__(self) -> None:
        for field in fields(self):
            _check(field.name, getattr(self, field.name))
        if self.hidden_size % self.num_attention_heads:
            raise UserError(
                f"hidden_size {self.hidden_size} is not a multiple of "
                f"num_attention_heads {self.num_attention_heads}"
            )

    @property
    def head_size(self) -> int:
        return self.hidden_size // self.num_attention_heads

    @classmethod
    def from_json(cls, keys: dict[str, Any], source: str = "bert_config.json") -> "BertConfig":
        """Builds the config.

        Raises:
          UserError: It names `source` and every key that is missing or unknown, or whose value asks for
            another graph than BERT's.
        """
        known = {field.name for field in fields(cls)}
        missing, unknown = sorted(known - keys.keys()), unknown_keys(keys)
        problems = [f"lacks the keys {', '.join(missing)}; is it the config of a BERT?"] if missing else []
        if unknown:
            problems.append(
                f"has unknown keys: {', '.join(unknown)}; if they say nothing about the encoder, remove them"
            )
        if problems:
            raise UserError(f"{source}: {'; '.join(problems)}")
        if unfit := other_graph(keys):
            raise UserError(f"{source}: {'; '.join(unfit)}")
        try:
            return cls(**{key: keys[key] for key in known})
        except ValueError as error:
            raise UserError(f"{source}: {error}") from None

    @classmethod
    def from_json_file(cls, path: Path) -> "BertConfig":
        """Reads Google's bert_config.json; raises UserError with the file for whatever is wrong in it."""
        return cls.from_json(read_json(path), str(path))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def differing_keys(one: BertConfig, other: BertConfig) -> str:
    """`key value, not value` of every key in which two configs differ; "" if they are equal."""
    left, right = one.to_json(), other.to_json()
    return ", ".join(f"{key} {left[key]!r}, not {right[key]!r}" for key in left if left[key] != right[key])


def unknown_keys(keys: dict[str, Any]) -> list[str]:
    """Those keys of which nobody here knows what they mean."""
    known = {field.name for field in fields(BertConfig)}
    return sorted(keys.keys() - known - _fixed(keys).keys() - HARMLESS)


def other_graph(keys: dict[str, Any]) -> list[str]:
    """Of every key that asks for another graph than BERT's: what it says, and what is supported."""
    return [
        f"{key} is {keys[key]!r}, only {value!r} is supported"
        for key, value in _fixed(keys).items()
        if keys.get(key) not in (None, value)
    ]


def _fixed(keys: dict[str, Any]) -> dict[str, Any]:
    return {**FIXED, "embedding_size": keys.get("hidden_size")}


def _check(name: str, value: object) -> None:
    if name == "hidden_act":
        if value not in ACTIVATIONS:
            raise UserError(f"hidden_act {value!r} is none of {', '.join(ACTIVATIONS)}")
    elif name.endswith("_prob"):
        if not isinstance(value, int | float) or not 0 <= value < 1:
            raise UserError(f"{name} {value!r} is not in [0, 1)")
    elif name == "initializer_range":
        if not isinstance(value, int | float) or not 0 < value < math.inf:
            raise UserError(f"{name} {value!r} is not a positive number")
    elif not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UserError(f"{name} {value!r} is not a positive integer")
    elif name == "num_hidden_layers" and value > MAX_LAYERS:
        raise UserError(f"{name} {value!r} is above {MAX_LAYERS}")
