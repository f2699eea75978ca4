"""The merge plan: overheads of the paper, names in the merged model, and what a plan refuses."""

import re
from dataclasses import replace

import pytest
from tiny_config import CONFIG

from centrabert.merge.plan import Copy, MergePlan
from centrabert.modeling.branch import Branch
from centrabert.modeling.task import TaskSpec

BASE = replace(CONFIG, num_hidden_layers=12)
# Best L of 4..10 in the paper's Table 1, the smaller on a tie.
PAPER = {"qnli": 10, "rte": 5, "qqp": 10, "mnli": 8, "sst2": 6, "mrpc": 5, "cola": 8, "stsb": 8}


def task(name: str) -> TaskSpec:
    return TaskSpec(name, "classification", ("no", "yes"), pair=True, metric="accuracy")


def paper_plan(student_layers: int | None) -> MergePlan:
    teachers = [Branch.teacher(task(name), layers, 12) for name, layers in sorted(PAPER.items())]
    students = [teacher.student(student_layers) if student_layers else teacher for teacher in teachers]
    return MergePlan(BASE, tuple(students))


@pytest.mark.parametrize(("student_layers", "overhead"), [(None, 67), (1, 15), (2, 23), (3, 31)])
def test_overheads_are_the_papers(student_layers: int | None, overhead: int) -> None:
    """Table 2 and Appendix D: without distillation, and with one, two and three layers a student."""
    plan = paper_plan(student_layers)
    assert (plan.trunk_depth, plan.layers, plan.separate_layers) == (7, overhead, 96)


def test_teachers_and_students_mix() -> None:
    plan = MergePlan(
        BASE, (Branch(task("rte"), 7, 2), Branch(task("stsb"), 4, 8), Branch(task("tone"), 6, 6))
    )
    assert (plan.trunk_depth, plan.layers) == (7, 7 + 2 + 8 + 6)


def test_names() -> None:
    """The trunk keeps Google's names; a branch has its task in front; layers keep their numbers."""
    plan = MergePlan(CONFIG, (Branch(task("rte"), 1, 2), Branch(task("rte2"), 3, 1)))
    dense = [copy for copy in plan.copies if copy.name.endswith("output_bias")]
    kernels = [copy for copy in plan.copies if copy.name.endswith("/query/kernel")]
    query = "bert/encoder/layer_{}/attention/self/query/kernel"
    assert kernels == [
        *(Copy(None, query.format(layer), query.format(layer)) for layer in (0, 1, 2)),
        *(Copy("rte", query.format(layer), f"rte/{query.format(layer)}") for layer in (1, 2)),
        Copy("rte2", query.format(3), f"rte2/{query.format(3)}"),
    ]
    assert dense == [
        Copy("rte", "output_bias", "rte/output_bias"),
        Copy("rte2", "output_bias", "rte2/output_bias"),
    ]
    assert "rte/bert/pooler/dense/kernel" in plan.shapes()
    assert "bert/pooler/dense/kernel" not in plan.shapes()


def test_copies_and_shapes_are_the_same_variables() -> None:
    plan = MergePlan(CONFIG, (Branch(task("rte"), 1, 2), Branch(task("rte2"), 3, 1)))
    names = [copy.name for copy in plan.copies]
    assert len(names) == len(set(names))
    assert set(names) == plan.shapes().keys()


def test_parameters() -> None:
    """Against the sizes worked out by hand: h = 32, intermediate 37, vocabulary 99, positions 23."""
    embeddings = (99 + 2 + 23) * 32 + 2 * 32
    layer = 4 * (32 * 32 + 32) + (32 * 37 + 37) + (37 * 32 + 32) + 2 * 2 * 32
    pooler, head = 32 * 32 + 32, 2 * 32 + 2
    mean = Branch(replace(task("mean"), pooling="mean"), 2, 1)
    plan = MergePlan(CONFIG, (mean, Branch(task("rte"), 1, 3)))
    assert plan.trunk_parameters == embeddings + 2 * layer
    assert plan.owned_parameters(mean) == layer + head
    assert plan.parameters == embeddings + 2 * layer + (layer + head) + (3 * layer + pooler + head)
    assert plan.separate_parameters == 2 * (embeddings + 5 * layer + head) + pooler


def test_adapters_share_parameters_and_no_computation() -> None:
    """Two tasks with adapters and one branch: one layer is computed once, five are stored once."""
    adapters = [Branch.with_adapters(task(name), 7, CONFIG) for name in ("a", "b")]
    plan = MergePlan(CONFIG, (*adapters, Branch(task("rte"), 1, 2)))
    assert (plan.trunk_depth, plan.layers, plan.separate_layers) == (1, 1 + 5 + 5 + 2, 15)
    layer = 4 * (32 * 32 + 32) + (32 * 37 + 37) + (37 * 32 + 32) + 2 * 2 * 32
    pooler, head = 32 * 32 + 32, 2 * 32 + 2
    assert plan.trunk_parameters == (99 + 2 + 23) * 32 + 2 * 32 + 5 * layer
    assert plan.owned_parameters(adapters[0]) == 5 * (2 * (2 * 32 * 7 + 7 + 32) + 4 * 32) + pooler + head
    assert MergePlan(CONFIG, plan.branches[2:]).trunk_parameters == plan.trunk_parameters - 4 * layer


@pytest.mark.parametrize(
    ("branches", "message"),
    [
        ((), "there is no branch to merge"),
        ((Branch(task("rte"), 1, 2), Branch(task("rte"), 3, 1)), "one occurs twice"),
        ((Branch(task("stsb"), 1, 2), Branch(task("rte"), 3, 1)), "not sorted"),
        ((Branch(task("rte"), 0, 5, full_fine_tuning=True),), "task rte: full fine-tuning shares no trunk"),
        ((Branch(task("rte"), 4, 2),), "task rte: 4 frozen and 2 tuned layers are more than the 5"),
    ],
)
def test_refusals(branches: tuple[Branch, ...], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        MergePlan(CONFIG, branches)
