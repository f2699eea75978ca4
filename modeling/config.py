"""The shape of a BERT, as in Google's bert_config.json."""

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.formats.json_file import read_json

ACTIVATIONS = ("gelu", "gelu_exact", "relu")
MAX_LAYERS = 1024  # a list of variables is made for each; no BERT has a tenth of them
# Keys of Google's files that say nothing about the encoder: poolers of the multilingual and Chinese models.
IGNORED_KEYS = frozenset(
    [
        "directionality",
        "pooler_fc_size",
        "pooler_num_attention_heads",
        "pooler_num_fc_layers",
        "pooler_size_per_head",
        "pooler_type",
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
        """Builds the config; raises UserError naming `source` and every missing or unknown key."""
        known = {field.name for field in fields(cls)}
        missing = sorted(known - keys.keys())
        unknown = sorted(keys.keys() - known - IGNORED_KEYS)
        if missing or unknown:
            raise UserError(f"{source}: missing keys {missing}, unknown keys {unknown}")
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
