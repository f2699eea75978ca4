"""Rows without a label, and further teachers: what a student learns from answers alone."""

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import tiny_glue

from centrabert.distill.distillation import distil
from centrabert.distill.methods.theseus import Theseus
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.distill.teacher import Teacher
from centrabert.modeling import branch_folder, checkpoint
from centrabert.modeling.branch import Branch
from centrabert.modeling.training.token_dataset import Encoded
from centrabert.task_runner import TaskRunner

SOON = dataclasses.replace(tiny_glue.HYPERPARAMETERS, num_train_epochs=1)
SOFT = VanillaKD(hard_weight=0.0)  # for which labels do not count


def branch(runner: TaskRunner, folder: Path, seed: int) -> Teacher:
    base = runner.bert.checkpoint.parent
    return Teacher(tiny.branch(folder, base, Branch(runner.spec, 1, 2), seed, golden=False), runner.bert)


@pytest.fixture(scope="module")
def teacher(runner: TaskRunner, tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    return branch(runner, tmp_path_factory.mktemp("teacher") / "rte", seed=1)


def student(
    teacher: Teacher, runner: TaskRunner, folder: Path, train: Encoded, method: Any, *others: Teacher
) -> checkpoint.Tensors:
    rows = (train, runner.dev)
    distil(teacher, 1, runner.tokenizer, *rows, runner.score, folder, SOON, method, other_teachers=others)
    return variables(folder)


def variables(folder: Path) -> checkpoint.Tensors:
    return checkpoint.read(folder / branch_folder.CHECKPOINT)


@pytest.fixture(scope="module")
def soft(teacher: Teacher, runner: TaskRunner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a student that learned from answers alone."""
    folder = tmp_path_factory.mktemp("soft") / "student"
    student(teacher, runner, folder, runner.train, SOFT)
    return folder


def test_what_the_teacher_says_is_enough(
    teacher: Teacher, runner: TaskRunner, soft: Path, tmp_path: Path
) -> None:
    """Where labels do not count, it makes no difference that half of the rows have none."""
    rows = np.arange(len(runner.train))
    half = runner.train.take(rows[:20]).with_unlabelled(runner.train.take(rows[20:]))
    found, whole = student(teacher, runner, tmp_path / "half", half, SOFT), variables(soft)
    for name, tensor in whole.items():
        np.testing.assert_array_equal(found[name], tensor)


def test_a_file_of_texts_is_another_run(
    teacher: Teacher, runner: TaskRunner, soft: Path, tmp_path: Path
) -> None:
    file = tmp_path / "texts.tsv"
    file.write_text("a tree on a river\tthe old house\n\nthe road\ta dog\n")
    besides = replace(runner, unlabelled_file=file)
    besides.distil(teacher, 1, SOON, tmp_path / "student", method=SOFT)
    found, without = variables(tmp_path / "student"), variables(soft)
    assert any(not np.array_equal(found[name], without[name]) for name in found)
    with pytest.raises(ValueError, match=r"train_digest: '.*', now '"):
        besides.distil(teacher, 1, SOON, soft, method=SOFT)


def test_another_teacher_is_another_run(
    teacher: Teacher, runner: TaskRunner, soft: Path, tmp_path: Path
) -> None:
    other = branch(runner, tmp_path / "other", seed=7)
    found = student(teacher, runner, tmp_path / "student", runner.train, SOFT, other)
    assert any(not np.array_equal(tensor, found[name]) for name, tensor in variables(soft).items())
    record = branch_folder.read_record(tmp_path / "student")
    assert record.hyperparameters["other_teachers"] == [other.record.digest]
    with pytest.raises(ValueError, match=r"objective.other_teachers: None, now \['"):
        student(teacher, runner, soft, runner.train, SOFT, other)


@pytest.mark.parametrize("method", [Theseus(), VanillaKD(soft_weight=0.0)])
def test_a_method_that_reads_no_answers(
    teacher: Teacher, runner: TaskRunner, tmp_path: Path, method: Any
) -> None:
    told = (
        rf"^--method={method.name} learns nothing from the answers of teachers, with these settings; leave "
    )
    folder, other = tmp_path / "student", branch(runner, tmp_path / "other", seed=7)
    with pytest.raises(ValueError, match=f"{told}--unlabelled_file out$"):
        student(teacher, runner, folder, runner.train.with_unlabelled(runner.dev), method)
    with pytest.raises(ValueError, match=f"{told}--other_teachers out$"):
        student(teacher, runner, folder, runner.train, method, other)
    assert not folder.exists()
