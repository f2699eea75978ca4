"""What the sample grammars are made of: fillers and templates, each kept for train or held out for dev."""

import re
from dataclasses import dataclass

from centrabert.errors import UserError

# A vowel letter that is not spoken as a vowel.
CONSONANT_SOUND = ("use", "usu", "uni", "one", "eu")


@dataclass(frozen=True)
class Split:
    """Fillers of one slot, or templates, in two parts that share nothing.

    Attributes:
      train: Used in train.tsv only.
      held_out: Used in dev.tsv and test.tsv only.
    """

    train: tuple[str, ...]
    held_out: tuple[str, ...]

    def __post_init__(self) -> None:
        both = set(self.train) & set(self.held_out)
        if both or not self.train or not self.held_out:
            raise UserError(f"a split needs two parts that share nothing; shared: {sorted(both)}")

    def part(self, held_out: bool) -> tuple[str, ...]:
        return self.held_out if held_out else self.train

    @property
    def all(self) -> tuple[str, ...]:
        return self.train + self.held_out


def words(train: str, held_out: str) -> Split:
    """A split of words written with blanks between them; `_` stands for a blank inside a filler."""
    return Split(*(tuple(w.replace("_", " ") for w in part.split()) for part in (train, held_out)))


def with_articles(sentence: str) -> str:
    """Turns "a" into "an" where the next word begins with a vowel sound, and begins with a capital letter."""

    def article(match: re.Match[str]) -> str:
        return f"{match[1]} {match[2]}" if match[2].startswith(CONSONANT_SOUND) else f"{match[1]}n {match[2]}"

    fixed = re.sub(r"\b([Aa]) ([aeiou]\w*)", article, sentence)
    return fixed[0].upper() + fixed[1:]
