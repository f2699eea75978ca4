"""A pretrained BERT on disk, as Google ships it: bert_config.json, vocab.txt, bert_model.ckpt."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.checkpoint import Tensors
from centrabert.modeling.config import BertConfig
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.tokenization.tokenizer_files import read_tokenizer

# What a pretrained or fine-tuned checkpoint holds besides the encoder, and nobody here wants.
DROPPED = re.compile(
    r"cls/(predictions|seq_relationship)/.+"  # the pretraining heads
    r"|.+/adam_[mv]|.+/Adam(_1)?|global_step|beta[12]_power"  # the optimiser of a fine-tuned model
    r"|output_weights|output_bias"  # the head of another task
)


@dataclass(frozen=True)
class BertFolder:
    """The three files of a pretrained BERT.

    Attributes:
      checkpoint: The prefix of the checkpoint, `.../bert_model.ckpt`.
    """

    config_file: Path
    vocab_file: Path
    checkpoint: Path

    @classmethod
    def at(cls, folder: Path) -> "BertFolder":
        """The files under their usual names; raises UserError naming the first that is absent."""
        files = cls(folder / "bert_config.json", folder / "vocab.txt", folder / "bert_model.ckpt")
        for file in (files.config_file, files.vocab_file, folder / "bert_model.ckpt.index"):
            if not file.is_file():
                raise UserError(f"{file}: no such file; a BERT folder holds {', '.join(FILES)}")
        return files

    def config(self) -> BertConfig:
        """Read once."""
        return self._config

    @cached_property
    def _config(self) -> BertConfig:
        return BertConfig.from_json_file(self.config_file)

    def tokenizer(self, do_lower_case: bool | None = None) -> Tokenizer:
        """The tokenizer, checked against the config.

        Args:
          do_lower_case: What was asked for; None asks for what the folder says, or True, BERT's default.

        Raises:
          UserError: A file is damaged or of another model, or says otherwise.
        """
        tokenizer = read_tokenizer(self.vocab_file, do_lower_case)
        tokenizer.check_fits(self.config().vocab_size, str(self.vocab_file), str(self.config_file))
        return tokenizer

    def check(self) -> None:
        """Raises UserError unless the checkpoint holds exactly the BERT that the config describes."""
        found = checkpoint.shapes(self.checkpoint)
        dropped = [name for name in found if DROPPED.fullmatch(name)]
        checkpoint.match(scopes.base_shapes(self.config()), found, str(self.checkpoint), dropped)

    def read(self, names: list[str] | None = None) -> Tensors:
        """The encoder's variables, or those of them in `names`, after `check`."""
        self.check()
        wanted = scopes.base_shapes(self.config()) if names is None else names
        return checkpoint.read(self.checkpoint, wanted)

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of every variable of the encoder, by name."""
        return tensor_digests(self.read())


FILES = ("bert_config.json", "vocab.txt", "bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001")
