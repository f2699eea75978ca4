"""Pairs, truncation and padding against a transcription of BERT's run_classifier.py."""

import itertools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from google_packing import convert
from hypothesis import given, settings
from hypothesis import strategies as st

from centrabert.modeling.tokenization.packing import PairLayout, pack, truncated_lengths

CLS, SEP = 7, 13
LAYOUT = PairLayout(CLS, SEP, padding_id=0)
TEXTS = st.lists(st.integers(14, 99), max_size=13)


def google_batch(rows, max_seq_length):
    packed = [convert(a, b, max_seq_length, CLS, SEP) for a, b in rows]
    longest = max((len(tokens) for tokens, _ in packed), default=0)
    pad = [[row + [0] * (longest - len(row)) for row in pair] for pair in packed]
    return [pair[0] for pair in pad], [pair[1] for pair in pad]


def ragged(rows):
    lengths = np.array([len(row) for row in rows], np.int64)
    return tf.RaggedTensor.from_row_lengths(np.array(list(itertools.chain(*rows)), np.int32), lengths)


def check(rows, max_seq_length):
    first, second = ragged([a for a, _ in rows]), ragged([b for _, b in rows])
    input_ids, segment_ids = pack(first, second, max_seq_length, LAYOUT)
    assert input_ids.dtype == segment_ids.dtype == tf.int32
    assert (input_ids.numpy().tolist(), segment_ids.numpy().tolist()) == google_batch(rows, max_seq_length)


def test_golden():
    first, second = ragged([[20, 21, 22], [30], []]), ragged([[40, 41, 42], [], [50]])
    input_ids, segment_ids = pack(first, second, 8, LAYOUT)
    assert input_ids.numpy().tolist() == [
        [7, 20, 21, 22, 13, 40, 41, 13],
        [7, 30, 13, 0, 0, 0, 0, 0],
        [7, 13, 50, 13, 0, 0, 0, 0],
    ]
    assert segment_ids.numpy().tolist() == [
        [0, 0, 0, 0, 0, 1, 1, 1],
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0, 0, 0],
    ]


XLM_ROBERTA = PairLayout(cls_id=0, sep_id=2, padding_id=1, separators=2, second_segment=0)


def test_golden_of_another_layout():
    """<s> a </s></s> b </s>, all of segment 0, padded with 1; cut to 9."""
    first, second = ragged([[20, 21, 22], [30], [], [20, 21, 22]]), ragged([[40, 41, 42], [], [50], [60]])
    input_ids, segment_ids = pack(first, second, 9, XLM_ROBERTA)
    assert input_ids.numpy().tolist() == [
        [0, 20, 21, 22, 2, 2, 40, 41, 2],
        [0, 30, 2, 1, 1, 1, 1, 1, 1],
        [0, 2, 2, 50, 2, 1, 1, 1, 1],
        [0, 20, 21, 22, 2, 2, 60, 2, 1],
    ]
    assert not segment_ids.numpy().any()


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), st.integers(4, 32), st.integers(1, 3))
def test_more_separators_are_longer_ones(rows, max_seq_length, separators):
    """As one separator in so much less room, repeated."""
    layout = PairLayout(CLS, SEP, padding_id=5, separators=separators)
    if max_seq_length < layout.shortest:
        return
    first, second = ragged([a for a, _ in rows]), ragged([b for _, b in rows])
    input_ids, segment_ids = pack(first, second, max_seq_length, layout)
    wanted, segments = [], []
    for a, b in rows:
        tokens, kinds = convert(a, b, max_seq_length - (separators - 1 if b else 0), CLS, SEP)
        middle = kinds.index(1) if 1 in kinds else len(tokens)
        more = (separators - 1) * (1 in kinds)
        wanted.append([*tokens[:middle], *[SEP] * more, *tokens[middle:]])
        segments.append([*kinds[:middle], *[0] * more, *kinds[middle:]])
    longest = max(map(len, wanted), default=0)
    assert input_ids.numpy().tolist() == [row + [5] * (longest - len(row)) for row in wanted]
    assert segment_ids.numpy().tolist() == [row + [0] * (longest - len(row)) for row in segments]


def test_no_room_for_two_separators():
    with pytest.raises(ValueError, match="max_seq_length 3 is below 4"):
        pack(ragged([[1]]), ragged([[2]]), 3, XLM_ROBERTA)


@pytest.mark.parametrize("max_seq_length", range(3, 24))
def test_every_pair_of_lengths(max_seq_length):
    lengths = list(itertools.product(range(14), range(12)))
    first, second = (np.array(side, np.int64) for side in zip(*lengths, strict=True))
    kept = [tensor.numpy().tolist() for tensor in truncated_lengths(first, second, max_seq_length, LAYOUT)]
    for a, b, kept_a, kept_b in zip(first, second, *kept, strict=True):
        tokens, segment_ids = convert(range(a), range(b), max_seq_length, CLS, SEP)
        length_b = sum(segment_ids)
        assert (kept_a, kept_b) == (len(tokens) - length_b - 2, max(length_b - 1, 0))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), st.integers(3, 32))
def test_as_google(rows, max_seq_length):
    check(rows, max_seq_length)


def test_no_rows():
    input_ids, segment_ids = pack(ragged([]), ragged([]), 128, LAYOUT)
    assert input_ids.shape == segment_ids.shape == (0, 0)


def test_rows_of_a_slice():
    rows = [([20, 21], [30]), ([22], []), ([23, 24, 25], [31, 32])]
    first, second = ragged([a for a, _ in rows])[1:], ragged([b for _, b in rows])[1:]
    input_ids, _ = pack(first, second, 9, LAYOUT)
    assert input_ids.numpy().tolist() == google_batch(rows[1:], 9)[0]


def test_too_short():
    with pytest.raises(ValueError, match="max_seq_length 2 is below 3"):
        pack(ragged([[1]]), ragged([[]]), 2, LAYOUT)
