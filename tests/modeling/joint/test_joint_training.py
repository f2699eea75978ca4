"""Tasks trained together: the order of their batches, and what is written."""

import dataclasses
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny
import tiny_glue

from centrabert.merge.merge_branches import merge
from centrabert.merge.merged_folder import read_manifest
from centrabert.modeling import checkpoint, run_joint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import read_record
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.joint.joint_batches import JointTask, joint_plan
from centrabert.modeling.joint.joint_model import TASK, JointHead, joint_model_fn
from centrabert.modeling.joint.joint_training import JointJob, train_jointly
from centrabert.modeling.training.branch_model import Optimization
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.prediction import branch_estimator, decide, predict
from centrabert.task_runner import TaskRunner

LAYERS = 2  # each is built, with its gradients, for every start of a training
HYPERPARAMETERS = dataclasses.replace(tiny_glue.HYPERPARAMETERS, num_train_epochs=2)


def lengths() -> list[Any]:
    random = np.random.default_rng(0)
    return [random.integers(3, 9, size=rows) for rows in (13, 4)]


def test_an_epoch_has_every_row_of_every_task_once() -> None:
    plan = joint_plan(lengths(), 4, seed=5, start_step=0)
    first, second = ([next(plan) for _ in range(5)] for _ in range(2))
    for epoch in (first, second):
        for task, rows in ((0, 13), (1, 4)):
            found = np.concatenate([numbers for of_task, numbers in epoch if of_task == task])
            assert sorted(found) == list(range(rows))
    assert [task for task, _ in first] != [task for task, _ in second]


def test_a_resumed_plan_goes_on_where_the_first_stopped() -> None:
    whole = joint_plan(lengths(), 4, seed=5, start_step=0)
    for _ in range(7):
        next(whole)
    resumed = joint_plan(lengths(), 4, seed=5, start_step=7)
    for _ in range(6):
        (task, rows), (wanted, wanted_rows) = next(resumed), next(whole)
        assert task == wanted
        np.testing.assert_array_equal(rows, wanted_rows)


def job(runner: TaskRunner, folder: Path, score: Any = None) -> JointJob:
    """Entailment, and how like two texts are: a number far from 0, in large units."""
    similar = tiny.task("sim", "regression")
    similar = dataclasses.replace(similar, max_seq_length=runner.spec.max_seq_length)

    def shared(split: Any) -> Any:
        pairs = zip(split.text_a, split.text_b, strict=True)
        words = [len(set(a.split()) & set(b.split())) for a, b in pairs]
        return dataclasses.replace(split, labels=np.array(words, np.float32) * 100 + 1000)

    def distance(labels: Any, decisions: Any, predictions: Any) -> dict[str, float]:
        return {similar.metric: -float(np.abs(labels - decisions).mean())}

    tasks = (
        JointTask(runner.spec, runner.train, runner.dev, score or runner.score, HYPERPARAMETERS),
        JointTask(similar, shared(runner.train), shared(runner.dev), distance, HYPERPARAMETERS),
    )
    return JointJob(runner.bert, runner.tokenizer, tasks, HYPERPARAMETERS, folder)


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> TaskRunner:
    root = tmp_path_factory.mktemp("joint_bert")
    return tiny_glue.runner(tiny_glue.bert_folder(root / "bert", layers=LAYERS), tiny_glue.rte(root / "RTE"))


@pytest.fixture(scope="module")
def trained(runner: TaskRunner, tmp_path_factory: pytest.TempPathFactory) -> JointJob:
    joint = job(runner, tmp_path_factory.mktemp("joint") / "trained")
    train_jointly(joint)
    return joint


def test_each_task_is_a_head_on_the_encoder_that_all_trained(runner: TaskRunner, trained: JointJob) -> None:
    bert = BertFolder.at(trained.output_dir / "bert")
    before, after = runner.bert.read(), bert.read()
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved == {name for name in before if "pooler" not in name}
    for task in trained.tasks:
        folder = trained.output_dir / "branches" / task.spec.name
        record = read_record(folder)
        assert record.branch == Branch(task.spec, LAYERS, 0)
        estimator = branch_estimator(bert, record.branch, folder / "model.ckpt", task.dev.padding_id)
        predictions = predict(estimator, task.dev, 4)
        assert task.dev.labels is not None
        metrics = task.score(task.dev.labels, decide(task.spec, predictions), predictions)
        assert record.metrics[task.spec.metric] == pytest.approx(metrics[task.spec.metric], rel=1e-5)
    assert read_record(trained.output_dir / "branches" / "sim").metrics["pearson"] > -400  # the mean is 1000


def test_a_step_moves_the_encoder_and_the_head_of_its_task(runner: TaskRunner) -> None:
    """After a step of each, so that Adam would go on with what it has of the other."""
    specs = [runner.spec, dataclasses.replace(tiny.task("sim", "regression"), max_seq_length=9)]
    with tf.Graph().as_default(), tf.Session() as session:
        task = tf.placeholder(tf.int32, [1])
        features = {
            "input_ids": tf.constant([[2, 5, 6, 3], [2, 7, 3, 0]]),
            "segment_ids": tf.zeros([2, 4], tf.int32),
            "labels_rte": tf.constant([0, 1]),
            "labels_sim": tf.constant([0.5, -1.0]),
            TASK: task,
        }
        model_fn = joint_model_fn(
            runner.bert.config(),
            [JointHead(spec) for spec in specs],
            runner.bert.checkpoint,
            runner.dev.padding_id,
            Optimization(1e-2, num_train_steps=9, num_warmup_steps=0, seed=1),
        )
        spec = model_fn(features, None, "train", {})
        session.run(tf.global_variables_initializer())
        named = {each.op.name: each for each in tf.global_variables() if "global_step" not in each.op.name}
        for number in (0, 1):
            session.run(spec.train_op, {task: [number]})
        before = session.run(named)
        session.run(spec.train_op, {task: [0]})
        after = session.run(named)
    moved = {name for name in named if not np.array_equal(before[name], after[name])}
    assert {name for name in named if name.startswith("rte/")} <= moved
    assert "bert/encoder/layer_0/output/dense/kernel" in moved
    assert not {name for name in moved if name.startswith("sim/")}


def test_they_are_merged_into_one_encoder_with_heads(trained: JointJob, tmp_path: Path) -> None:
    merge(
        trained.output_dir / "bert",
        [trained.output_dir / "branches" / name for name in ("rte", "sim")],
        tmp_path / "merged",
    )
    assert read_manifest(tmp_path / "merged").plan.layers == LAYERS


def test_stopped_and_resumed_it_has_the_same_bits(
    runner: TaskRunner, trained: JointJob, tmp_path: Path
) -> None:
    calls = []

    def stopping(*arguments: Any) -> dict[str, float]:
        calls.append(1)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return runner.score(*arguments)

    with pytest.raises(KeyboardInterrupt):
        train_jointly(job(runner, tmp_path / "stopped", stopping))
    records = train_jointly(job(runner, tmp_path / "stopped", stopping))
    assert len(calls) == 2
    whole = checkpoint.read(trained.output_dir / "bert" / "bert_model.ckpt")
    resumed = checkpoint.read(tmp_path / "stopped" / "bert" / "bert_model.ckpt")
    for name, tensor in whole.items():
        np.testing.assert_array_equal(resumed[name], tensor, err_msg=name)
    for name, record in records.items():
        folder = trained.output_dir / "branches" / name
        assert record.variables == read_record(folder).variables
        assert read_owned(folder, record)


def test_another_run_in_the_folder_is_refused(trained: JointJob, tmp_path: Path) -> None:
    """The order of the tasks decides that of the batches."""
    with pytest.raises(
        ValueError, match=r"task_order: \['rte', 'sim'\], now \['sim', 'rte'\]; choose another"
    ):
        train_jointly(dataclasses.replace(trained, tasks=trained.tasks[::-1]))
    config = dataclasses.replace(trained.bert.config(), hidden_dropout_prob=0.3)
    (tmp_path / "config.json").write_text(dump(config.to_json()))
    bert = dataclasses.replace(trained.bert, config_file=tmp_path / "config.json")
    with pytest.raises(ValueError, match=r"differs in config.hidden_dropout_prob: 0.1, now 0.3; choose"):
        train_jointly(dataclasses.replace(trained, bert=bert))


def test_a_run_of_the_first_format_is_recognised(trained: JointJob) -> None:
    """run.json said neither the config nor the order of the tasks."""
    file = trained.output_dir / "run.json"
    current = file.read_text()
    keys = json.loads(current)
    assert (keys.pop("format_version"), keys.pop("task_order")) == (2, ["rte", "sim"])
    del keys["config"]
    try:
        file.write_text(json.dumps({"format_version": 1, **keys}))
        assert train_jointly(trained).keys() == {"rte", "sim"}
        with pytest.raises(ValueError, match=r"differs in hyperparameters.seed: 13, now 14; choose"):
            other = dataclasses.replace(trained.hyperparameters, seed=14)
            train_jointly(dataclasses.replace(trained, hyperparameters=other))
    finally:
        file.write_text(current)


def test_what_the_bert_cannot_read_is_refused(trained: JointJob) -> None:
    first, second = trained.tasks
    long = dataclasses.replace(second, spec=dataclasses.replace(second.spec, max_seq_length=400))
    with pytest.raises(ValueError, match=r"^--max_seq_length=400 is above .*bert_config.json$"):
        dataclasses.replace(trained, tasks=(first, long))


def test_two_tasks_of_one_name(runner: TaskRunner, trained: JointJob, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^task rte is given twice$"):
        dataclasses.replace(trained, tasks=trained.tasks[:1] * 2)


def test_all_hyperparameters_are_flags_but_those_of_lora() -> None:
    names = {each.name for each in dataclasses.fields(Hyperparameters)}
    assert names - set(run_joint.FLAGS) == {"lora_rank", "lora_alpha", "lora_matrices"}


def test_lora_is_refused(trained: JointJob) -> None:
    updated = dataclasses.replace(trained.hyperparameters, lora_rank=2)
    with pytest.raises(
        ValueError, match=r"^--lora_rank=2: a joint training trains all layers; leave the flag"
    ):
        dataclasses.replace(trained, hyperparameters=updated)


@pytest.mark.parametrize(
    ("number", "given", "message"),
    [
        (0, {"class_weights": ("entailment:2",)}, "--class_weights: 'not_entailment' has no weight"),
        (0, {"class_weights": ("good:1", "bad:2")}, "--class_weights: 'good' is no label of the task"),
        (1, {"class_weights": ("balanced",)}, "a regression takes neither class weights nor label smoothing"),
        (1, {"label_smoothing": 0.1}, "a regression takes neither class weights nor label smoothing; leave"),
    ],
)
def test_targets_that_do_not_suit_a_task(
    runner: TaskRunner, tmp_path: Path, number: int, given: dict[str, Any], message: str
) -> None:
    """It is told when the job is made, and so before its folder is claimed."""
    joint = job(runner, tmp_path / "joint")
    tasks = list(joint.tasks)
    hyperparameters = dataclasses.replace(HYPERPARAMETERS, **given)
    tasks[number] = dataclasses.replace(tasks[number], hyperparameters=hyperparameters)
    with pytest.raises(ValueError, match=f"^task {tasks[number].spec.name}: {re.escape(message)}"):
        dataclasses.replace(joint, tasks=tuple(tasks))
    assert not joint.output_dir.exists()
