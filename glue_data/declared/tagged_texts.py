"""Texts with a tag for each word: how they become words, and their tags the scheme of the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from absl import logging

from centrabert.errors import UserError
from centrabert.glue_data.declared import row_values
from centrabert.glue_data.declared.declaration import Declaration
from centrabert.glue_data.readers.formats import CONLL
from centrabert.glue_data.readers.table import Table
from centrabert.modeling.kinds.tag_scheme import (
    BIO,
    IOB1,
    IOBES,
    OUTSIDE,
    Span,
    TagError,
    check_scheme,
    spans,
    split_tag,
    tags_of,
    to_bio,
)
from centrabert.modeling.words.word_places import BY_BERT, BY_CHARACTERS

Tags = tuple[str, ...]
CHUNK = 1000  # texts that are split at once
NO_TAG_IN_CONLL = "; tags are read from column 1, counted from 0, unless label (--label_column) says another"


def read_tagged(
    declaration: Declaration, table: Table, text: str, tags: str | None
) -> tuple[tuple[str, ...], tuple[Tags, ...] | None]:
    """The texts, and the tags of their words, in BIO or IOBES; no tags where the file has none.

    Tags in IOB1 become BIO. Where no scheme is declared, tags that break the rules of BIO are repaired as
    CoNLL's evaluation reads them (a stray I begins a span), counted and reported.

    Raises:
      UserError: With file and line, for a text without as many tags as words, for a tag that the declared
        scheme has not or does not allow there, and for a word that `split` would cut.
    """
    default = declaration.format == CONLL and not declaration.columns and not declaration.label
    reader = _Reader(declaration.words, declaration.scheme, NO_TAG_IN_CONLL if default else "")
    fields = table.column(tags) if tags is not None else (None,) * len(table)
    read = []
    repaired = dict[int, int]()
    for value, field, line in zip(table.column(text), fields, table.lines, strict=True):
        try:
            read.append(reader.read(value, None if tags is None else field, text, tags or ""))
        except UserError as error:
            inside = error.word if isinstance(error, TagError) and declaration.format == CONLL else 0
            raise UserError(f"{table.path}:{line + inside}: {error}") from None
        if read[-1].repaired:
            repaired[line] = read[-1].repaired
    if repaired:
        logging.warning(
            "%s: repaired %d tags that break the rules of BIO in %d texts, the first on line %d; declare the "
            "scheme iob1 if the file is in it, or bio to refuse such tags",
            *(table.path, sum(repaired.values()), len(repaired), next(iter(repaired))),
        )
    if reader.split == BY_BERT and tags is not None:
        _check_words(table, read)
    texts = tuple(each.text for each in read)
    return texts, None if tags is None else tuple(each.tags for each in read)


@dataclass(frozen=True)
class _Tagged:
    text: str
    tags: Tags
    repaired: int = 0


@dataclass(frozen=True)
class _Reader:
    """Reads row by row.

    Attributes:
      split: As in TaskSpec.
      scheme: The declared one, or "".
      no_tag: What to add where a tag is none.
    """

    split: str
    scheme: str
    no_tag: str

    def read(self, value: Any, field: Any, text: str, tags: str) -> _Tagged:
        words = self._words(value, text)
        joined = value if isinstance(value, str) else ("" if self.split == BY_CHARACTERS else " ").join(words)
        if field is None and not tags:
            return _Tagged(joined, ())
        given = row_values.strings(field, tags)
        if self.split == BY_BERT:  # how many words there are, `_check_words` asks
            return _Tagged(joined, *self._in_scheme(given))
        kept = [place for place, word in enumerate(words) if not word.isspace()]
        if len(given) == len(kept) != len(words):
            words = [words[place] for place in kept]
            kept = list(range(len(kept)))
        if len(given) != len(words):
            raise UserError(_unequal(len(words), given, self.split))
        converted, repaired = self._in_scheme(given)
        return _Tagged(joined, _without(converted, kept, self.scheme), repaired)

    def _words(self, value: Any, what: str) -> Sequence[str]:
        """The words that tags may be for; of characters those of white space too."""
        if isinstance(value, str):
            return list(value) if self.split == BY_CHARACTERS else value.split()
        words = row_values.strings(value, what)
        for word in words:
            if self.split == BY_CHARACTERS and len(word) != 1:
                raise UserError(
                    f"the word {word!r} is no single character, as the split {BY_CHARACTERS} wants it"
                )
            if self.split != BY_CHARACTERS and word.split() != [word]:
                raise UserError(
                    f"the word {word!r} is empty or holds white space, at which {self.split} splits"
                )
        return words

    def _in_scheme(self, tags: Tags) -> tuple[Tags, int]:
        """The tags in the model's scheme, and how many had to be repaired."""
        for tag in dict.fromkeys(tags):
            try:
                of_type = split_tag(tag, self.scheme)[1]
                if tag != OUTSIDE:
                    row_values.label(of_type, f"tag {tag!r}: its type")
            except UserError as error:
                word = tags.index(tag)
                raise TagError(word, f"word {word + 1}: {error}{self.no_tag}") from None
        if self.scheme == IOB1:
            check_scheme(tags, IOB1)
            return to_bio(tags), 0
        if self.scheme:
            check_scheme(tags, self.scheme)
            return tags, 0
        if ends := next((tag for tag in tags if tag.startswith(("E-", "S-"))), ""):
            word = tags.index(ends)
            raise TagError(word, f"the tag {ends!r} is one of IOBES; declare the scheme {IOBES}")
        repaired = to_bio(tags)
        return repaired, sum(old != new for old, new in zip(tags, repaired, strict=True))


def _check_words(table: Table, read: Sequence[_Tagged]) -> None:
    """Raises UserError for a text of which BERT makes another number of words than it has tags."""
    from centrabert.modeling.words.words import split_words  # imports TensorFlow

    for start in range(0, len(read), CHUNK):
        chunk = read[start : start + CHUNK]
        counts = split_words([each.text for each in chunk], BY_BERT).words.row_lengths().numpy().tolist()
        for row, (count, each) in enumerate(zip(counts, chunk, strict=True), start=start):
            if count != len(each.tags):
                raise UserError(f"{table.path}:{table.lines[row]}: {_unequal(count, each.tags, BY_BERT)}")


def _unequal(words: int, tags: Tags, split: str) -> str:
    counts = f"the text has {words} words, but there are {len(tags)} tags"
    return f"{counts}; words are split by {split}, and each needs a tag"


def _without(tags: Tags, kept: Sequence[int], scheme: str) -> Tags:
    """The tags of the words that are kept, with the spans they still have."""
    if len(kept) == len(tags):
        return tags
    places = {place: number for number, place in enumerate(kept)}
    rest = []
    for span in spans(tags):
        inside = [places[place] for place in range(span.start, span.end) if place in places]
        if inside:
            rest.append(Span(span.type, inside[0], inside[-1] + 1))
    return tags_of(rest, len(kept), IOBES if scheme == IOBES else BIO)
