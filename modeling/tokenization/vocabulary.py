"""BERT's vocab.txt: the word pieces, one a line, whose line numbers are their ids."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling.formats.git_lfs import check_not_pointer

PAD, UNK, CLS, SEP = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
# Fewest pieces with a capital, or without one, that make a verdict on case; smaller vocabularies get none.
CASED_AT_LEAST = 100
UNCASED_AT_LEAST = 1000
PADDINGS = (8, 16, 32, 64, 128)  # multiples to which Hugging Face rounds an embedding table up


@dataclass(frozen=True)
class Vocabulary:
    """The word pieces of a BERT and whether its text is lower-cased.

    `do_lower_case` is not written in vocab.txt, so it is judged on the pieces themselves. Of the pieces that
    have case (those in [..] and <..> aside), capitals are counted. At least 100 pieces with a capital and
    more than 1 in 20: plainly cased, such as cased_L-12_H-768_A-12. At least 1000 pieces without a capital
    and fewer than 1 in 1000 with one: plainly uncased, such as uncased_L-12_H-768_A-12 and
    chinese_L-12_H-768_A-12. Anything else, such as a vocabulary of a test or of a script without case, gets
    no verdict and either flag.

    Attributes:
      tokens: The pieces; a piece's place is its id. A piece of white space, such as the U+2028 in Google's
        Chinese vocabulary, is "" here: no text reaches it.
      do_lower_case: Whether text is lower-cased and stripped of accents first, as the encoder was trained.

    Raises:
      UserError: [PAD] is not id 0 (the attention mask is derived from zero ids); [UNK], [CLS] or [SEP] is
        missing; a piece occurs twice; the pieces are plainly of the other case.
    """

    tokens: tuple[str, ...]
    do_lower_case: bool

    def __post_init__(self) -> None:
        _check(self.tokens, self.do_lower_case, "vocabulary")

    @classmethod
    def from_file(cls, path: Path | str, do_lower_case: bool) -> "Vocabulary":
        """Reads vocab.txt as `load_vocab` of BERT's tokenization.py does: every line, stripped.

        Raises:
          UserError: Names file and line: the file is missing, empty or not UTF-8, or a fault of the class.
        """
        tokens = tuple(line.strip() for line in _lines(Path(path)))
        _check(tokens, do_lower_case, str(path))
        return cls(tokens, do_lower_case)

    @property
    def cls_id(self) -> int:
        return self.tokens.index(CLS)

    @property
    def sep_id(self) -> int:
        return self.tokens.index(SEP)

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex of pieces and `do_lower_case`: equal for all branches that share a trunk."""
        return hashlib.sha256(json.dumps([self.do_lower_case, *self.tokens]).encode()).hexdigest()

    def check_fits(self, config_vocab_size: int, vocab_file: str, config_file: str) -> None:
        """Raises UserError unless the embedding table has one row for every piece.

        More rows than pieces pass only where the table is rounded up to the next multiple of 8, 16, 32, 64
        or 128, as Hugging Face does for speed: those rows are never looked up. Any other difference means
        that the vocabulary belongs to another model, which BERT itself would not notice.
        """
        pieces = len(self.tokens)
        rounded_up = {-(-pieces // multiple) * multiple for multiple in PADDINGS}
        if config_vocab_size != pieces and config_vocab_size not in rounded_up:
            raise UserError(
                f"{vocab_file} has {pieces} tokens but vocab_size in {config_file} is {config_vocab_size}; "
                f"use the vocab.txt that came with this model"
            )


def _lines(path: Path) -> list[str]:
    """The lines as TensorFlow's GFile reads them: only a line feed ends one, carriage returns are dropped."""
    try:
        data = path.read_bytes()
        check_not_pointer(path, data)
        text = data.decode("utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: not UTF-8; save the vocabulary as UTF-8") from None
    if not text:
        raise UserError(f"{path}: empty; a vocabulary has one token a line")
    return text.replace("\r", "").removesuffix("\n").split("\n")


def _check(tokens: tuple[str, ...], do_lower_case: bool, source: str) -> None:
    _check_special(tokens, source)
    _check_unique(tokens, source)
    _check_case(tokens, do_lower_case, source)


def _check_special(tokens: tuple[str, ...], source: str) -> None:
    if tokens[:1] != (PAD,):
        first = repr(tokens[0]) if tokens else "nothing"
        raise UserError(f"{source}:1: {first} where {PAD} must be: id 0 is padding")
    for token in (UNK, CLS, SEP):
        if token not in tokens:
            raise UserError(f"{source}: {token} is missing; BERT cannot do without it")


def _check_unique(tokens: tuple[str, ...], source: str) -> None:
    lines: dict[str, int] = {}
    for line, token in enumerate(tokens, start=1):
        if token and lines.setdefault(token, line) != line:
            raise UserError(f"{source}:{line}: {token!r} is on line {lines[token]} already; remove one")


def _check_case(tokens: tuple[str, ...], do_lower_case: bool, source: str) -> None:
    """The check of BERT's validate_case_matches_checkpoint, on the pieces instead of on a folder's name."""
    words = [token for token in tokens if not token.startswith(("[", "<"))]
    capitals = sum(word != word.lower() for word in words)
    small = sum(word == word.lower() != word.upper() for word in words)
    if do_lower_case and capitals >= CASED_AT_LEAST and capitals * 20 > capitals + small:
        raise UserError(
            f"{source}: --do_lower_case=True, but {capitals} of its tokens have capitals, which lower-cased "
            f"text never reaches; pass --do_lower_case=False"
        )
    if not do_lower_case and small >= UNCASED_AT_LEAST and capitals * 1000 < capitals + small:
        raise UserError(
            f"{source}: --do_lower_case=False, but only {capitals} of its {capitals + small} tokens have "
            f"capitals, so text with capitals becomes {UNK}; pass --do_lower_case=True"
        )
