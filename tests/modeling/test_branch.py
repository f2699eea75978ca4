"""Branches: the arithmetic of teachers and students, and which variables are shared."""

import dataclasses
import json
import math
import re

import pytest
import tiny_config

from centrabert.modeling import scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.task import TaskSpec

CONFIG = dataclasses.replace(tiny_config.CONFIG, num_hidden_layers=12)
TASK = TaskSpec("rte", "classification", ("no", "yes"), pair=True, metric="accuracy")


@pytest.mark.parametrize("tuned", range(13))
def test_teacher(tuned: int) -> None:
    """(N - L, L)."""
    teacher = Branch.teacher(TASK, tuned, 12)
    assert (teacher.frozen, teacher.tuned, teacher.depth) == (12 - tuned, tuned, 12)
    assert not teacher.full_fine_tuning


@pytest.mark.parametrize("tuned", [-1, 13])
def test_teacher_of_more_layers_than_there_are(tuned: int) -> None:
    message = f"--fine_tuning_layers={tuned} is outside 0..12, the layers of this BERT"
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
    """The embeddings too, and so does its student."""
    full = Branch(TASK, 0, 12, full_fine_tuning=True)
    assert full.shared_names(CONFIG) == []
    assert full.owned_shapes(CONFIG) == full.shapes(CONFIG)
    assert full.student(6) == Branch(TASK, 0, 6, full_fine_tuning=True)


def test_a_branch_of_a_head_alone() -> None:
    head = Branch.teacher(TASK, 0, 12)
    assert set(head.owned_shapes(CONFIG)) == {
        *("bert/pooler/dense/kernel", "bert/pooler/dense/bias", "output_weights", "output_bias")
    }
    message = "^task rte: the teacher has a head alone, and no layers to distil$"
    with pytest.raises(ValueError, match=message):
        head.student(1)


def test_all_layers_tuned_is_no_full_fine_tuning() -> None:
    """Its embeddings are frozen: a branch like any other."""
    branch = Branch(TASK, 0, 12)
    assert branch.shared_names(CONFIG) == sorted(scopes.embedding_shapes(CONFIG))
    assert branch.student(3).shared_names(CONFIG) == branch.shared_names(CONFIG)


def test_adapters_own_what_is_beside_the_still_layers() -> None:
    """All layers are its own, and few of their parameters: h = 32, m = 7, two in each of 12 layers."""
    branch = Branch.with_adapters(TASK, 7, CONFIG)
    assert (branch.frozen, branch.tuned, branch.depth, branch.shared_layers) == (0, 12, 12, 12)
    encoder, owned = scopes.encoder_shapes(CONFIG, 12), branch.owned_shapes(CONFIG)
    norms = {name for name in encoder if "LayerNorm" in name and "embeddings" not in name}
    assert set(branch.shared_names(CONFIG)) == encoder.keys() - norms
    assert len(norms) == 12 * 4 and norms <= owned.keys()
    size = {name: math.prod(shape) for name, shape in owned.items()}
    adapters = {name for name in size if "/adapter/" in name}
    assert sum(size[name] for name in adapters) == 12 * 2 * (2 * 32 * 7 + 7 + 32)
    head = {"bert/pooler/dense/kernel", "bert/pooler/dense/bias", "output_weights", "output_bias"}
    assert owned.keys() == norms | adapters | head
    assert owned["bert/encoder/layer_11/attention/output/adapter/down/kernel"] == (32, 7)
    assert owned["bert/encoder/layer_0/output/adapter/up/kernel"] == (7, 32)
    assert {scopes.depth(name) for name in adapters} == set(range(1, 13))


@pytest.mark.parametrize("size", [-1, 0, 33])
def test_adapters_wider_than_the_encoder(size: int) -> None:
    message = f"--adapter_size={size} is outside 1..32, the width of this BERT"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Branch.with_adapters(TASK, size, CONFIG)
    Branch.with_adapters(TASK, 32, CONFIG)


@pytest.mark.parametrize(
    ("branch", "message"),
    [
        ((1, 2, False, 3), "and these stand still; got 1 layers without adapters"),
        ((0, 3, True, 3), "and these stand still; got full fine-tuning"),
        ((0, 3, False, -1), "--adapter_size=-1 is below 0"),
    ],
)
def test_impossible_adapters(branch: tuple[int, int, bool, int], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Branch(TASK, *branch)


def test_adapters_have_no_student() -> None:
    with pytest.raises(
        ValueError, match=r"^task rte: adapters share parameters and no computation: .* 12 lay"
    ):
        Branch.with_adapters(TASK, 7, CONFIG).student(2)


@pytest.mark.parametrize(
    ("frozen", "tuned", "full", "message"),
    [
        (-1, 3, False, "-1 frozen and 3 tuned layers"),
        (0, 0, False, "0 frozen and 0 tuned layers"),
        (3, 9, True, "full fine-tuning freezes no layer, got 3"),
    ],
)
def test_impossible_branches(frozen: int, tuned: int, full: bool, message: str) -> None:
    with pytest.raises(ValueError, match=f"^task rte: {re.escape(message)}$"):
        Branch(TASK, frozen, tuned, full)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize(("frozen", "tuned"), [(0, 12), (0, 1), (3, 2), (11, 1), (9, 2), (12, 0)])
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
    [Branch(TASK, 7, 2), Branch(TASK, 0, 12, True), Branch(TASK, 0, 1), Branch(TASK, 0, 12, False, 7)],
    ids=["student", "full", "one", "adapters"],
)
def test_round_trip(branch: Branch) -> None:
    assert Branch.from_json(json.loads(json.dumps(branch.to_json()))) == branch
    assert ("adapter_size" in branch.to_json()) == bool(branch.adapter_size)


def test_missing_and_unknown_keys() -> None:
    keys = Branch(TASK, 7, 2).to_json()
    with pytest.raises(ValueError, match=r"^branch: unknown keys: 'copied'$"):
        Branch.from_json({**keys, "copied": 1})
    with pytest.raises(ValueError, match=r"^branch: missing keys: 'tuned'$"):
        Branch.from_json({key: keys[key] for key in keys if key != "tuned"})


def test_depth_of_what_is_owned() -> None:
    """Above the frozen layers, pooler and head included."""
    branch = Branch(TASK, 7, 2)
    assert {scopes.depth(name) for name in branch.owned_shapes(CONFIG)} == {8, 9, math.inf}
    assert {scopes.depth(name) for name in branch.shared_names(CONFIG)} == set(range(8))
