"""Tag schemes of sequence tagging (Ramshaw and Marcus 1995): BIO, IOBES and IOB1, their spans and conversion.

A tag is "O" or a prefix, a hyphen and a type: "B-city". BIO (also IOB2) begins every span with B; IOBES also
marks its end (E) and spans of one word (S); IOB1 begins a span with B only where one of its type ends just
before. A model tags in BIO or IOBES: IOB1 is converted when it is read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from centrabert.errors import UserError

OUTSIDE = "O"
BIO, IOBES, IOB1 = SCHEMES = ("bio", "iobes", "iob1")
PREFIXES = {BIO: "BI", IOBES: "BIES", IOB1: "BI"}  # in the order of a task's labels
UNSEEN = (
    "(unseen)"  # the type of an entity that no tag of the task can mark; rows to evaluate on may have one
)
FIXES = {  # of tags that a declared scheme does not allow
    BIO: "correct it, or leave the scheme out, and such tags are repaired and counted",
    IOBES: "correct it",
    IOB1: "correct it, or declare bio if every span begins with B",
}
INSIDE, LAST = ("I", "E"), ("E", "S")  # what goes on with a span, and what is its last word


@dataclass(frozen=True, order=True)
class Span:
    """Words that together bear one type.

    Attributes:
      start, end: The first word, and the one behind the last.
    """

    type: str
    start: int
    end: int


def split_tag(tag: str, scheme: str = "") -> tuple[str, str]:
    """(prefix, type); ("O", "") for a word outside.

    Args:
      scheme: "" takes the tags of all.

    Raises:
      UserError: It is no tag of the scheme.
    """
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, _, of_type = tag.partition("-")
    prefixes = PREFIXES[scheme or IOBES]
    if prefix not in tuple(prefixes) or not of_type:
        which = f" of the scheme {scheme}, which has" if scheme else "; the tags are"
        raise UserError(
            f"{tag!r} is no tag{which} {', '.join(['O', *(f'{each}-TYPE' for each in prefixes)])}"
        )
    return prefix, of_type


def spans(tags: Sequence[str]) -> list[Span]:
    """The spans as CoNLL's evaluation reads them, whatever the scheme: a stray I or E begins a span.

    Equal to seqeval's default mode.
    """
    found, start, before = [], 0, (OUTSIDE, "")
    for word, tag in enumerate([*map(split_tag, tags), (OUTSIDE, "")]):
        parted = before[0] in LAST or tag[0] not in INSIDE or before[1] != tag[1]
        if before[0] != OUTSIDE and parted:
            found.append(Span(before[1], start, word))
        if before[0] == OUTSIDE or parted:
            start = word
        before = tag
    return found


def strict_spans(tags: Sequence[str], scheme: str) -> list[Span]:
    """The spans that begin, go on and end as BIO or IOBES says; whatever else is tagged counts for nothing.

    Equal to seqeval's strict mode. Raises UserError for a tag that the scheme has not.
    """
    parts = [*(split_tag(tag, scheme) for tag in tags), (OUTSIDE, "")]
    found = []
    for start, (prefix, of_type) in enumerate(parts):
        end = start + 1
        while prefix == "B" and parts[end] == ("I", of_type):
            end += 1
        if prefix == "B" and scheme == IOBES:
            end = end + 1 if parts[end] == ("E", of_type) else start
        if prefix in ("B", "S") and end > start:
            found.append(Span(of_type, start, end))
    return found


def tags_of(found: Iterable[Span], words: int, scheme: str) -> tuple[str, ...]:
    """The tags of so many words with these spans, which do not overlap, in BIO or IOBES."""
    tags = [OUTSIDE] * words
    for span in found:
        prefixes = ["B", *["I"] * (span.end - span.start - 1)]
        if scheme == IOBES:
            prefixes[-1] = "E" if len(prefixes) > 1 else "S"
        tags[span.start : span.end] = [f"{prefix}-{span.type}" for prefix in prefixes]
    return tuple(tags)


def to_bio(tags: Sequence[str]) -> tuple[str, ...]:
    """The same spans in BIO: of IOB1, or of tags of any scheme that break its rules."""
    return tags_of(spans(tags), len(tags), BIO)


def follows(before: str, after: str, scheme: str) -> bool:
    """Whether a tag may stand behind another; before the first word and behind the last stands "O".

    In IOB1 what BIO calls a stray I begins a span, and B one of the type that ends just before.
    """
    (left, left_type), (right, right_type) = split_tag(before, scheme), split_tag(after, scheme)
    goes_on = right in INSIDE
    same = left_type == right_type
    if scheme == IOB1:
        return right != "B" or (left != OUTSIDE and same)
    if scheme == BIO:
        return not goes_on or (left != OUTSIDE and same)
    return goes_on and same if left in ("B", "I") else not goes_on


class TagError(UserError):
    """A tag that a text cannot have.

    Attributes:
      word: Whose it is, counted from 0; of a text that ends too early the last one.
    """

    def __init__(self, word: int, reason: str) -> None:
        super().__init__(reason)
        self.word = word


def check_scheme(tags: Sequence[str], scheme: str) -> None:
    """Raises TagError for the first word whose tag the scheme does not allow where it stands."""
    for word, (before, after) in enumerate(pairwise([OUTSIDE, *tags, OUTSIDE])):
        if not follows(before, after, scheme):
            place = f"word {word + 1} is tagged {after}" if word < len(tags) else "the text ends"
            behind = f"behind {before}" if word else "at the beginning"
            problem = f"{place} {behind}, which the scheme {scheme} does not allow; {FIXES[scheme]}"
            raise TagError(min(word, len(tags) - 1), problem)


def scheme_of(labels: Iterable[str]) -> str:
    """The scheme of a tagging task, by the prefixes of its labels: IOBES if one marks an end, else BIO."""
    return IOBES if any(split_tag(label)[0] in LAST for label in labels) else BIO


def tag_labels(types: Iterable[str], scheme: str) -> tuple[str, ...]:
    """The labels of a task: "O", then by type in alphabetical order, each with all prefixes of the scheme."""
    return (OUTSIDE, *(f"{prefix}-{each}" for each in sorted(set(types)) for prefix in PREFIXES[scheme]))


def unseen_tags(labels: Iterable[str]) -> tuple[str, ...]:
    """The tags of entities of UNSEEN type, in the scheme of a task's labels, whose numbers they follow."""
    return tag_labels([UNSEEN], scheme_of(labels))[1:]
