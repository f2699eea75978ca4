"""A pretrained BERT on disk, as Google ships it: bert_config.json, vocab.txt, bert_model.ckpt.

A SentencePiece model may stand in the place of vocab.txt.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from absl import logging

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.checkpoint import Tensors
from centrabert.modeling.config import BertConfig
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.tokenization.sentencepiece_check import check_usable
from centrabert.modeling.tokenization.sentencepiece_tokenizer import SentencePieceTokenizer
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.tokenization.tokenizer_files import read_tokenizer
from centrabert.modeling.tokenization.vocabulary import VOCABULARIES, vocabulary_file

# What an optimiser keeps for a variable, below the variable's name.
SLOT = re.compile(
    r".+/(adam_[mv]|(AdamWeightDecayOptimizer|Adam)(_1)?|lamb_[mv]|v[rc]?|m|Momentum|Adagrad|RMSProp(_1)?|ExponentialMovingAverage)"
)
PREFIX = re.compile(r"(.*?)embeddings/word_embeddings")
POOLER = ("bert/pooler/dense/kernel", "bert/pooler/dense/bias")
FILES = (
    "bert_config.json",
    " or ".join(VOCABULARIES),
    *("bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001"),
)


def beside_encoder(names: Iterable[str]) -> list[str]:
    """Those variables of a checkpoint that are none of its encoder's: heads, the step, what optimisers keep.

    Whatever else is under `bert/` is the encoder's, whether this encoder is known to have it or not.
    """
    return sorted(name for name in names if not name.startswith("bert/") or SLOT.fullmatch(name))


def encoder_prefixes(names: Iterable[str]) -> list[str]:
    """What stands before the names of an encoder's parts, for each encoder; Google's is bert/."""
    return sorted(match[1] for name in names if (match := PREFIX.fullmatch(name)))


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
        files = cls(folder / "bert_config.json", vocabulary_file(folder), folder / "bert_model.ckpt")
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
        if isinstance(tokenizer, SentencePieceTokenizer):
            check_usable(tokenizer.model)
        note = tokenizer.check_fits(self.config().vocab_size, str(self.vocab_file), str(self.config_file))
        if note:
            logging.warning("%s", note)
        return tokenizer

    def check(self) -> None:
        """Raises UserError unless the checkpoint's encoder is exactly the one that the config describes.

        What is beside the encoder is no matter: a classification head, an optimiser's variables, the step.
        """
        found = checkpoint.shapes(self.checkpoint)
        wanted = scopes.base_shapes(self.config())
        if not any(name.startswith("bert/") for name in found) and (prefixes := encoder_prefixes(found)):
            raise UserError(
                f"{self.checkpoint}: its variables' names begin with {' or '.join(map(repr, prefixes))}, not "
                f"with 'bert/'; write a checkpoint with Google's names by {_convert(self.checkpoint)}"
            )
        if wanted.keys() - found.keys() == set(POOLER):
            raise UserError(
                f"{self.checkpoint}: has no pooler; draw a new one by {_convert(self.checkpoint)}"
            )
        checkpoint.match(wanted, found, str(self.checkpoint), beside_encoder(found))

    def read(self, names: list[str] | None = None) -> Tensors:
        """The encoder's variables, or those of them in `names`, after `check`."""
        self.check()
        wanted = scopes.base_shapes(self.config()) if names is None else names
        return checkpoint.read(self.checkpoint, wanted)

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of every variable of the encoder, by name."""
        return tensor_digests(self.read())

    def is_the_same(self, other: "BertFolder") -> bool:
        """Whether both have one config and the same variables, wherever they are."""
        return self.config() == other.config() and self.digests == other.digests


def _convert(source: Path) -> str:
    return f"`centrabert convert --source={source} --output_dir=FOLDER`"
