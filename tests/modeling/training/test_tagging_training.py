"""A CRF learns to tag, with the trunk's outputs read from a cache, and is evaluated as it was chosen."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tiny
import tiny_glue
from tiny_tags import SlotFilling, tagged

from centrabert.errors import UserError
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.training.token_dataset import encode
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.modeling.words.word_places import FIRST_PIECE
from centrabert.task_runner import TaskRunner

HYPERPARAMETERS = dataclasses.replace(tiny_glue.HYPERPARAMETERS, learning_rate=1e-2)


@pytest.fixture(scope="module")
def slots(tmp_path_factory: pytest.TempPathFactory) -> TaskRunner:
    bert = tiny_glue.bert_folder(tmp_path_factory.mktemp("slots") / "bert")
    return TaskRunner(SlotFilling(), BertFolder.at(bert), tiny.MAX_SEQ_LENGTH)


def test_a_crf_learns_to_tag(slots: TaskRunner, tmp_path: Path) -> None:
    hyperparameters = dataclasses.replace(HYPERPARAMETERS, num_train_epochs=10, save_checkpoints_steps=90)
    cache = TrunkCache(tmp_path / "cache", 10**9)
    record = slots.fine_tune(Branch(slots.spec, 1, 1), hyperparameters, tmp_path / "branch", cache)
    assert list((tmp_path / "cache").glob("*.npy"))
    assert record.metrics["entity_f1"] > 0.6  # of O everywhere it is 0
    evaluated = slots.evaluate(tmp_path / "branch", batch_size=3)
    assert evaluated == pytest.approx(record.metrics)
    assert (
        json.loads((tmp_path / "branch" / "branch.json").read_text())["branch"]["task"]["split"]
        == "whitespace"
    )


def test_a_batch_holds_the_first_piece_of_every_word(slots: TaskRunner) -> None:
    """And a sample of rows the words of its own."""
    rows = np.array([3, 0, 17])
    batch = slots.train.batch(rows)
    taken = slots.train.take(rows).batch(np.arange(3))
    for name, array in taken.items():
        np.testing.assert_array_equal(batch[name][:, : array.shape[1]], array)
    tokens = slots.tokenizer.vocabulary.tokens
    for row, text in enumerate(slots.train.text_a[row] for row in rows):
        first = batch["places"][row, :, FIRST_PIECE]
        found = [tokens[batch["input_ids"][row, piece]] for piece in first if piece > 0]
        assert len(found) == len(text.split()) == (batch["labels"][row] >= 0).sum()
        assert all(word.startswith(piece) for word, piece in zip(text.split(), found, strict=True))


def test_the_digest_knows_where_words_stand(slots: TaskRunner) -> None:
    texts, _ = tagged(9, seed=3)
    whitespace, characters = (
        encode(slots.tokenizer, dataclasses.replace(slots.spec, split=split), texts, ("",) * 9)
        for split in ("whitespace", "bert")
    )
    assert whitespace.digest == characters.digest
    spaced = encode(slots.tokenizer, slots.spec, [f" {text}" for text in texts], ("",) * 9)
    assert spaced.pieces_digest == whitespace.pieces_digest
    assert spaced.digest != whitespace.digest


def test_words_without_tags_are_refused_and_those_cut_off_are_told(
    slots: TaskRunner, warnings: list[str]
) -> None:
    labels = np.array([[0, 0], [0, -1]])
    with pytest.raises(
        UserError, match="the text of row 1 has 2 words, with the split whitespace, but 1 tags"
    ):
        encode(slots.tokenizer, slots.spec, ["one two", "one two"], ["", ""], labels)
    encode(slots.tokenizer, slots.spec, ["one " * 15, "two"], ["", ""])
    assert warnings == [
        "task slots: 4 of 16 words, at the end of 1 of 2 texts, are cut off by max_seq_length 13"
    ]
