"""Branches and branch.json: arithmetic of teachers and students, round trip, and what does not fit."""

import dataclasses
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import RECORD, BranchRecord, dump, read_record
from centrabert.modeling.config import BertConfig
from centrabert.modeling.digest import joint_digest
from centrabert.modeling.task import TaskSpec

CONFIG = BertConfig(
    vocab_size=99,
    hidden_size=32,
    num_hidden_layers=12,
    num_attention_heads=4,
    intermediate_size=37,
    hidden_act="gelu",
    hidden_dropout_prob=0.1,
    attention_probs_dropout_prob=0.1,
    max_position_embeddings=23,
    type_vocab_size=2,
    initializer_range=0.02,
)
TASK = TaskSpec("rte", "classification", ("no", "yes"), pair=True, metric="accuracy")


@pytest.mark.parametrize("tuned", range(1, 13))
def test_teacher(tuned: int) -> None:
    """(N - L, L)."""
    teacher = Branch.teacher(TASK, tuned, 12)
    assert (teacher.frozen, teacher.tuned, teacher.depth) == (12 - tuned, tuned, 12)
    assert not teacher.full_fine_tuning


@pytest.mark.parametrize("tuned", [-1, 0, 13])
def test_teacher_of_more_layers_than_there_are(tuned: int) -> None:
    message = f"--fine_tuning_layers={tuned} is outside 1..12, the layers of this BERT"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Branch.teacher(TASK, tuned, 12)


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_student(layers: int) -> None:
    """(N - L, l), a model of (N - L) + l layers; with l = L it is shaped like its teacher."""
    student = Branch.teacher(TASK, 5, 12).student(layers)
    assert (student.frozen, student.tuned, student.depth) == (7, layers, 7 + layers)
    assert (student == Branch.teacher(TASK, 5, 12)) == (layers == 5)


@pytest.mark.parametrize("layers", [-1, 0, 6, 12])
def test_student_of_more_layers_than_its_teacher(layers: int) -> None:
    message = f"--student_layers={layers} is outside 1..5, the teacher's tuned layers"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Branch.teacher(TASK, 5, 12).student(layers)


def test_full_fine_tuning_owns_everything() -> None:
    """The embeddings too, and so it has no student."""
    full = Branch(TASK, 0, 12, full_fine_tuning=True)
    assert full.shared_names(CONFIG) == []
    assert full.owned_shapes(CONFIG) == full.shapes(CONFIG)
    with pytest.raises(ValueError, match=r"^task rte: full fine-tuning shares no trunk; distil a teacher$"):
        full.student(3)


def test_all_layers_tuned_is_no_full_fine_tuning() -> None:
    """Its embeddings are frozen: a branch like any other."""
    branch = Branch(TASK, 0, 12)
    assert branch.shared_names(CONFIG) == sorted(scopes.embedding_shapes(CONFIG))
    assert branch.student(3).shared_names(CONFIG) == branch.shared_names(CONFIG)


@pytest.mark.parametrize(
    ("frozen", "tuned", "full", "message"),
    [
        (-1, 3, False, "-1 frozen and 3 tuned layers"),
        (3, 0, False, "3 frozen and 0 tuned layers"),
        (3, 9, True, "full fine-tuning freezes no layer, got 3"),
    ],
)
def test_impossible_branches(frozen: int, tuned: int, full: bool, message: str) -> None:
    with pytest.raises(ValueError, match=f"^task rte: {re.escape(message)}$"):
        Branch(TASK, frozen, tuned, full)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize(("frozen", "tuned"), [(0, 12), (0, 1), (3, 2), (11, 1), (9, 2)])
def test_every_variable_is_shared_or_owned(frozen: int, tuned: int, pooling: str) -> None:
    """layer_1 and layer_10 among them; what is above the branch's depth is neither."""
    branch = Branch(dataclasses.replace(TASK, pooling=pooling), frozen, tuned)
    shared, owned = set(branch.shared_names(CONFIG)), set(branch.owned_shapes(CONFIG))
    assert shared == set(scopes.encoder_shapes(CONFIG, frozen))
    layers = {name for i in range(frozen, frozen + tuned) for name in scopes.layer_shapes(CONFIG, i)}
    pooler = set(scopes.pooler_shapes(CONFIG)) if pooling == "cls" else set()
    assert owned == layers | pooler | {"output_weights", "output_bias"}
    assert shared | owned == branch.shapes(CONFIG).keys()
    assert all(branch.owns(name) == (name in owned) for name in shared | owned)


def test_head_has_the_outputs_of_the_task() -> None:
    score = TaskSpec("sim", "regression", (), pair=True, metric="pearson")
    three = dataclasses.replace(TASK, labels=("a", "b", "c"))
    for task, outputs in ((TASK, 2), (three, 3), (score, 1)):
        shapes = Branch(task, 7, 2).owned_shapes(CONFIG)
        assert (shapes["output_weights"], shapes["output_bias"]) == ((outputs, 32), (outputs,))


@pytest.mark.parametrize(
    "branch",
    [Branch(TASK, 7, 2), Branch(TASK, 0, 12, True), Branch(TASK, 0, 1)],
    ids=["student", "full", "one"],
)
def test_round_trip(branch: Branch) -> None:
    assert Branch.from_json(json.loads(json.dumps(branch.to_json()))) == branch


def test_missing_and_unknown_keys() -> None:
    keys = Branch(TASK, 7, 2).to_json()
    for changed in ({**keys, "copied": 1}, {key: keys[key] for key in keys if key != "tuned"}):
        with pytest.raises(ValueError, match=r"^branch: unexpected keys"):
            Branch.from_json(changed)


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
    task = dataclasses.replace(TASK, labels=("schön", "日本", 'a "b"\n'))
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
    "no layer": (edit("branch", "tuned", value=0), "task rte: 7 frozen and 0 tuned layers"),
    "tuned as text": (edit("branch", "tuned", value="2"), ""),
    "pooling": (
        edit("branch", "task", "pooling", value="mean"),
        "the digests are not those of the variables",
    ),
    "the task's name": (edit("branch", "task", "name", value="RTE"), "task name 'RTE' is not of the form"),
    "a label less": (edit("branch", "task", "labels", value=["no"]), "needs two labels or more"),
    "the config": (edit("config", "hidden_size", value=33), "hidden_size 33 is not a multiple of"),
    "the version": (edit("format_version", value=2), "format_version 2, wanted 1"),
    "a new key": (edit("author", value="me"), "missing or unknown keys among"),
    "a key less": (lambda keys: keys.pop("metrics"), "missing or unknown keys among"),
    "no version": (lambda keys: keys.pop("format_version"), "format_version None, wanted 1"),
    "branch is a list": (edit("branch", value=[1]), ""),
    "config is null": (edit("config", value=None), ""),
    "variables is a list": (edit("variables", value=["a"]), ""),
    "trunk is null": (edit("trunk", value=None), ""),
    "a digest is a number": (edit("variables", LAYER, value=7), "was edited"),
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
    with pytest.raises(ValueError, match=r"branch.json: no such file$"):
        read_record(tmp_path)


def test_its_own_base_fits() -> None:
    """With whatever that has above the trunk."""
    base = {**STUDENT.trunk, LAYER: digest("any"), "bert/pooler/dense/bias": digest("any")}
    STUDENT.check_base(base, "bases/uncased")
    RECORDS["full"].check_base({}, "bases/uncased")


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
    message = f"branch rte grew on another BERT than bases/uncased: {names[2]} differs"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        twelve.check_base(base, "bases/uncased")
    with pytest.raises(ValueError, match=f"{WORD} differs$"):
        twelve.check_base({**base, WORD: digest("other")}, "bases/uncased")


def test_reads_its_own_task_and_vocabulary() -> None:
    STUDENT.check_reads(TASK, digest("vocab.txt"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_seq_length": 64}, "was trained with max_seq_length=128, not 64"),
        ({"labels": ("yes", "no")}, "was trained with labels=('no', 'yes'), not ('yes', 'no')"),
        ({"pair": False, "pooling": "mean"}, "was trained with pair=True, pooling='cls', not False, 'mean'"),
    ],
)
def test_another_task_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^branch rte {re.escape(message)}$"):
        STUDENT.check_reads(dataclasses.replace(TASK, **change), digest("vocab.txt"))


def test_another_vocabulary_is_refused() -> None:
    message = "branch rte was trained with another vocabulary or --do_lower_case"
    with pytest.raises(ValueError, match=f"^{message}$"):
        STUDENT.check_reads(TASK, digest("another"))


def test_depth_of_what_is_owned() -> None:
    """Above the frozen layers, pooler and head included."""
    branch = Branch(TASK, 7, 2)
    assert {scopes.depth(name) for name in branch.owned_shapes(CONFIG)} == {8, 9, math.inf}
    assert {scopes.depth(name) for name in branch.shared_names(CONFIG)} == set(range(8))
