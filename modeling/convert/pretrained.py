"""A pretrained BERT in memory, on its way from one format to another."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.config import BertConfig
from centrabert.modeling.tokenization.tokenizer_files import read_tokenizer

POOLER = ("bert/pooler/dense/kernel", "bert/pooler/dense/bias")


@dataclass(frozen=True)
class Pretrained:
    """Config, vocabulary and variables under Google's names.

    Attributes:
      vocab_file: The vocab.txt to be copied as it is.
      do_lower_case: Whether the text it reads is lower-cased.
      tensors: float32; all of `scopes.base_shapes`, or all but the pooler.
      notes: What the reader changed or left out, for the user to know.
    """

    config: BertConfig
    vocab_file: Path
    do_lower_case: bool
    tensors: checkpoint.Tensors
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wanted = scopes.base_shapes(self.config)
        if not self.has_pooler:
            wanted = {name: shape for name, shape in wanted.items() if name not in POOLER}
        checkpoint.match(wanted, {name: t.shape for name, t in self.tensors.items()}, "pretrained BERT")
        if other := sorted(name for name, t in self.tensors.items() if t.dtype != np.float32):
            raise UserError(f"not float32: {', '.join(other)}")
        tokenizer = read_tokenizer(self.vocab_file, self.do_lower_case)
        tokenizer.check_fits(self.config.vocab_size, str(self.vocab_file), "the config")

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
        """
        hidden, deviation = self.config.hidden_size, self.config.initializer_range
        kernel = tf.random.stateless_truncated_normal([hidden, hidden], [seed, 0], stddev=deviation)
        kernel_name, bias_name = POOLER
        pooler = {kernel_name: kernel.numpy(), bias_name: np.zeros([hidden], np.float32)}
        note = f"pooler initialised anew (truncated normal, {deviation}, seed {seed}): {reason}"
        return replace(self, tensors={**self.tensors, **pooler}, notes=(*self.notes, note))

    def write_google(self, folder: Path) -> None:
        """Writes bert_config.json, vocab.txt and bert_model.ckpt into `folder`, and reads them back."""
        config = json.dumps(self.config.to_json(), indent=2) + "\n"
        (folder / "bert_config.json").write_text(config, encoding="utf-8")
        (folder / "vocab.txt").write_bytes(self.vocab_file.read_bytes())
        checkpoint.write(folder / "bert_model.ckpt", self.tensors)
        BertFolder.at(folder).check()
