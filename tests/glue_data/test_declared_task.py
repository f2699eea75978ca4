"""What a declaration reads: texts, labels of every kind, splits; and one line for what it cannot."""

import gzip
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from centrabert.errors import UserError
from centrabert.glue_data.declared.declaration import Declaration
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
        ("train/seq.in.gz", "has train/seq.in; give --data_format=seq"),
        ("train.jsonl", "has train.jsonl, whose first row names no column text: give --text_column"),
        ("data.tsv", "has no file train.tsv, train.csv, train.jsonl, train.conll; give --train_file and"),
    ],
)
def test_what_a_folder_needs_is_told(tmp_path: Path, file: str, way_out: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(gzip.compress(b"a O\n") if file.endswith(".gz") else b"a O\n")
    with pytest.raises(UserError, match=f"there is no task 'mood'; .*; {re.escape(f'{tmp_path} {way_out}')}"):
        find_task("mood", data_dir=tmp_path)


def test_a_folder_in_the_format_of_the_original_code(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text('{"query": "a", "intent": "b"}\n')
    with pytest.raises(UserError, match=r"train.jsonl with the key query; give --data_format=centrabert"):
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
