"""Names and numbers of the original code's checkpoints, and what is refused of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from original_files import branch_tensors, write_checkpoint

from centrabert.errors import UserError
from centrabert.modeling import checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.migration.original_checkpoint import NEVER, OriginalCheckpoint
from centrabert.modeling.migration.original_names import find_branch, head_labels, partition
from centrabert.modeling.task import TaskSpec

RTE = tiny.task("rte", labels=("yes", "no"))
SLOTS = tiny.task("slots", "tagging", labels=("O", "B-b", "I-b", "B-a", "I-a"), split="characters")
STUDENT = branch_tensors("student/rte", [2], 2)
TEACHER = branch_tensors("rte", [2, 3, 4], 2)
OTHER = branch_tensors("rte2", [4], 3)
TAGGING = branch_tensors("qq-tagging", [3, 4], 7, softmax=True)
NAMES = [
    *STUDENT,
    *TEACHER,
    *OTHER,
    *TAGGING,
    "bert/pooler/dense/bias",
    "rte/output_bias/adam_m",
    "global_step",
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.bert_folder(tmp_path_factory.mktemp("original") / "base")


@pytest.fixture(scope="module")
def prefix(base: Path) -> Path:
    return write_checkpoint(base.parent / "model.ckpt-382", base, STUDENT, TEACHER, OTHER, TAGGING)


def test_every_variable_belongs_to_one_branch_or_the_trunk() -> None:
    branches = partition(NAMES, "f")
    assert branches.keys() == {"student/rte", "rte", "rte2", "qq-tagging"}
    assert {f"{scope}/{name}" for scope, names in branches.items() for name in names} == {
        *STUDENT,
        *TEACHER,
        *OTHER,
        *TAGGING,
    }


@pytest.mark.parametrize(
    "name",
    ["bert/encoder/layer_0/adapter/kernel", "rte/adapter", "loss", "rte/output_weights/alpha", "student/x/y"],
)
def test_what_belongs_to_nothing_is_named(name: str) -> None:
    with pytest.raises(UserError, match=f"^f: is no checkpoint .* belongs {name}$"):
        partition([*NAMES, name], "f")


def test_layers_keep_their_numbers() -> None:
    found = find_branch(NAMES, "rte", RTE, "f")
    assert (found.frozen, found.tuned) == (2, 3)
    assert (
        found.names["bert/encoder/layer_4/output/dense/bias"] == "rte/bert/encoder/layer_4/output/dense/bias"
    )
    assert found.names["output_bias"] == "rte/output_bias"
    assert len(found.names) == len(TEACHER)
    found = find_branch(NAMES, "qq-tagging", SLOTS, "f")
    assert (found.frozen, found.tuned) == (3, 2)
    assert found.names["output_weights"] == "qq-tagging/softmax/project_output_weights"


@pytest.mark.parametrize(
    ("names", "scope", "task", "reason"),
    [
        (NAMES, "rt", RTE, "has no branch 'rt'; it has qq-tagging, rte, rte2, student/rte$"),
        (["global_step"], "rte", RTE, "has no branch 'rte'; it has none at all$"),
        ([*NAMES, "rte/crf/crf_transitions"], "rte", RTE, "rte/crf/crf_transitions: is part of a CRF"),
        ([*NAMES, "rte/cnn/conv1d/bias"], "rte", RTE, "rte/cnn/conv1d/bias: is part of a CNN"),
        ([*NAMES, "rte/combine/combine_weights"], "rte", RTE, "is part of a weighted sum of all layers"),
        (NAMES, "rte", SLOTS, "rte has the head of a classification, but task slots is a tagging$"),
        (NAMES, "qq-tagging", RTE, "has the head of a tagging, but task rte is a classification$"),
        (["rte/output_weights", "rte/output_bias"], "rte", RTE, "rte has no layer of its own"),
        ([*NAMES, "rte2/bert/encoder/layer_2/output/dense/bias"], "rte2", RTE, r"the layers \[2, 4\], which"),
        (
            NAMES,
            "rte",
            tiny.task("rte", "regression"),
            "a regression cannot be imported, only classification",
        ),
    ],
)
def test_what_is_no_branch_of_the_task(names: Sequence[str], scope: str, task: TaskSpec, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        find_branch(names, scope, task, "f")


def test_labels_are_sorted_there() -> None:
    assert head_labels(tiny.task("x", labels=("b", "a", "O", "B"))) == ("O", "B", "a", "b")
    assert head_labels(SLOTS) == ("O", "B-a", "B-b", "I-a", "I-b", "[CLS]", "[SEP]")


def test_values_of_a_classification(prefix: Path) -> None:
    """Bit for bit; the rows of the head in the order of the task's labels."""
    branch, owned = OriginalCheckpoint(prefix, RTE).read("rte", tiny.CONFIG)
    assert owned.keys() == branch.owned_shapes(tiny.CONFIG).keys()
    for name, array in owned.items():
        theirs = TEACHER[f"rte/{name}"]
        assert np.array_equal(array, theirs[::-1] if name.startswith("output_") else theirs), name
    same = OriginalCheckpoint(prefix, RTE, ("yes", "no")).read("rte", tiny.CONFIG)[1]
    assert np.array_equal(same["output_weights"], TEACHER["rte/output_weights"])


def test_values_of_a_tagging(prefix: Path) -> None:
    """Without [CLS] and [SEP]; a tag that the checkpoint does not know is never given."""
    original = OriginalCheckpoint(prefix, SLOTS)
    owned = original.read("qq-tagging", tiny.CONFIG)[1]
    weights, bias = (TAGGING[f"qq-tagging/softmax/project_output_{name}"] for name in ("weights", "bias"))
    assert np.array_equal(owned["output_weights"], weights[:, [0, 2, 4, 1, 3]].T)
    assert np.array_equal(owned["output_bias"], bias[[0, 2, 4, 1, 3]])
    assert [note.partition(" are")[0] for note in original.notes()] == ["the tags [CLS] and [SEP]"]
    more = tiny.task("slots", "tagging", labels=(*SLOTS.labels, "B-c", "I-c"))
    original = OriginalCheckpoint(prefix, more, head_labels(SLOTS))
    padded = original.read("qq-tagging", tiny.CONFIG)[1]
    assert np.array_equal(padded["output_weights"][:5], owned["output_weights"])
    assert not padded["output_weights"][5:].any()
    assert padded["output_bias"].tolist() == [*owned["output_bias"].tolist(), NEVER, NEVER]
    assert "never gives the tags B-c, I-c" in original.notes()[1]


@pytest.mark.parametrize(
    ("task", "labels"),
    [(RTE, ("yes", "maybe")), (RTE, ("yes",)), (RTE, ("yes", "no", "no")), (SLOTS, ("O", "B-z"))],
)
def test_labels_of_another_head(task: TaskSpec, labels: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match=f"--head_labels={','.join(labels)}: wanted each of"):
        OriginalCheckpoint(Path("x"), task, labels)


def test_another_number_of_labels(prefix: Path) -> None:
    with pytest.raises(
        UserError, match="rte2/output_weights is for 3 labels, but there are 2: no, yes; name"
    ):
        OriginalCheckpoint(prefix, RTE).read("rte2", tiny.CONFIG)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rte/bert/pooler/dense/bias": None}, "branch rte: does not fit: missing: bert/pooler/dense/bias$"),
        (
            {"rte/bert/pooler/dense/bias": np.zeros(3, np.float32)},
            r"other shape: bert/pooler/dense/bias is \[3\], wanted \[32\]$",
        ),
        ({"rte/output_bias": np.zeros(2)}, "not float32: rte/output_bias$"),
    ],
)
def test_a_branch_must_be_whole(change: dict[str, Any], reason: str, base: Path, tmp_path: Path) -> None:
    changed = {name: array for name, array in {**TEACHER, **change}.items() if array is not None}
    prefix = tmp_path / "model.ckpt-1"
    checkpoint.write(prefix, changed)
    with pytest.raises(UserError, match=reason):
        OriginalCheckpoint(prefix, RTE).read("rte", tiny.CONFIG)


def test_a_trunk_that_differs_in_one_value(base: Path, prefix: Path, tmp_path: Path) -> None:
    """At or below the branch's depth it is refused, with the lowest variable and the difference."""
    bert = BertFolder.at(base)
    tensors = bert.read()
    original = OriginalCheckpoint(tmp_path / "model.ckpt-1", RTE)
    tensors["bert/encoder/layer_2/output/dense/kernel"][3, 4] += 1  # the branch's own
    tensors["bert/encoder/layer_1/output/dense/bias"][5] += 0.25
    tensors["bert/encoder/layer_0/intermediate/dense/bias"][2] -= 0.5
    checkpoint.write(original.prefix, tensors)
    branch, _ = OriginalCheckpoint(prefix, RTE).read("student/rte", tiny.CONFIG)
    shared = branch.shared_names(tiny.CONFIG)
    with pytest.raises(
        UserError, match=r"layer_0/intermediate/dense/bias differs by up to 0\.5; give the BERT"
    ):
        original.check_trunk(shared, bert)
    tensors.update(bert.read([name for name in shared if "layer" in name or "emb" in name]))
    checkpoint.write(original.prefix, tensors)
    assert original.check_trunk(shared, bert) == {name: bert.digests[name] for name in shared}
    with pytest.raises(UserError, match="lacks the variables bert/encoder/layer_7/"):
        original.check_trunk(["bert/encoder/layer_7/output/dense/bias"], bert)
