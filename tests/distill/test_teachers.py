"""Several teachers as one: the mean of their answers, and which of them go together."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tiny

from centrabert.distill.distillation import Distillation
from centrabert.distill.methods.last_layer_kd import LastLayerKD
from centrabert.distill.teacher import Teacher
from centrabert.distill.teachers import Teachers
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.layer_states import LayerState
from centrabert.task_runner import TaskRunner

BATCH = 5


@pytest.fixture(scope="module")
def several(runner: TaskRunner, tmp_path_factory: pytest.TempPathFactory) -> list[Teacher]:
    """Three trainings of one task."""
    folder, base = tmp_path_factory.mktemp("teachers"), runner.bert.checkpoint.parent
    branch = Branch(runner.spec, 1, 2)
    folders = [tiny.branch(folder / str(seed), base, branch, seed, golden=False) for seed in (1, 2, 3)]
    return [Teacher(each, runner.bert) for each in folders]


def test_logits_are_the_mean_and_states_the_first_ones(
    several: list[Teacher], runner: TaskRunner, tmp_path: Path
) -> None:
    state, rows = LayerState("hidden", 3), np.array([4, 0, 7])
    length = int(runner.train.lengths[rows].max())
    found = Teachers(several[0], tuple(several[1:])).states(runner.train, [state], BATCH, tmp_path)
    alone = [each.states(runner.train, [state], BATCH, tmp_path) for each in several]
    logits = [each["logits"].batch(rows, length) for each in alone]
    np.testing.assert_allclose(found["logits"].batch(rows, length), sum(logits) / 3, atol=1e-6)
    assert not np.allclose(logits[0], logits[1])
    of_first = alone[0][state.name].batch(rows, length)
    np.testing.assert_array_equal(found[state.name].batch(rows, length), of_first)


def test_heads_are_the_mean(several: list[Teacher]) -> None:
    """A CRF reads its teacher's scores between tags."""
    mean = Teachers(several[0], (several[1],)).head_variables
    one, other = (each.head_variables for each in several[:2])
    assert mean.keys() == one.keys() == {"output_weights", "output_bias"}
    for name, values in mean.items():
        np.testing.assert_allclose(values, (one[name] + other[name]) / 2, rtol=1e-6)


def test_they_are_part_of_what_is_trained(several: list[Teacher], tmp_path: Path) -> None:
    student = several[0].record.branch.student(1)
    method = LastLayerKD()
    for others in ((), tuple(several[1:])):
        told = Distillation(method, Teachers(several[0], others), student, BATCH, tmp_path).to_json()
        digests = {"other_teachers": [each.record.digest for each in others]} if others else {}
        assert told == {**method.to_json(), **digests}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, "--other_teachers: .*/1 is given twice"),
        (
            {"frozen": 2, "tuned": 1},
            "--other_teachers: .*/other has 1 layers of its own, and .*/1 has 2; give",
        ),
        ({"pooling": "mean"}, "--other_teachers: .*/other is of another task than .*/1, or its labels, "),
    ],
)
def test_teachers_that_do_not_go_together(
    several: list[Teacher], runner: TaskRunner, tmp_path: Path, change: dict[str, int], wrong: str
) -> None:
    other, branch = several[0], several[0].record.branch
    if "pooling" in change:
        branch = dataclasses.replace(branch, task=dataclasses.replace(branch.task, **change))
    elif change:
        branch = dataclasses.replace(branch, **change)
    if change:
        base = runner.bert.checkpoint.parent
        other = Teacher(tiny.branch(tmp_path / "other", base, branch, golden=False), runner.bert)
    with pytest.raises(ValueError, match=wrong):
        Teachers(several[0], (several[1], other))
