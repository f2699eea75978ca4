"""A pretrained BERT in memory, on its way from one format to another."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.bert_folder import POOLER, BertFolder
from centrabert.modeling.config import BertConfig
from centrabert.modeling.convert.huggingface_tokenizer import tokenizer_config
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.tokenization.normalization import TOKENIZER_CONFIG
from centrabert.modeling.tokenization.tokenizer import Tokenizer

MAX_SEED = 2**63 - 1  # of TensorFlow's stateless random numbers
LISTED = 5  # names of what was left out that a note spells out; an optimiser leaves hundreds
NO_HEAD: Mapping[str, npt.NDArray[np.float32]] = MappingProxyType({})


@dataclass(frozen=True)
class Pretrained:
    """Config, tokenizer and variables under Google's names.

    Attributes:
      tensors: float32; all of `scopes.base_shapes`, or all but the pooler.
      tokenizer_keys: All that the source's tokenizer_config.json holds, to be passed on.
      notes: What the reader changed or left out, for the user to know.
      files: The vocabulary's and the config's, for messages.
    """

    config: BertConfig
    tokenizer: Tokenizer
    tensors: checkpoint.Tensors
    tokenizer_keys: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    files: tuple[str, str] = ("vocab.txt", "the config")

    def __post_init__(self) -> None:
        wanted = wanted_shapes(self.config, self.tensors)
        checkpoint.match(wanted, {name: t.shape for name, t in self.tensors.items()}, "pretrained BERT")
        if other := sorted(name for name, t in self.tensors.items() if t.dtype != np.float32):
            raise UserError(f"not float32: {', '.join(other)}")
        self.tokenizer.check_fits(self.config.vocab_size, *self.files)

    @property
    def has_pooler(self) -> bool:
        return any(name in self.tensors for name in POOLER)

    @property
    def num_parameters(self) -> int:
        return sum(tensor.size for tensor in self.tensors.values())

    def with_new_pooler(self, seed: int, reason: str) -> "Pretrained":
        """A copy whose pooler is drawn as BERT draws its first weights.

        Kernel: truncated normal with standard deviation `initializer_range` (0.02 in every published BERT);
        bias: 0. The same seed gives the same bits on every machine.

        Raises:
          UserError: The seed has more than 64 bits.
        """
        if abs(seed) > MAX_SEED:
            raise UserError(f"--seed={seed} is beyond {MAX_SEED}")
        hidden, deviation = self.config.hidden_size, self.config.initializer_range
        kernel = tf.random.stateless_truncated_normal([hidden, hidden], [seed, 0], stddev=deviation)
        kernel_name, bias_name = POOLER
        pooler = {kernel_name: kernel.numpy(), bias_name: np.zeros([hidden], np.float32)}
        note = f"pooler initialised anew (truncated normal, {deviation}, seed {seed}): {reason}"
        return replace(self, tensors={**self.tensors, **pooler}, notes=(*self.notes, note))

    def write_google(self, folder: Path, head: Mapping[str, npt.NDArray[np.float32]] = NO_HEAD) -> None:
        """Writes bert_config.json, the tokenizer and bert_model.ckpt into `folder`, and checks what is there.

        Args:
          head: Variables that the checkpoint holds beside the encoder's.
        """
        config = json.dumps(self.config.to_json(), indent=2) + "\n"
        (folder / "bert_config.json").write_text(config, encoding="utf-8")
        self.write_tokenizer(folder)
        checkpoint.write(folder / "bert_model.ckpt", {**self.tensors, **head})
        bert = BertFolder.at(folder)
        wanted, found = wanted_shapes(bert.config(), self.tensors), checkpoint.shapes(bert.checkpoint)
        checkpoint.match(wanted, found, str(bert.checkpoint), head)

    def write_tokenizer(self, folder: Path) -> None:
        """Writes the vocabulary as it was, and tokenizer_config.json, which says how text is read."""
        for name, content in self.tokenizer.assets.items():
            (folder / name).write_bytes(content)
        said = json.loads(self.tokenizer.assets[TOKENIZER_CONFIG])
        keys = tokenizer_config(self.tokenizer_keys, said, self.config.max_position_embeddings)
        (folder / TOKENIZER_CONFIG).write_text(dump(keys), encoding="utf-8")


def wanted_shapes(config: BertConfig, found: Collection[str]) -> dict[str, scopes.Shape]:
    """A BERT's variables under Google's names; without the pooler if no part of one is in `found`."""
    has_pooler = any(name in found for name in POOLER)
    return {
        name: shape for name, shape in scopes.base_shapes(config).items() if has_pooler or name not in POOLER
    }


def left_out(names: Iterable[str]) -> list[str]:
    """A note that names the variables beside the encoder, or none."""
    dropped = list(names)
    more = f" and {len(dropped) - LISTED} more" if len(dropped) > LISTED else ""
    return [f"left out {', '.join(dropped[:LISTED])}{more}"] if dropped else []
