"""How text is normalised before it is cut into word pieces, and tokenizer_config.json, which says so."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.formats.json_file import read_json

TOKENIZER_CONFIG = "tokenizer_config.json"  # Hugging Face's file and keys, beside vocab.txt
# Fewest pieces that make a verdict on case; smaller vocabularies get none.
UNREACHED_AT_LEAST = 100
UNCASED_AT_LEAST = 1000


@dataclass(frozen=True)
class Normalization:
    """What is done to text first, as the encoder was trained; named as in Hugging Face's file.

    Attributes:
      do_lower_case: Whether text is lower-cased.
      strip_accents: Whether accents are taken off, by canonical decomposition; None: as `do_lower_case`.
      tokenize_chinese_chars: Whether every CJK character is a word of its own.
    """

    do_lower_case: bool = True
    strip_accents: bool | None = None
    tokenize_chinese_chars: bool = True

    @property
    def strips_accents(self) -> bool:
        return self.do_lower_case if self.strip_accents is None else self.strip_accents

    @property
    def is_google(self) -> bool:
        """Whether it is what Google's tokenizer does for this `do_lower_case`."""
        return self.tokenize_chinese_chars and self.strips_accents == self.do_lower_case

    def to_json(self) -> dict[str, Any]:
        """The keys of tokenizer_config.json that decide the pieces of a text."""
        return {
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": self.do_lower_case,
            "strip_accents": self.strip_accents,
            "tokenize_chinese_chars": self.tokenize_chinese_chars,
        }

    def check_case(self, tokens: Sequence[str], source: str) -> None:
        """Raises UserError where a vocabulary is plainly of the other case.

        Of the pieces, those in [..] and <..> aside, are counted: what this normalisation never leaves as it
        is (capitals, and where accents are taken off, accented letters and Hangul), and what has case but no
        capital. 100 or more of the former that are more than 1 in 20: plainly for text as it is, such as
        cased_L-12_H-768_A-12. 1000 or more of the latter and fewer than 1 capital in 1000: plainly for
        lower-cased text, such as uncased_L-12_H-768_A-12. Anything else gets no verdict.
        """
        words = [token for token in tokens if not token.startswith(("[", "<"))]
        unreached = sum(self._applied(word) != word for word in words)
        capitals = sum(word != word.lower() for word in words)
        small = sum(word == word.lower() != word.upper() for word in words)
        if unreached >= UNREACHED_AT_LEAST and unreached * 20 > len(words):
            raise UserError(
                f"{source}: do_lower_case is {str(self.do_lower_case).lower()}, but text that is lower-cased "
                f"or stripped of accents never reaches {unreached} of its {len(words)} pieces; pass "
                f"--do_lower_case=False, or correct {TOKENIZER_CONFIG}"
            )
        if not self.do_lower_case and small >= UNCASED_AT_LEAST and capitals * 1000 < capitals + small:
            raise UserError(
                f"{source}: do_lower_case is false, but only {capitals} of the {capitals + small} pieces "
                f"that have case are capitals, so text with capitals becomes [UNK]; pass "
                f"--do_lower_case=True, or correct {TOKENIZER_CONFIG}"
            )

    def _applied(self, word: str) -> str:
        if self.do_lower_case:
            word = word.lower()
        if self.strips_accents:
            decomposed = unicodedata.normalize("NFD", word)
            word = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
        return word


def read_normalization(vocabulary_file: Path, do_lower_case: bool | None = None) -> Normalization:
    """What the tokenizer_config.json beside a vocabulary says; where there is none, what Google's BERT does.

    Args:
      do_lower_case: What was asked for; None asks for what the file says, or True, BERT's default.

    Raises:
      UserError: The file says otherwise, or is damaged.
    """
    file = vocabulary_file.parent / TOKENIZER_CONFIG
    keys = read_json(file) if file.is_file() else {}
    return parse_normalization(keys, str(file), do_lower_case)


def parse_normalization(
    keys: dict[str, Any], source: str, do_lower_case: bool | None = None
) -> Normalization:
    """`read_normalization` of a file with these keys; `source` is its name, for messages."""
    for name, allowed in (("do_lower_case", (bool,)), ("strip_accents", (bool, type(None)))):
        if name in keys and not isinstance(keys[name], allowed):
            raise UserError(f"{source}: {name} is {keys[name]!r}, not true or false")
    chinese = keys.get("tokenize_chinese_chars", True)
    if not isinstance(chinese, bool):
        raise UserError(f"{source}: tokenize_chinese_chars is {chinese!r}, not true or false")
    said = keys.get("do_lower_case")
    if said is not None and do_lower_case not in (None, said):
        raise UserError(
            f"do_lower_case={do_lower_case} was asked for, or a branch was trained so, but {source} says "
            f"{str(said).lower()}; leave out --do_lower_case, or correct the file if it is wrong"
        )
    lowered = do_lower_case is not False if said is None else bool(said)
    return Normalization(lowered, keys.get("strip_accents"), chinese)
