"""Dev where there is no file for it: which rows of train it is made of."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from test_declared_task import task

from centrabert.errors import UserError
from centrabert.glue_data.declared.declaration import Declaration
from centrabert.glue_data.declared.dev_split import dev_rows, rarest_labels
from centrabert.glue_data.declared.split_files import split_files


def test_dev_is_made_of_train(tmp_path: Path) -> None:
    rows = [f"text {row}\t{'abc'[row % 3 if row < 30 else 0]}" for row in range(40)]
    own = task(tmp_path, {"train.tsv": "\n".join(["text\tlabel", *rows, "last\tonce"])}, dev_fraction=0.2)
    train, dev = own.read("train"), own.read("dev")
    assert train.labels and dev.labels and not set(train.text_a) & set(dev.text_a)
    assert sorted([*train.text_a, *dev.text_a]) == sorted([*(row.split("\t")[0] for row in rows), "last"])
    assert {label: dev.labels.count(label) for label in own.labels} == {"a": 4, "b": 2, "c": 2, "once": 0}
    assert own.labels == ("a", "b", "c", "once")
    assert task(tmp_path, {}, train=own.splits["train"], dev_fraction=0.2).read("dev") == dev  # always these


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.34, 0.5, 0.99])
def test_dev_rows_are_stratified(fraction: float) -> None:
    strata = [label for label, rows in zip("abcde", (1, 2, 7, 40, 150), strict=True) for _ in range(rows)]
    labels = [(stratum,) for stratum in strata]
    rows = dev_rows(labels, fraction)
    assert (
        rows.tolist() == sorted(set(rows.tolist())) and dev_rows(labels, fraction).tolist() == rows.tolist()
    )
    chosen = [strata[row] for row in rows]
    for label in "abcde":
        share = fraction * strata.count(label)
        assert abs(chosen.count(label) - share) < 2 and chosen.count(label) < strata.count(label)
    assert len(rows) == min(round(fraction * 200), 195)


def test_dev_has_a_like_share_of_each_of_several_labels(tmp_path: Path) -> None:
    """Though hardly two rows have the same labels."""
    random = np.random.default_rng(0)
    chances = np.array([0.5, 0.3, 0.2, 0.1, 0.05, 0.02])
    rows = random.random([1000, len(chances)]) < chances
    lines = [
        f"{row}\t{','.join('abcdef'[each] for each in np.flatnonzero(rows[row]))}" for row in range(1000)
    ]
    content = "\n".join(["text\tlabel", *lines]) + "\n"
    own = task(tmp_path, {"train.tsv": content}, kind="multilabel", dev_fraction=0.2)
    dev = own.read("dev")
    assert dev.labels and len(dev.labels) == 200
    counts = np.array([sum(label in row for row in dev.labels) for label in "abcdef"])
    assert np.abs(counts / rows.sum(0) - 0.2).max() < 0.07, counts


def test_a_row_of_many_labels_is_of_the_rarest() -> None:
    assert rarest_labels([("a", "b"), ("a",), ("b", "c", "a"), (), ("b", "a")]) == ["b", "a", "c", "", "b"]


def test_dev_has_a_like_share_of_each_type_and_of_large_and_small_scores(tmp_path: Path) -> None:
    types = ["once"] + ["some"] * 10 + [""] * 9
    lines = [json.dumps({"query": "ab", "tags": [f"B-{of}" if of else "O", "O"]}) for of in types]
    tagging = task(
        tmp_path,
        {"train.jsonl": "\n".join(lines) + "\n"},
        kind="tagging",
        format="centrabert",
        dev_fraction=0.2,
    )
    dev = tagging.read("dev").labels
    assert dev and sorted(tags[0] for tags in dev) == ["B-some", "B-some", "O", "O"]
    scores = [f"{row}\t{(row * 37) % 100}" for row in range(100)]
    content = "\n".join(["text\tlabel", *scores]) + "\n"
    regression = task(tmp_path, {"train.tsv": content}, kind="regression", dev_fraction=0.1)
    chosen = regression.read("dev").labels
    assert chosen and sorted(float(score) // 10 for score in chosen) == list(range(10))


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_train_keeps_a_row_of_every_label(fraction: float) -> None:
    """Also of one whose rows are in the strata of others."""
    random = np.random.default_rng(1)
    pairs = [own for each in range(16) for own in ((f"one{each}", f"other{each // 2}"), (f"one{each}",))]
    some = [tuple(random.choice(list("abcdefgh"), random.integers(0, 4), replace=False)) for _ in range(40)]
    labels: list[Sequence[str]] = [*pairs, *some]
    dev = set(dev_rows(labels, fraction).tolist())
    kept = {label for row, own in enumerate(labels) if row not in dev for label in own}
    assert kept == {label for own in labels for label in own}
    assert 0 < len(dev) <= round(fraction * len(labels))


def test_too_few_rows_for_dev() -> None:
    with pytest.raises(UserError, match=r"dev_fraction 0.1 of 3 rows leaves dev without any"):
        dev_rows([("a",), ("a",), ("b",)], 0.1)
    with pytest.raises(UserError, match="each row has a label that no other row has; give a dev file"):
        dev_rows([("a",), ("b",), ("c",)], 0.4)


def test_a_dev_file_is_never_passed_over(tmp_path: Path) -> None:
    (tmp_path / "dev.tsv").touch()
    with pytest.raises(UserError, match=r"dev.tsv: is there, but task mood has a dev_fraction"):
        split_files(Declaration(name="mood", data=tmp_path, dev_fraction=0.1))
    (tmp_path / "dev.tsv").unlink()
    found = split_files(Declaration(name="mood", data=tmp_path, dev_fraction=0.1))
    assert list(found) == ["train", "dev", "test"] and found["dev"] == found["train"]
