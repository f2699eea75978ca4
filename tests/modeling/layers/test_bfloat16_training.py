"""Training in bfloat16: the branch that comes of it is evaluated, kept and resumed as any other."""

import dataclasses
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny_glue

from centrabert.distill.text.text_model import text_model_fn
from centrabert.distill.text.text_objectives import OBJECTIVES
from centrabert.modeling import branch_folder
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import read_record
from centrabert.modeling.joint.joint_model import TASK, JointHead, joint_model_fn
from centrabert.modeling.training.branch_model import Optimization
from centrabert.modeling.training.estimator import ModelFn
from centrabert.modeling.training.prediction import branch_estimator, predict
from centrabert.modeling.training.train_branch import train_branch
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.task_runner import TaskRunner

ROUNDED = dataclasses.replace(tiny_glue.HYPERPARAMETERS, bfloat16=True)


@pytest.fixture(scope="module")
def trained(runner: TaskRunner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A branch that was not disturbed."""
    folder = tmp_path_factory.mktemp("bfloat16") / "rte"
    train_branch(tiny_glue.job(runner, folder, hyperparameters=ROUNDED))
    return folder


def test_it_trains_other_weights_nearby(runner: TaskRunner, trained: Path, tmp_path: Path) -> None:
    exact = tmp_path / "float32"
    train_branch(tiny_glue.job(runner, exact))
    ours, plain = (read_owned(folder, read_record(folder)) for folder in (trained, exact))
    assert ours.keys() == plain.keys()
    moved = {name: np.abs(ours[name] - plain[name]).max() for name in ours}
    kernels = [name for name in ours if name.startswith("bert/encoder") and name.endswith("kernel")]
    assert len(kernels) == 6 and all(0 < moved[name] < 0.1 for name in kernels), moved
    assert read_record(trained).hyperparameters["bfloat16"]
    assert "bfloat16" not in read_record(exact).hyperparameters
    assert read_record(trained).trunk == read_record(exact).trunk


def test_golden_answers_are_those_of_float32(runner: TaskRunner, trained: Path) -> None:
    branch, prefix = read_record(trained).branch, trained / branch_folder.CHECKPOINT
    estimator = branch_estimator(runner.bert, branch, prefix, runner.tokenizer.padding_id, aligned=True)
    logits = predict(estimator, runner.dev, ROUNDED.eval_batch_size)["logits"]
    tiny_glue.assert_answers(runner, trained, estimator, logits, ROUNDED.eval_batch_size)


def test_a_seed_decides_every_bit_of_a_stopped_run_too(
    runner: TaskRunner, trained: Path, tmp_path: Path
) -> None:
    """It is stopped after the first evaluation, and reads the frozen layers' outputs from a cache."""

    def score(labels: object, decisions: object, predictions: object) -> dict[str, float]:
        if not asked:
            os.kill(os.getpid(), signal.SIGTERM)
        asked.append(predictions)
        return dict(runner.score(labels, decisions, predictions))

    asked: list[object] = []
    cache = TrunkCache(tmp_path / "trunk", 10**9)
    job = tiny_glue.job(runner, tmp_path / "b", hyperparameters=ROUNDED, score=score, cache=cache)
    with pytest.raises(KeyboardInterrupt):
        train_branch(job)
    assert len(asked) == 1
    assert train_branch(job) == read_record(trained)


def test_another_precision_is_another_run(runner: TaskRunner, trained: Path) -> None:
    with pytest.raises(ValueError, match=r"hyperparameters\.bfloat16: True, now None"):
        train_branch(tiny_glue.job(runner, trained))


def rounded_products(model_fn: ModelFn) -> list[str]:
    """The products in bfloat16 of a training, without those of its gradients."""
    with tf.Graph().as_default() as graph:
        ids = tf.constant([[2, 7, 8, 3], [2, 9, 3, 0]], tf.int32)
        features = {"input_ids": ids, "segment_ids": tf.zeros_like(ids), TASK: tf.constant([0])}
        model_fn({**features, "labels_rte": tf.constant([0, 1])}, None, "train", {})
        operations = graph.get_operations()
    products = [each.name for each in operations if each.type == "MatMul"]
    return [
        name
        for name in products
        if graph.get_tensor_by_name(f"{name}:0").dtype == tf.bfloat16 and not name.startswith("gradients")
    ]


def test_trained_jointly_and_from_texts_all_layers_take_part_and_no_teacher(runner: TaskRunner) -> None:
    bert, rounded = runner.bert, Optimization(1e-3, 10, 1, 0, bfloat16=True)
    joint = joint_model_fn(bert.config(), [JointHead(runner.spec)], bert.checkpoint, 0, rounded)
    comparisons = OBJECTIVES["tinybert"](2, tiny_glue.CONFIG.num_hidden_layers)
    of_texts = text_model_fn(bert.config(), 2, comparisons, bert.checkpoint, 0, rounded)
    for model_fn, layers in ((joint, 3), (of_texts, 2)):
        found = rounded_products(model_fn)
        assert len(found) == 6 * layers and all(name.startswith("bert/encoder/") for name in found), found
