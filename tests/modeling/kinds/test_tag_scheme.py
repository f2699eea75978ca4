"""Spans are those of seqeval in both of its modes; every scheme can be checked and converted."""

import random
from collections.abc import Sequence
from itertools import pairwise, product

import pytest
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES, Entities

from centrabert.errors import UserError
from centrabert.modeling.kinds import tag_scheme
from centrabert.modeling.kinds.tag_scheme import (
    Span,
    check_scheme,
    follows,
    scheme_of,
    spans,
    strict_spans,
    tag_labels,
    tags_of,
    to_bio,
)

TYPES = ("city", "date-from", "x")
ORACLES = {"bio": IOB2, "iobes": IOBES}
Tags = Sequence[str]


def sequences(prefixes: str, count: int = 3000, seed: int = 0) -> list[list[str]]:
    """Random ones, and all of up to three tags of two types."""
    draw = random.Random(seed)  # noqa: S311 (no secret)
    tags = ["O", *(f"{prefix}-{each}" for prefix in prefixes for each in TYPES)]
    drawn = [draw.choices(tags, k=draw.randint(0, 9)) for _ in range(count)]
    few = ["O", *(f"{prefix}-{each}" for prefix in prefixes for each in TYPES[:2])]
    return drawn + [list(each) for length in range(1, 4) for each in product(few, repeat=length)]


def test_spans_are_those_of_seqeval() -> None:
    for tags in sequences("BIES"):
        expected = [(name, first, last + 1) for name, first, last in get_entities(tags)] if tags else []
        assert [(span.type, span.start, span.end) for span in spans(tags)] == expected, tags


@pytest.mark.parametrize("scheme", ORACLES)
def test_strict_spans_are_those_of_seqeval(scheme: str) -> None:
    for tags in sequences(tag_scheme.PREFIXES[scheme]):
        (expected,) = Entities([tags], ORACLES[scheme]).entities if tags else ([],)
        expected = [(entity.tag, entity.start, entity.end) for entity in expected]
        assert [(span.type, span.start, span.end) for span in strict_spans(tags, scheme)] == expected, tags


@pytest.mark.parametrize("scheme", ORACLES)
def test_tags_obey_their_scheme_exactly_if_both_modes_read_all_of_them_alike(scheme: str) -> None:
    for tags in sequences(tag_scheme.PREFIXES[scheme]):
        obeys = all(follows(before, after, scheme) for before, after in pairwise(["O", *tags, "O"]))
        assert obeys == (tuple(tags) == tags_of(strict_spans(tags, scheme), len(tags), scheme)), tags
        if obeys:
            check_scheme(tags, scheme)
            assert strict_spans(tags, scheme) == spans(tags)
        else:
            with pytest.raises(UserError, match=f"which the scheme {scheme} does not allow"):
                check_scheme(tags, scheme)


def test_conversion_keeps_the_spans_and_obeys() -> None:
    for tags in sequences("BIES"):
        check_scheme(to_bio(tags), "bio")
        assert strict_spans(to_bio(tags), "bio") == spans(tags) == spans(to_bio(tags)), tags


def test_iob1_becomes_bio() -> None:
    assert to_bio(["I-x", "I-x", "B-x", "O", "I-x", "I-city"]) == (
        *("B-x", "I-x", "B-x", "O", "B-x", "B-city"),
    )
    check_scheme(["O", "I-x", "I-city", "B-city", "B-city", "I-city"], "iob1")


@pytest.mark.parametrize("tags", [["B-x"], ["O", "B-x"], ["I-x", "B-city"]])
def test_in_iob1_b_parts_two_spans_of_one_type(tags: Tags) -> None:
    with pytest.raises(UserError, match=f"word {len(tags)} is tagged B-.* iob1 does not allow; correct"):
        check_scheme(tags, "iob1")


def test_a_span_of_iobes_has_an_end() -> None:
    assert tags_of([Span("x", 1, 2), Span("city", 2, 5)], 6, "iobes") == (
        *("O", "S-x", "B-city", "I-city", "E-city", "O"),
    )


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (["O", "I-x"], "word 2 is tagged I-x behind O"),
        (["I-x"], "word 1 is tagged I-x at the beginning"),
        (["B-x", "I-city"], "word 2 is tagged I-city behind B-x"),
        (["O", "E-x"], "'E-x' is no tag of the scheme bio, which has O, B-TYPE, I-TYPE"),
        (["B"], "'B' is no tag"),
        (["B-"], "'B-' is no tag"),
        ([""], "'' is no tag"),
        (["BI-x"], "'BI-x' is no tag"),
        (["-x"], "'-x' is no tag"),
    ],
)
def test_what_bio_refuses(tags: Tags, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_scheme(tags, "bio")


def test_an_open_span_at_the_end_is_refused_in_iobes() -> None:
    with pytest.raises(UserError, match="the text ends behind B-x"):
        check_scheme(["B-x"], "iobes")


def test_labels_of_a_task() -> None:
    assert tag_labels(["x", "city", "x"], "bio") == ("O", "B-city", "I-city", "B-x", "I-x")
    assert tag_labels(["x"], "iobes") == ("O", "B-x", "I-x", "E-x", "S-x")
    assert scheme_of(tag_labels(TYPES, "bio")) == "bio"
    assert scheme_of(tag_labels(TYPES, "iobes")) == "iobes"
