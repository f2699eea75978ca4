"""branch.json: through the file and back, what an edit breaks, and the base, task and vocabulary that fit."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import RECORD, BranchRecord, read_record
from centrabert.modeling.digest import joint_digest
from centrabert.modeling.formats.json_file import dump

CONFIG = dataclasses.replace(tiny.CONFIG, num_hidden_layers=12, max_position_embeddings=128)
TASK = tiny.task("rte", max_seq_length=128)


def digest(name: str) -> str:
    """Any: 64 hexadecimal digits that only `name` decides."""
    return joint_digest({name: "0"})


def record(branch: Branch, **keys: Any) -> BranchRecord:
    return BranchRecord(
        **{
            "branch": branch,
            "config": CONFIG,
            "trunk": {name: digest(name) for name in branch.shared_names(CONFIG)},
            "variables": {name: digest(name) for name in branch.owned_shapes(CONFIG)},
            "vocabulary_digest": digest("vocab.txt"),
            "do_lower_case": True,
            "metrics": {"accuracy": 0.625},
            "hyperparameters": {"learning_rate": 1e-4, "seed": 3},
            **keys,
        }
    )


RECORDS = {
    "teacher": record(Branch(TASK, 7, 5)),
    "student": record(Branch(TASK, 7, 2), teacher_digest=digest("teacher")),
    "full": record(Branch(TASK, 0, 12, True), do_lower_case=False),
}


@pytest.mark.parametrize("written", RECORDS.values(), ids=RECORDS)
def test_record_round_trip(written: BranchRecord, tmp_path: Path) -> None:
    """Through the file; nothing tells a student from a teacher but its teacher's digest."""
    (tmp_path / RECORD).write_text(dump(written.to_json()), encoding="utf-8")
    assert read_record(tmp_path) == written
    assert json.loads((tmp_path / RECORD).read_text())["format_version"] == 1


def test_labels_are_written_as_they_are(tmp_path: Path) -> None:
    task = dataclasses.replace(TASK, labels=("schön", "日本", 'a "b"'))
    (tmp_path / RECORD).write_text(dump(record(Branch(task, 7, 2)).to_json()), encoding="utf-8")
    assert read_record(tmp_path).branch.task == task
    assert "日本" in (tmp_path / RECORD).read_text(encoding="utf-8")


def test_digests_of_trunk_and_branch() -> None:
    """That of the trunk is equal for all branches that freeze the same layers of the same BERT."""
    teacher, student, full = RECORDS.values()
    assert teacher.trunk_digest == student.trunk_digest
    assert len({teacher.trunk_digest, record(Branch(TASK, 6, 2)).trunk_digest, full.trunk_digest}) == 3
    assert len({teacher.digest, student.digest, full.digest}) == 3


def without(digests: dict[str, str], name: str) -> dict[str, str]:
    return {other: value for other, value in digests.items() if other != name}


WORD, BIAS = "bert/embeddings/word_embeddings", "output_bias"
STUDENT = RECORDS["student"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trunk": without(STUDENT.trunk, WORD)}, "the trunk's digests are not those of 7 layers"),
        ({"trunk": {**STUDENT.trunk, BIAS: digest("")}}, "the trunk's digests are not those of 7 layers"),
        (
            {"variables": without(STUDENT.variables, BIAS)},
            "the digests are not those of the variables it owns",
        ),
        (
            {"variables": {**STUDENT.variables, WORD: digest("")}},
            "the digests are not those of the variables",
        ),
    ],
)
def test_a_record_lacks_no_variable(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^branch rte: {re.escape(message)}"):
        dataclasses.replace(STUDENT, **change)


def edit(*path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(keys: dict[str, Any]) -> None:
        for step in path[:-1]:
            keys = keys[step]
        keys[path[-1]] = value

    return change


LAYER = "bert/encoder/layer_7/output/dense/bias"
EDITED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a digest of the branch": (
        edit("variables", LAYER, value=digest("")),
        "was edited: its digests do not add up",
    ),
    "a digest of the trunk": (edit("trunk", WORD, value=digest("")), "was edited: its digests do not add up"),
    "the joint digest": (edit("digest", value=digest("")), "was edited"),
    "the joint digest of the trunk": (edit("trunk_digest", value=digest("")), "was edited"),
    "frozen": (
        edit("branch", "frozen", value=6),
        "branch rte: the trunk's digests are not those of 6 layers",
    ),
    "tuned": (
        edit("branch", "tuned", value=3),
        "branch rte: the digests are not those of the variables it owns",
    ),
    "no layer": (
        edit("branch", "tuned", value=0),
        "branch rte: the digests are not those of the variables it owns",
    ),
    "adapters above frozen layers": (
        edit("branch", "adapter_size", value=7),
        "these stand still; got 7 layers",
    ),
    "tuned as text": (edit("branch", "tuned", value="2"), "key 'branch.tuned' is '2', wanted a whole number"),
    "frozen without end": (edit("branch", "frozen", value=10**9), "1000000000 frozen and 2 tuned layers are"),
    "layers without end": (edit("config", "num_hidden_layers", value=10**9), "1000000000 is above 1024"),
    "positions without end": (
        edit("branch", "task", "max_seq_length", value=10**9),
        "max_seq_length 1000000000 is above 128, the positions of its BERT",
    ),
    "a metric that is a list": (
        edit("metrics", "accuracy", value=[1]),
        "key 'metrics.accuracy' is [1], wanted a number",
    ),
    "pooling": (
        edit("branch", "task", "pooling", value="mean"),
        "the digests are not those of the variables",
    ),
    "the task's name": (edit("branch", "task", "name", value="RTE"), "task name 'RTE' is not of the form"),
    "a label less": (edit("branch", "task", "labels", value=["no"]), "needs two labels or more"),
    "the config": (edit("config", "hidden_size", value=33), "hidden_size 33 is not a multiple of"),
    "the version": (edit("format_version", value=2), "format_version 2 is newer than 1"),
    "a new key": (edit("author", value="me"), "unknown keys: 'author'"),
    "a key less": (lambda keys: keys.pop("metrics"), "missing keys: 'metrics'"),
    "no version": (lambda keys: keys.pop("format_version"), "has no format_version"),
    "branch is a list": (edit("branch", value=[1]), "key 'branch' is [1], wanted an object"),
    "config is null": (edit("config", value=None), "key 'config' is None, wanted an object"),
    "variables is a list": (edit("variables", value=["a"]), "key 'variables' is ['a'], wanted an object"),
    "trunk is null": (edit("trunk", value=None), "key 'trunk' is None, wanted an object"),
    "a digest is a number": (edit("variables", LAYER, value=7), "output/dense/bias' is 7, wanted a text"),
}


@pytest.mark.parametrize("what", EDITED)
def test_an_edited_record_is_refused(what: str, tmp_path: Path) -> None:
    """With the file's name, whatever was done to it."""
    change, message = EDITED[what]
    keys = STUDENT.to_json()
    change(keys)
    (tmp_path / RECORD).write_text(dump(keys))
    with pytest.raises(ValueError, match=f"^{re.escape(str(tmp_path / RECORD))}: .*{re.escape(message)}"):
        read_record(tmp_path)


def test_no_branch_folder(tmp_path: Path) -> None:
    """Such as a run that is not finished."""
    with pytest.raises(ValueError, match=r"branch.json: no such file: nothing has been trained there"):
        read_record(tmp_path)


def test_its_own_base_fits() -> None:
    """With whatever that has above the trunk."""
    base = {**STUDENT.trunk, LAYER: digest("any"), "bert/pooler/dense/bias": digest("any")}
    STUDENT.check_base(base, CONFIG, "bases/uncased")
    RECORDS["full"].check_base({}, CONFIG, "bases/uncased")


@pytest.mark.parametrize("absent", [False, True])
def test_another_base_is_told_by_its_lowest_variable(absent: bool) -> None:
    """layer_2 lies below layer_10, though not by the alphabet."""
    twelve = record(Branch(TASK, 11, 1))
    names = [
        "bert/encoder/layer_10/attention/self/key/bias",
        "bert/encoder/layer_2/output/dense/bias",
        "bert/encoder/layer_2/attention/output/dense/bias",
    ]
    base = {name: digest("other") if name in names else value for name, value in twelve.trunk.items()}
    if absent:
        base = {name: value for name, value in base.items() if name not in names}
    message = f"branch rte was trained on another BERT than bases/uncased: {names[2]} differs; give the BERT"
    with pytest.raises(ValueError, match=f"^{re.escape(message)} that it was trained on$"):
        twelve.check_base(base, CONFIG, "bases/uncased")
    with pytest.raises(ValueError, match=f": {WORD} differs; give"):
        twelve.check_base({**base, WORD: digest("other")}, CONFIG, "bases/uncased")


@pytest.mark.parametrize("written", RECORDS.values(), ids=RECORDS)
def test_another_config_is_another_base(written: BranchRecord) -> None:
    """The same weights compute something else with it."""
    other = dataclasses.replace(CONFIG, hidden_act="relu")
    message = r"^branch rte was trained on another BERT than bases/uncased: hidden_act 'gelu', not 'relu'; "
    with pytest.raises(ValueError, match=message):
        written.check_base(written.trunk, other, "bases/uncased")


def test_reads_its_own_task_and_vocabulary() -> None:
    STUDENT.check_reads(TASK, digest("vocab.txt"), "uncased/vocab.txt")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_seq_length": 64}, "was trained with max_seq_length=128, not 64"),
        ({"labels": ("yes", "no")}, "was trained with labels=('no', 'yes'), not ('yes', 'no')"),
        ({"pair": False, "pooling": "mean"}, "was trained with pair=True, pooling='cls', not False, 'mean'"),
    ],
)
def test_another_task_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^branch rte {re.escape(message)}; give the flags, or the decl"):
        STUDENT.check_reads(dataclasses.replace(TASK, **change), digest("vocab.txt"), "uncased/vocab.txt")


def test_another_vocabulary_is_refused() -> None:
    message = (
        "branch rte was trained with another vocabulary than cased/vocab.txt, or with another "
        "--do_lower_case; give the vocabulary that it was trained with, and, where there is the flag, "
        "--do_lower_case=true"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        STUDENT.check_reads(TASK, digest("another"), "cased/vocab.txt")
