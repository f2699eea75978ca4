"""Encoded data sets: rows as the tokenizer gives them, each once an epoch, in batches of like length."""

import dataclasses
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from centrabert.modeling.tokenization.bert_tokenizer import BertTokenizer
from centrabert.modeling.tokenization.vocabulary import Vocabulary
from centrabert.modeling.training import token_dataset
from centrabert.modeling.training.token_dataset import (
    Encoded,
    encode,
    sorted_batches,
    training_batches,
    training_plan,
)
from centrabert.modeling.training.trunk_output_file import TrunkOutputFile

Rows = npt.NDArray[np.int64]
LENGTHS = st.lists(st.integers(2, 128), min_size=1, max_size=400).map(np.array)
SIZES, SEEDS = st.integers(1, 37), st.integers(0, 2**31)
MANY = np.random.default_rng(0).integers(5, 128, 9999)


def data_set(rows: list[list[int]], labels: Any = None, padding_id: int = 0) -> Encoded:
    """Rows of these ids; the second half of each is the second segment."""
    segments = [int(place >= len(row) // 2) for row in rows for place in range(len(row))]
    return Encoded(
        tuple(map(str, range(len(rows)))),
        ("",) * len(rows),
        np.array([token for row in rows for token in row], np.int32),
        np.array(segments, np.int32),
        np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64),
        padding_id,
        labels,
    )


ROWS = [[2, 5, 3], [2, 6, 7, 8, 3], [2, 3], [2, 9, 3]]


def same(one: list[Rows], other: list[Rows]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


@given(LENGTHS, SIZES, SEEDS, st.integers(0, 9))
def test_every_row_once_an_epoch(lengths: Rows, batch_size: int, seed: int, epoch: int) -> None:
    """In full batches, one short one at most."""
    plan = training_plan(lengths, batch_size, seed, epoch)
    assert sorted(np.concatenate(plan)) == list(range(len(lengths)))
    full, rest = divmod(len(lengths), batch_size)
    assert sorted(len(batch) for batch in plan) == [rest] * (rest > 0) + [batch_size] * full


@given(LENGTHS, SIZES, SEEDS, st.integers(0, 9))
def test_seed_and_epoch_decide_alone(lengths: Rows, batch_size: int, seed: int, epoch: int) -> None:
    """Not what else draws random numbers."""
    np.random.seed(3)
    one = training_plan(lengths, batch_size, seed, epoch)
    np.random.seed(4)
    assert same(one, training_plan(lengths.copy(), batch_size, seed, epoch))


def test_another_seed_or_epoch_is_another_order() -> None:
    plans = [training_plan(MANY, 32, seed, epoch) for seed in (0, 1, 2) for epoch in (0, 1, 2)]
    assert len({np.concatenate(plan).tobytes() for plan in plans}) == 9


@given(LENGTHS, SIZES, SEEDS, st.integers(0, 99), st.integers(1, 30))
def test_batches_from_a_step_on(lengths: Rows, batch_size: int, seed: int, start: int, count: int) -> None:
    """Are those that a run from the first step sees there, over the ends of epochs."""
    resumed = training_batches(lengths, batch_size, seed, start)
    whole = training_batches(lengths, batch_size, seed, 0)
    assert same(list(islice(resumed, count)), list(islice(whole, start, start + count)))


def test_batches_go_through_the_epochs() -> None:
    plans = [training_plan(MANY[:77], 13, 5, epoch) for epoch in range(3)]
    assert same(list(islice(training_batches(MANY[:77], 13, 5, 0), 18)), [b for plan in plans for b in plan])


def padded(plan: list[Rows], lengths: Rows) -> float:
    """Tokens that a model reads for each that is there."""
    return sum(len(batch) * int(lengths[batch].max()) for batch in plan) / int(lengths.sum())


def test_batches_are_of_like_length() -> None:
    """Hardly more padding than when all is sorted, where random batches nearly double the work."""
    shuffled = np.random.default_rng(1).permutation(len(MANY))
    random = [shuffled[start : start + 32] for start in range(0, len(MANY), 32)]
    assert padded(random, MANY) > 1.8
    assert padded(training_plan(MANY, 32, 0, 0), MANY) < 1.03
    assert padded(sorted_batches(MANY, 32), MANY) < 1.005


def test_lengths_come_in_any_order() -> None:
    """Batches are shuffled: an epoch does not run from short to long, within a pool or over all."""
    means = np.array([MANY[batch].mean() for batch in training_plan(MANY, 32, 0, 0)])
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 4 / np.sqrt(len(means))
    assert abs(np.corrcoef(means[1:], means[:-1])[0, 1]) < 4 / np.sqrt(len(means))


def test_rows_of_a_batch_change_from_epoch_to_epoch() -> None:
    """Even where all rows are of one length."""
    ones = np.full(64, 9)
    batches = [frozenset(batch.tolist()) for epoch in (0, 1) for batch in training_plan(ones, 8, 0, epoch)]
    assert len(set(batches)) == 16


@given(LENGTHS, SIZES)
def test_sorted_batches(lengths: Rows, batch_size: int) -> None:
    """Every row once, shortest first, equal ones in their order."""
    order = np.concatenate(sorted_batches(lengths, batch_size))
    assert order.tolist() == sorted(range(len(lengths)), key=lambda row: (lengths[row], row))
    sizes = [len(batch) for batch in sorted_batches(lengths, batch_size)]
    assert set(sizes[:-1]) <= {batch_size}


@given(st.data())
def test_batch_pads_to_its_longest(data: st.DataObject) -> None:
    """Row by row what was put in, and zeros behind it."""
    rows = data.draw(st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=13), min_size=1, max_size=9))
    picked = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=9))
    labels = np.arange(len(rows), dtype=np.int32)
    batch = data_set(rows, labels).batch(np.array(picked))
    longest = max(len(rows[row]) for row in picked)
    expected = [rows[row] + [0] * (longest - len(rows[row])) for row in picked]
    assert batch["input_ids"].tolist() == expected
    halves = [(len(rows[row]) // 2, len(rows[row])) for row in picked]
    segments = [[0] * half + [1] * (end - half) + [0] * (longest - end) for half, end in halves]
    assert batch["segment_ids"].tolist() == segments
    assert batch["labels"].tolist() == picked
    assert {name: array.dtype for name, array in batch.items()} == dict.fromkeys(batch, np.dtype(np.int32))


class Numbered:
    """A feature that says of a row its number, once for every token."""

    def batch(self, rows: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
        return np.repeat(rows[:, None], length, 1)


def test_features() -> None:
    """Labels and others where there are any."""
    picked = np.array([3, 1])
    assert data_set(ROWS).batch(picked).keys() == {"input_ids", "segment_ids"}
    scores = np.array([0.5, 1, 2, 4], np.float32)
    rows = data_set(ROWS, scores).with_features({"number": Numbered()})
    batch = rows.batch(picked)
    assert batch["labels"].tolist() == [4, 1]
    assert batch["labels"].dtype == np.float32
    assert batch["number"].tolist() == [[3] * 5, [1] * 5]
    assert rows.padded(7).batch(picked)["number"].tolist() == [[3] * 7, [1] * 7]
    with pytest.raises(ValueError, match="before anything is attached to them"):
        rows.take(picked)


def test_rows_without_a_label_stand_behind_those_with_one() -> None:
    """Their labels mean nothing, and whoever reads labels is told."""
    scores = np.array([0.5, 1, 2], np.float32)
    rows = data_set(ROWS[:3], scores).with_unlabelled(data_set([ROWS[3], ROWS[0]]))
    assert (len(rows), rows.lengths.tolist()) == (5, [3, 5, 2, 3, 3])
    batch = rows.batch(np.array([4, 2, 3]))
    whole = data_set([*ROWS, ROWS[0]], np.arange(5, dtype=np.float32)).batch(np.array([4, 2, 3]))
    for name in ("input_ids", "segment_ids"):
        np.testing.assert_array_equal(batch[name], whole[name])
    assert batch["labelled"].tolist() == [0, 1, 0] and batch["labels"][1] == 2
    assert "labelled" not in data_set(ROWS, np.zeros(4)).batch(np.array([0]))
    with pytest.raises(ValueError, match="before anything is attached to them"):
        rows.take(np.array([0]))


def test_batches_are_padded_on_request(tmp_path: Path) -> None:
    """Also what the trunk said of the tokens, and rows that are taken out."""
    tokens = np.arange(13 * 2, dtype=np.float32).reshape(13, 2)
    np.save(tmp_path / "trunk.npy", tokens)
    rows = data_set(ROWS).padded(7)
    batch = rows.with_trunk_output(TrunkOutputFile(tmp_path / "trunk.npy")).batch(np.array([2, 3]))
    assert batch["input_ids"].tolist() == [[2, 3, *[0] * 5], [2, 9, 3, *[0] * 4]]
    assert batch["segment_ids"].tolist() == [[0, 1, *[0] * 5], [0, 1, 1, *[0] * 4]]
    assert batch["trunk_output"].shape == (2, 7, 2)
    np.testing.assert_array_equal(batch["trunk_output"][0], [*tokens[8:10], *[[0, 0]] * 5])
    assert rows.take(np.array([1])).batch(np.array([0]))["input_ids"].shape == (1, 7)
    assert data_set(ROWS).padded(3).batch(np.array([1]))["input_ids"].shape == (1, 5)
    assert rows.digest == data_set(ROWS).digest


def test_sizes() -> None:
    rows = data_set(ROWS)
    assert len(rows) == 4
    assert rows.lengths.tolist() == [3, 5, 2, 3]


def test_digest() -> None:
    """Of all that decides training: ids, segments, where rows end, labels."""
    labels = np.array([0, 1, 1, 0], np.int32)
    one = data_set(ROWS, labels)
    others = [
        data_set(ROWS),
        data_set(ROWS, np.array([0, 1, 0, 1], np.int32)),
        data_set(ROWS, labels.astype(np.float32)),
        data_set([[2, 4, 3], *ROWS[1:]], labels),
        data_set([*ROWS[1:], ROWS[0]], labels),
        data_set(ROWS[:3], labels[:3]),
        dataclasses.replace(one, offsets=np.array([0, 3, 8, 11, 13])),
        dataclasses.replace(one, segment_ids=np.zeros_like(one.segment_ids)),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 1 + len(others)
    assert data_set(ROWS, labels.copy()).digest == one.digest


def test_digest_is_of_the_student_and_its_teacher_alike() -> None:
    """What a teacher says is the teacher's, which has a digest of its own."""
    assert data_set(ROWS).with_features({"number": Numbered()}).digest == data_set(ROWS).digest


TOKENIZER = BertTokenizer(Vocabulary(tiny.TOKENS))
TASK = tiny.task("rte", max_seq_length=11)


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_encode_equals_the_tokenizer(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row by row, truncated and without padding; however many texts are tokenised at once."""
    monkeypatch.setattr(token_dataset, "CHUNK", chunk)
    text_a, text_b = [*tiny.TEXT_A, "[PAD] [MASK]", "日本"], [*tiny.TEXT_B, " ", ""]
    labels = np.array([0, 1, 0, 1, 1, 0, 1], np.int32)
    rows = encode(TOKENIZER, TASK, text_a, text_b, labels)
    assert (len(rows), rows.text_a, rows.text_b) == (7, tuple(text_a), tuple(text_b))
    assert rows.ids.dtype == rows.segment_ids.dtype == np.int32
    assert rows.offsets.dtype == np.int64
    assert rows.lengths.max() == TASK.max_seq_length
    for row, (a, b) in enumerate(zip(text_a, text_b, strict=True)):
        ids, segments = TOKENIZER.encode([a], [b], TASK.max_seq_length)
        batch = rows.batch(np.array([row]))
        assert batch["input_ids"].tolist() == ids.numpy().tolist()
        assert batch["segment_ids"].tolist() == segments.numpy().tolist()
        assert batch["labels"].tolist() == [labels[row]]


@pytest.mark.parametrize("told", [True, False])
def test_texts_of_another_script_are_told(told: bool, warnings: list[str]) -> None:
    """3 of 10 pieces are above a fifth, 1 of 7 is not."""
    encode(TOKENIZER, TASK, ["the dog eats 日本 좋은" if told else "the dog", "one two"], ["", "good film"])
    encode(TOKENIZER, TASK, ["the dog eats 좋은"], ["the cat is"])
    assert (
        warnings
        == [
            "task rte: 3 of the 10 pieces of its texts are unknown to the vocabulary, and all of these are "
            "the same to the model; is this BERT one for such texts, and is do_lower_case=true right for it?"
        ]
        * told
    )


def test_a_batch_is_what_serving_tokenises() -> None:
    """All texts at once: the same ids, segments and padding as the tokenizer's own."""
    rows = encode(TOKENIZER, TASK, tiny.TEXT_A, tiny.TEXT_B)
    batch = rows.batch(np.arange(len(rows)))
    ids, segments = TOKENIZER.encode(tiny.TEXT_A, tiny.TEXT_B, TASK.max_seq_length)
    assert np.array_equal(batch["input_ids"], ids.numpy())
    assert np.array_equal(batch["segment_ids"], segments.numpy())


def test_padding_is_the_tokenizers() -> None:
    """Where 0 is a token and 1 pads, as in XLM-RoBERTa."""
    rows = data_set([[0, 5, 2], [0, 2]], padding_id=1)
    for each in (rows, rows.take(np.array([0, 1]))):
        assert each.batch(np.arange(2))["input_ids"].tolist() == [[0, 5, 2], [0, 2, 1]]
        assert each.padded(4).batch(np.array([1]))["input_ids"].tolist() == [[0, 2, 1, 1]]
    tokens = (*tiny.TOKENS[1:5], "[PAD]", *tiny.TOKENS[5:])  # id 4 is padding, and 0 is [UNK]
    tokenizer = BertTokenizer(Vocabulary(tokens))
    encoded = encode(tokenizer, TASK, ["日本 one", "one"], ["", ""])
    assert encoded.lengths.tolist() == [5, 3]
    assert encoded.batch(np.arange(2))["input_ids"][:, 3:].tolist()[1] == [4, 4]
