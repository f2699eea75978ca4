"""Counts of rows, and the text that shows them."""

import numpy as np
import pytest

from centrabert.glue_data.describe.description import bars, description
from centrabert.glue_data.describe.statistics import (
    SplitStatistics,
    histogram,
    label_counts,
    split_statistics,
    texts_of,
)
from centrabert.glue_data.task_data import Examples
from centrabert.modeling.task import TaskSpec

TRAIN = Examples(("a", "b", "a", " ", "a"), ("", "", "", "", "x"), ("bad", "good", "good", "bad", "bad"))
DEV = Examples(("b", "c"), ("", ""))


def statistics() -> dict[str, SplitStatistics]:
    known = frozenset(texts_of(TRAIN))
    return {
        "train": split_statistics("classification", TRAIN, np.array([3, 5, 3, 2, 9]), 4),
        "dev": split_statistics("classification", DEV, np.array([5, 4]), 4, known),
    }


def test_counts() -> None:
    assert statistics() == {
        "train": SplitStatistics(
            rows=5,
            labels={"bad": 3, "good": 2},
            lengths={"shortest": 2, "median": 3, "90 %": 9, "95 %": 9, "99 %": 9, "longest": 9},
            histogram=(
                (2, 2, 1),
                (3, 3, 2),
                (4, 4, 0),
                (5, 5, 1),
                (6, 6, 0),
                (7, 7, 0),
                (8, 8, 0),
                (9, 9, 1),
            ),
            truncated=2,
            empty=1,
            duplicates=1,
            contradictions=1,
        ),
        "dev": SplitStatistics(
            rows=2,
            labels={},
            lengths={"shortest": 4, "median": 4, "90 %": 5, "95 %": 5, "99 %": 5, "longest": 5},
            histogram=((4, 4, 1), (5, 5, 1)),
            truncated=1,
            empty=0,
            duplicates=0,
            contradictions=0,
            shared=1,
        ),
    }


def test_the_text() -> None:
    task = TaskSpec("mood", "classification", ("bad", "good"), False, "accuracy")
    lines = description(task, statistics()).splitlines()
    assert lines[:14] == [
        "mood: classification, 2 labels",
        "",
        "                      train        dev",
        "rows                      5          2",
        "truncated at 128  2 (40.0%)  1 (50.0%)",
        "empty             1 (20.0%)   0 (0.0%)",
        "duplicates        1 (20.0%)   0 (0.0%)",
        "other label       1 (20.0%)   0 (0.0%)",
        "also in train             -  1 (50.0%)",
        "",
        "train, labels:",
        f"  bad   3  {'#' * 40}",
        f"  good  2  {'#' * 27}",
        "",
    ]
    assert "dev (shortest 4, median 4, 90 % 5, 95 % 5, 99 % 5, longest 5), word pieces:" in lines
    assert "dev, labels:" not in lines
    slots = TaskSpec("slots", "crf_tagging", ("O", "B-x"), False, "entity_f1", split="bert")
    assert description(slots, statistics()).startswith("slots: tagging, crf, 2 labels, words split by bert\n")


def test_many_labels_are_cut() -> None:
    rows = tuple(f"label {number:02}" for number in range(40))
    examples = Examples(rows, ("",) * 40, rows)
    counted = split_statistics("classification", examples, np.arange(3, 43), 128)
    task = TaskSpec("mood", "classification", rows, False, "accuracy")
    text = description(task, {"train": counted})
    assert "label 29" in text and "label 30" not in text and f"  10 more labels  10  {'#' * 40}" in text


@pytest.mark.parametrize(
    ("kind", "labels", "counts"),
    [
        ("multilabel", (("x", "y"), (), ("y",)), {"y": 2, "x": 1, "(no label)": 1}),
        ("crf_tagging", (("B-x", "I-x", "B-y"), ("O",), ("B-x",)), {"x": 2, "y": 1}),
        ("regression", (0.0, 1.0, 5.0), {"0 to 1.66667": 2, "1.66667 to 3.33333": 0, "3.33333 to 5": 1}),
        ("classification", (), {}),
    ],
)
def test_labels_of_every_kind(kind: str, labels: tuple[object, ...], counts: dict[str, int]) -> None:
    assert label_counts(kind, labels) == counts


def test_a_histogram_holds_all_rows_in_ten_bins_at_most() -> None:
    for last in (3, 12, 13, 22, 23, 128, 10_002):
        bins = histogram(np.arange(3, last + 1))
        assert len(bins) <= 10 and sum(rows for _, _, rows in bins) == last - 2
        assert bins[0][0] == 3 and bins[-1][0] <= last <= bins[-1][1]


def test_a_rare_label_has_a_bar_too() -> None:
    assert bars([("often", 4000), ("once", 1), ("never", 0)]) == [
        f"  often  4,000  {'#' * 40}",
        "  once       1  #",
        "  never      0",
    ]
