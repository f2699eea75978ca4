"""What a declaration reads: texts, labels of every kind, splits; and one line for what it cannot."""

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from centrabert.errors import UserError
from centrabert.glue_data.declared.declaration import Declaration
from centrabert.glue_data.declared.dev_split import dev_rows, rarest_labels
from centrabert.glue_data.declared.split_files import split_files
from centrabert.glue_data.declared_task import DeclaredTask
from centrabert.glue_data.task_data import with_declared
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.task_flags import declared_length


def task(folder: Path, files: Mapping[str, str], **keys: Any) -> DeclaredTask:
    """Writes files by their names; those called train, dev and test are the task's, unless `keys` say it."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    given = {name.partition(".")[0]: folder / name for name in files} if "data" not in keys else {}
    return DeclaredTask(Declaration(name="mood", **{**given, **keys}))


TRAIN = "text\tlabel\ngood\t10\nbad\t9\nfine\t9\n"


def test_labels_are_those_of_train_in_order(tmp_path: Path) -> None:
    own = task(tmp_path, {"train.tsv": TRAIN, "dev.tsv": "text\tlabel\nfine\t10\n"})
    assert own.labels == ("9", "10")
    assert own.read("train").labels == ("10", "9", "9")
    assert own.read("dev").text_a == ("fine",) and own.metrics == ("accuracy", "macro_f1")
    words = task(tmp_path, {"train.tsv": "text\tlabel\na\tx 1/2\nb\tX\nc\t10\n"})
    assert words.labels == ("10", "X", "x 1/2")


@pytest.mark.parametrize(
    ("files", "keys", "message"),
    [
        (
            {"dev.tsv": "text\tlabel\nfine\t11\n"},
            {},
            "dev.tsv:2: label '11' is none of those that train has: '9', '10'; declare all labels if",
        ),
        (
            {"test.tsv": "text\tlabel\nfine\t11\n"},
            {},
            "test.tsv:2: label '11' is none of those that train has",
        ),
        (
            {},
            {"labels": ("9", "8")},
            "train.tsv:2: label '10' is none of those that the task declares: '9', '8'",
        ),
        ({"train.tsv": "text\tlabel\na\tx\nb\tx\n"}, {}, "train.tsv: every row has the label 'x'"),
        (
            {"train.tsv": "text\tlabel\na\tx\nb\t\n"},
            {},
            "train.tsv:3: label is empty; give every row a label",
        ),
        (
            {"train.tsv": "text\tlabel\na\tx\nb\t y\n"},
            {},
            "train.tsv:3: label ' y' has white space around it",
        ),
        ({"train.tsv": "text\ta\nb\tx\n"}, {}, "train.tsv:1: there is no column 'label', only 'text', 'a'"),
        ({}, {"text": "0"}, "of text '0' and label 'label' only one is a number"),
        (
            {"train.jsonl": '{"text": "a", "label": null}\n'},
            {},
            "train.jsonl:1: label is missing, not a text",
        ),
        ({"train.jsonl": '{"text": 1, "label": "x"}\n'}, {}, "train.jsonl:1: text is 1, not a text"),
        ({"train.jsonl": '{"text": "a", "label": 0.5}\n'}, {}, "train.jsonl:1: label is 0.5, not a text"),
        (
            {"train.tsv": "text\tlabel\na\tx\n"},
            {"kind": "regression"},
            "train.tsv:2: label 'x' is not a number",
        ),
        ({"train.tsv": "text\tlabel\na\t1\nb\t1\n"}, {"kind": "regression"}, "every row has the label 1.0"),
        (
            {"train.tsv": "text\tlabel\na\tx,x\n"},
            {"kind": "multilabel"},
            "train.tsv:2: label has the label 'x' tw",
        ),
        ({"train.tsv": "text\tlabel\na\t\n"}, {"kind": "multilabel"}, "no row has a label"),
        (
            {"train.tsv": "text\tlabel\na\ty,x\nb\ty,x\n"},
            {"kind": "multilabel"},
            "train.tsv: every row has the same labels: 'y', 'x'; there is nothing to learn",
        ),
        (
            {"train.tsv": "text\tlabel\na\tx\nb\ty\x01z\n"},
            {},
            "train.tsv:3: label 'y\\x01z' holds the control character '\\x01'; remove it",
        ),
        (
            {"train.csv": 'text,label\na,x\nb,"y\nz"\n'},
            {},
            "train.csv:3: label 'y\\nz' holds the control character '\\n'",
        ),
        (
            {"train.jsonl": f'{{"text": "a", "label": 1{"0" * 400}}}\n'},
            {"kind": "regression"},
            "train.jsonl:1: label is 10000000",
        ),
        ({}, {"train": Path("none.tsv")}, "none.tsv: no such file, train of task mood"),
        ({}, {"class_weights": ("9:1",)}, "task mood: class_weights: '10' has no weight; give one for each"),
        ({}, {"class_weights": ("9:1", "10:2", "8:1")}, "class_weights: '8' is no label of the task"),
        ({"train.conll": "a\tO\n"}, {}, "train.conll: format: CoNLL columns have a tag for each word"),
        ({}, {"kind": "tagging", "columns": {"word": 1}}, "train.tsv: columns: is for CoNLL files"),
        ({}, {"dev_fraction": 0.1}, "train.tsv: dev_fraction 0.1 of 3 rows leaves dev without any; raise it"),
        ({}, {"metric": "f1", "labels": ("9", "10", "11")}, "metric 'f1' is for two labels"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, files: dict[str, str], keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        own = task(tmp_path, files if "train" in "".join(files) else {"train.tsv": TRAIN, **files}, **keys)
        _ = own.labels
        for split in own.splits:
            own.read(split)


def test_files_without_a_header_have_numbers_for_columns(tmp_path: Path) -> None:
    own = task(tmp_path, {"train.csv": 'x,"a, b",c\ny,d,\n'}, text="1", text_b="2", label="0")
    examples = own.read("train")
    assert (examples.text_a, examples.text_b, examples.labels) == (("a, b", "d"), ("c", ""), ("x", "y"))
    assert own.pair


def test_a_test_file_may_have_labels(tmp_path: Path) -> None:
    own = task(tmp_path, {"train.tsv": TRAIN, "test.tsv": "text\na\n"})
    assert own.read("test").labels is None
    (tmp_path / "test.tsv").write_text("text\tlabel\na\t\nb\t\n")
    assert task(tmp_path, {}, train=own.splits["train"], test=own.splits["test"]).read("test").labels is None


def test_json_has_labels_of_every_form(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": ["x", "y"]}, {"text": "b", "label": []}, {"text": "c", "label": "y, z"}]
    content = "".join(f"{json.dumps(row)}\n" for row in rows)
    own = task(tmp_path, {"train.jsonl": content}, kind="multilabel")
    assert own.labels == ("x", "y", "z")
    assert own.read("train").labels == (("x", "y"), (), ("y", "z"))
    numbers = '{"text": "a", "label": 1}\n{"text": "b", "label": true}\n'
    assert task(tmp_path, {"train.jsonl": numbers}).read("train").labels == ("1", "true")
    scores = '{"text": "a", "label": 1}\n{"text": "b", "label": "-2.5e1"}\n'
    assert task(tmp_path, {"train.jsonl": scores}, kind="regression").read("train").labels == (1.0, -25.0)


def test_labels_of_several_that_train_never_had_are_left_out_and_told(
    tmp_path: Path, warnings: list[str]
) -> None:
    files = {"train.tsv": "text\tlabel\na\tx\nb\ty\n", "dev.tsv": "text\tlabel\na\tx\nb\tz,y\nc\tz\n"}
    own = task(tmp_path, files, kind="multilabel")
    assert own.read("dev").labels == (("x",), ("y",), ())
    assert warnings == [
        f"{tmp_path}/dev.tsv: 2 labels that train never had, which are left out, the first is 'z' on line 3"
    ]
    with pytest.raises(UserError, match=r"dev.tsv:3: label 'z' is none of those that the task declares"):
        task(tmp_path, files, kind="multilabel", labels=("x", "y")).read("dev")


def test_labels_of_a_branch_take_the_place_of_trains(tmp_path: Path) -> None:
    own = task(tmp_path, {"train.tsv": TRAIN, "dev.tsv": "text\tlabel\na\t11\n"})
    assert own.with_labels(("9", "11")).read("dev").labels == ("11",)
    declared = task(tmp_path, {"train.tsv": TRAIN}, labels=("9", "10"))
    assert declared.with_labels(("9", "11")).labels == ("9", "10")


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


def test_a_folder_has_files_of_fixed_names(tmp_path: Path) -> None:
    for name in ("train.jsonl.gz", "dev.csv", "dev.tsv"):
        (tmp_path / name).touch()
    found = split_files(Declaration(name="mood", data=tmp_path))
    assert {split: path.name for split, path in found.items()} == {
        "train": "train.jsonl.gz",
        "dev": "dev.tsv",
        "test": "test.tsv",
    }
    (tmp_path / "valid").mkdir()
    snips = split_files(Declaration(name="mood", data=tmp_path, format="seq"))
    assert snips == {"train": tmp_path / "train", "dev": tmp_path / "valid", "test": tmp_path / "test"}


def test_what_is_declared_of_training_takes_the_place_of_what_is_off(tmp_path: Path) -> None:
    own = task(tmp_path, {"train.tsv": TRAIN}, class_weights=("9:1", "10:2"), label_smoothing=0.1)
    hyper = with_declared(own, Hyperparameters(seed=3, label_smoothing=0.2))
    assert hyper == Hyperparameters(seed=3, label_smoothing=0.2, class_weights=("9:1", "10:2"))


def test_nothing_is_declared_of_a_task_of_glue(tmp_path: Path) -> None:
    glue, hyper = find_task("rte", data_dir=tmp_path), Hyperparameters(class_weights=("balanced",))
    assert with_declared(glue, hyper) == hyper and declared_length(glue) == 128
    assert glue.with_labels(("a", "b")) is glue
    own = task(tmp_path, {"train.tsv": TRAIN}, max_seq_length=7)
    assert declared_length(own) == 7


def test_what_decides_a_training_is_told(tmp_path: Path) -> None:
    keys: list[dict[str, Any]] = [
        *({}, {"metric": "matthews"}, {"labels": ("9", "10")}, {"label_smoothing": 0.1}),
        {"class_weights": ("balanced",)},
    ]
    assert len({task(tmp_path, {"train.tsv": TRAIN}, **each).declared for each in keys}) == len(keys)


@pytest.mark.parametrize(
    ("file", "way_out"),
    [
        ("train.conll.gz", "has train.conll.gz; give --kind=tagging"),
        ("train/seq.in", "has train/seq.in; give --data_format=seq"),
        ("train.json", "has train.json, whose first row names no column text: give --text_column"),
        ("data.tsv", "has no file train.tsv, train.csv, train.jsonl, train.conll; give --train_file and"),
    ],
)
def test_what_a_folder_needs_is_told(tmp_path: Path, file: str, way_out: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(gzip.compress(b"a O\n") if file.endswith(".gz") else b"a O\n")
    with pytest.raises(UserError, match=f"there is no task 'mood'; .*; {re.escape(f'{tmp_path} {way_out}')}"):
        find_task("mood", data_dir=tmp_path)


def test_a_folder_with_text_and_label_is_found_by_any_name(tmp_path: Path) -> None:
    own = task(tmp_path, {"train.tsv": TRAIN, "dev.tsv": TRAIN}, data=tmp_path)
    assert find_task("mood", data_dir=tmp_path) == own and own.read("dev").labels == ("10", "9", "9")
    (tmp_path / "train.tsv").write_text("sentence\tlabel\na\tx\n")
    (tmp_path / "dev.tsv").unlink()
    with pytest.raises(
        UserError,
        match=r"there is no task 'mood'; the tasks are cola, .* has train.tsv, whose first row names",
    ):
        find_task("mood", data_dir=tmp_path)


def test_scores_to_evaluate_on_need_no_train_file(tmp_path: Path) -> None:
    own = task(tmp_path, {"dev.tsv": "text\tlabel\na\t3\n"}, kind="regression")
    assert own.labels == () and own.read("dev").labels == (3.0,)


def test_the_name_of_a_glue_task_is_not_for_a_folder_with_texts(tmp_path: Path) -> None:
    task(tmp_path, {"train.tsv": TRAIN})
    with pytest.raises(UserError, match=r"train\.tsv:1: there is a column text, unlike in .* of GLUE.s rte"):
        find_task("rte", data_dir=tmp_path).read("train")
    (tmp_path / "train.tsv").write_text("gj04\t1\t\tThe text was read.\ngj04\t0\t*\tThe text read.\n")
    assert find_task("cola", data_dir=tmp_path).read("train").text_a[1] == "The text read."
