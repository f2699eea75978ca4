"""Distillation: the loss against NumPy, where a student starts, and what it writes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny
import tiny_glue

from centrabert.distill import distillation
from centrabert.distill.distillation import Teacher, distil, student_start
from centrabert.distill.loss import Distillation, distillation_loss
from centrabert.modeling import branch_folder, checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.training.branch_model import model_fn_builder
from centrabert.modeling.training.estimator import Estimator, RunConfig
from centrabert.modeling.training.prediction import predict_logits
from centrabert.modeling.training.train_branch import train_branch
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.task_runner import TaskRunner

RANDOM = np.random.default_rng(99)


@pytest.fixture(scope="module")
def teacher(runner: TaskRunner, tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    folder = tmp_path_factory.mktemp("teacher") / "rte"
    train_branch(tiny_glue.job(runner, folder))
    return Teacher(folder, runner.bert)


def _distil(
    teacher: Teacher, runner: TaskRunner, layers: int, folder: Path, cache: TrunkCache | None = None
) -> BranchRecord:
    return distil(
        teacher,
        layers,
        runner.tokenizer.vocabulary,
        runner.train,
        runner.dev,
        runner.score,
        folder,
        tiny_glue.HYPERPARAMETERS,
        Distillation(),
        cache,
    )


def _softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


@pytest.mark.parametrize(
    "settings", [Distillation(), Distillation(3.0, 0.7, 0.0), Distillation(1.0, 0.0, 2.0)]
)
def test_classification_loss(settings: Distillation) -> None:
    student, teacher = RANDOM.normal(size=(2, 7, 3)).astype(np.float32) * 3
    labels = RANDOM.integers(0, 3, 7).astype(np.int32)
    t = settings.temperature
    soft = -(t**2) * (_softmax(teacher / t) * np.log(_softmax(student / t))).sum(1)
    hard = -np.log(_softmax(student)[np.arange(7), labels])
    wanted = settings.soft_weight * soft + settings.hard_weight * hard
    features = {"teacher_logits": tf.constant(teacher), "labels": tf.constant(labels)}
    loss = distillation_loss(settings)(
        tiny.task("rte", labels=("a", "b", "c")), Head(tf.constant(student), {}), features
    )
    np.testing.assert_allclose(loss, wanted, rtol=2e-5)


def test_regression_loss() -> None:
    student, teacher = RANDOM.normal(size=(2, 7, 1)).astype(np.float32)
    labels = RANDOM.normal(size=7).astype(np.float32)
    features = {"teacher_logits": tf.constant(teacher), "labels": tf.constant(labels)}
    loss = distillation_loss(Distillation(5.0, 0.25, 2.0))(
        tiny.task("sim", "regression"), Head(tf.constant(student), {}), features
    )
    wanted = 0.25 * (student - teacher)[:, 0] ** 2 + 2.0 * (student[:, 0] - labels) ** 2
    np.testing.assert_allclose(loss, wanted, rtol=1e-5)


@pytest.mark.parametrize(
    "wrong", [{"temperature": 0.0}, {"soft_weight": -1.0}, {"soft_weight": 0.0, "hard_weight": 0.0}]
)
def test_settings_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Distillation(**wrong)


def test_distillation_from_the_cache_gives_the_same_bits(
    teacher: Teacher, runner: TaskRunner, tmp_path: Path
) -> None:
    cached = _distil(teacher, runner, 1, tmp_path / "cached", TrunkCache(tmp_path / "cache", 10**9))
    for file in teacher.folder.glob("logits-*"):
        file.unlink()
    assert cached == _distil(teacher, runner, 1, tmp_path / "computed")


def test_a_student_of_all_layers_starts_as_its_teacher(teacher: Teacher, runner: TaskRunner) -> None:
    config, student = runner.bert.config(), teacher.record.branch.student(2)
    init = {**student_start(teacher, student), runner.bert.checkpoint: student.shared_names(config)}
    estimator = Estimator(model_fn_builder(config, student, init, aligned=True), RunConfig())
    np.testing.assert_array_equal(predict_logits(estimator, runner.dev, 5), teacher.logits(runner.dev, 5))


def test_a_student_starts_from_the_teachers_bottommost_layers(teacher: Teacher) -> None:
    student = teacher.record.branch.student(1)
    ((path, names),) = student_start(teacher, student).items()
    assert path == teacher.folder / branch_folder.CHECKPOINT
    layers = {name.split("/")[2] for name in names if name.startswith("bert/encoder")}
    assert layers == {"layer_1"}
    rest = {name for name in names if not name.startswith("bert/encoder")}
    assert rest == {"bert/pooler/dense/kernel", "bert/pooler/dense/bias", "output_weights", "output_bias"}


def test_a_student_is_a_branch_like_any_other(teacher: Teacher, runner: TaskRunner, tmp_path: Path) -> None:
    record = _distil(teacher, runner, 1, tmp_path / "student")
    assert record.branch == Branch(runner.spec, frozen=1, tuned=1)
    assert record.teacher_digest == teacher.record.digest
    assert record.trunk == teacher.record.trunk
    assert record.hyperparameters["temperature"] == 2.0
    start = checkpoint.read(teacher.folder / branch_folder.CHECKPOINT)
    tensors = checkpoint.read(tmp_path / "student" / branch_folder.CHECKPOINT)
    for name, tensor in tensors.items():
        assert not np.array_equal(tensor, start[name]), name
    assert _distil(teacher, runner, 1, tmp_path / "again").variables == record.variables


def test_the_teachers_logits_are_computed_once(
    teacher: Teacher, runner: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = teacher.logits(runner.train, 5)

    def never(*arguments: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(distillation, "predict_logits", never)
    np.testing.assert_array_equal(teacher.logits(runner.train, 5), logits)
    with pytest.raises(AssertionError, match="again"):
        teacher.logits(runner.train.take(np.arange(3)), 5)


@pytest.mark.parametrize("layers", [0, 3])
def test_layers_outside_the_teachers_are_refused(
    teacher: Teacher, runner: TaskRunner, tmp_path: Path, layers: int
) -> None:
    with pytest.raises(ValueError, match=rf"--student_layers={layers} is outside 1..2"):
        _distil(teacher, runner, layers, tmp_path / "student")
    assert not (tmp_path / "student").exists()


def test_another_base_or_vocabulary_is_refused(teacher: Teacher, runner: TaskRunner, tmp_path: Path) -> None:
    other = BertFolder.at(tiny_glue.bert_folder(tmp_path / "other", seed=5))
    with pytest.raises(ValueError, match="grew on another BERT"):
        Teacher(teacher.folder, other)
    cased = dataclasses.replace(runner, do_lower_case=False)
    with pytest.raises(ValueError, match="another vocabulary or --do_lower_case"):
        _distil(teacher, cased, 1, tmp_path / "student")
