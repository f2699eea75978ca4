"""The metrics of tagging equal seqeval's, on random tags and on what is cut off."""

import random

import numpy as np
import pytest
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2, IOBES

from centrabert.errors import UserError
from centrabert.glue_data.metrics import score
from centrabert.glue_data.tag_metrics import named_tags, tag_metric
from centrabert.modeling.kinds.tag_scheme import strict_spans, tag_labels, tags_of

LABELS = {
    "bio": tag_labels(["city", "date-from"], "bio"),
    "iobes": tag_labels(["city", "date-from"], "iobes"),
}


def drawn(names: tuple[str, ...], seed: int, rows: int = 40) -> tuple[list[list[str]], list[list[str]]]:
    draw = random.Random(seed)  # noqa: S311 (no secret)
    truth = [draw.choices(names, k=draw.randint(1, 9)) for _ in range(rows)]
    guess = [[tag if draw.random() < 0.7 else draw.choice(names) for tag in tags] for tags in truth]
    return truth, guess


@pytest.mark.parametrize("scheme", LABELS)
@pytest.mark.parametrize("seed", range(20))
def test_f1_is_that_of_seqeval(scheme: str, seed: int) -> None:
    truth, guess = drawn(LABELS[scheme], seed)
    assert tag_metric("entity_f1", truth, guess) == pytest.approx(f1_score(truth, guess))
    oracle = {"bio": IOB2, "iobes": IOBES}[scheme]
    strict = f1_score(truth, guess, mode="strict", scheme=oracle, zero_division=0)
    assert tag_metric("strict_entity_f1", truth, guess) == pytest.approx(strict)


@pytest.mark.parametrize("scheme", LABELS)
def test_f1_of_few_rows_is_that_of_seqeval(scheme: str) -> None:
    """Of true tags that obey their scheme, as those of a file do, and may be outside all."""
    oracle = {"bio": IOB2, "iobes": IOBES}[scheme]
    for seed in range(200):
        truth, guess = drawn(LABELS[scheme], seed, rows=1 + seed % 3)
        truth = [list(tags_of(strict_spans(tags, scheme), len(tags), scheme)) for tags in truth]
        for name, how in (("entity_f1", {}), ("strict_entity_f1", {"mode": "strict", "scheme": oracle})):
            wanted = f1_score(truth, guess, **how, zero_division=0)
            assert tag_metric(name, truth, guess) == pytest.approx(wanted), (truth, guess)


def test_what_was_cut_off_is_missed() -> None:
    """And what was predicted behind the last word, which is padding, counts for nothing."""
    names = ("O", "B-x", "I-x")
    labels = np.array([[1, 2, 0, 1], [0, 1, -1, -1]])
    predictions = np.array([[1, 2, -1], [0, 1, 1]])
    truth, guess = named_tags(labels.tolist(), predictions.tolist(), names)
    assert truth == [["B-x", "I-x", "O", "B-x"], ["O", "B-x"]]
    assert guess == [["B-x", "I-x", "O", "O"], ["O", "B-x"]]
    found = score(["entity_f1", "strict_entity_f1", "tag_accuracy"], labels, predictions, names)
    assert found == {"entity_f1": 0.8, "strict_entity_f1": 0.8, "tag_accuracy": 5 / 6}


def test_a_stray_inside_is_an_entity_by_default_and_none_strictly() -> None:
    truth, guess = [["B-x", "I-x"]], [["I-x", "I-x"]]
    assert (tag_metric("entity_f1", truth, guess), tag_metric("strict_entity_f1", truth, guess)) == (1.0, 0.0)


def test_without_entities_f1_is_0() -> None:
    assert tag_metric("entity_f1", [["O"]], [["O"]]) == tag_metric("strict_entity_f1", [[]], [[]]) == 0.0


def test_rows_must_agree() -> None:
    with pytest.raises(UserError, match="there are 1 rows of labels and 2 of predictions"):
        score(["entity_f1"], np.zeros([1, 1], int), np.zeros([2, 1], int), ("O", "B-x"))
