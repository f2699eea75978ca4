"""Training adapters: what moves and what does not, and that what is evaluated is what is kept."""

import dataclasses
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny_glue

from centrabert.distill.teacher import Teacher
from centrabert.modeling import branch_folder, checkpoint, scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import read_record
from centrabert.modeling.training import train_branch as training
from centrabert.modeling.training.hooks import ProgressBar
from centrabert.modeling.training.prediction import branch_estimator, predict
from centrabert.modeling.training.train_branch import train_branch
from centrabert.task_runner import TaskRunner

SIZE = 5
HYPERPARAMETERS = dataclasses.replace(tiny_glue.HYPERPARAMETERS, learning_rate=1e-2)
HEAD = {"bert/pooler/dense/kernel", "bert/pooler/dense/bias", "output_weights", "output_bias"}
OF_A_LAYER = {
    *(f"{part}output/LayerNorm/{leaf}" for part in ("attention/", "") for leaf in ("gamma", "beta")),
    *(
        f"{part}output/adapter/{dense}/{leaf}"
        for part in ("attention/", "")
        for dense in ("down", "up")
        for leaf in ("kernel", "bias")
    ),
}
OWNED = HEAD | {f"bert/encoder/layer_{layer}/{name}" for layer in range(2) for name in OF_A_LAYER}


def branch_of(runner: TaskRunner) -> Branch:
    """Of two of the three layers, for each costs seconds."""
    return Branch(runner.spec, 0, 2, adapter_size=SIZE)


def job(runner: TaskRunner, folder: Path, **keys: Any) -> training.TrainingJob:
    keys = {"branch": branch_of(runner), "hyperparameters": HYPERPARAMETERS, **keys}
    return tiny_glue.job(runner, folder, **keys)


class Noted(tiny_glue.ScriptedScore):
    """Notes the logits of every evaluation, of which the second is the best."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(0.3, 0.9, 0.5, **keys)
        self.logits: list[Any] = []

    def __call__(self, labels: Any, decisions: Any, predictions: Any) -> dict[str, float]:
        self.logits.append(predictions["logits"])
        return super().__call__(labels, decisions, predictions)


class Still(ProgressBar):
    """Reads what stands still out of the session at its end."""

    def end(self, session: tf.Session) -> None:
        super().end(session)
        Still.tensors = session.run({v.op.name: v for v in tf.local_variables()})


@pytest.fixture(scope="module")
def score() -> Noted:
    return Noted()


@pytest.fixture(scope="module")
def trained(runner: TaskRunner, score: Noted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A branch that was not disturbed."""
    folder = tmp_path_factory.mktemp("adapters") / "rte"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "ProgressBar", Still)
        train_branch(job(runner, folder, score=score))
    return folder


def test_adapters_layer_norms_and_head_move(runner: TaskRunner, trained: Path) -> None:
    """The rest of the layers is the trunk, by its digests; the record says that both are the branch's."""
    record, base = read_record(trained), runner.bert.read()
    tensors = read_owned(trained, record)
    assert tensors.keys() == record.variables.keys() == OWNED
    for name, tensor in tensors.items():
        if "/adapter/" in name:
            assert np.abs(tensor).max() > 0.03, name  # beyond where a kernel or a bias starts
        elif name.startswith("bert/"):
            assert not np.array_equal(tensor, base[name]), name
    assert record.trunk.keys() == scopes.encoder_shapes(tiny_glue.CONFIG, 2).keys() - OWNED
    assert record.trunk.items() <= runner.bert.digests.items()
    assert (record.branch.frozen, record.branch.tuned, record.branch.adapter_size) == (0, 2, SIZE)


def test_no_bit_of_the_trunk_moves(runner: TaskRunner, trained: Path) -> None:
    base = runner.bert.read()
    assert Still.tensors.keys() == read_record(trained).trunk.keys()
    for name, tensor in Still.tensors.items():
        np.testing.assert_array_equal(tensor, base[name], err_msg=name)


def test_evaluation_and_golden_answers_are_those_of_the_checkpoint(
    runner: TaskRunner, trained: Path, score: Noted
) -> None:
    prefix = trained / branch_folder.CHECKPOINT
    estimator = branch_estimator(runner.bert, branch_of(runner), prefix, runner.tokenizer.padding_id, True)
    tiny_glue.assert_answers(runner, trained, estimator, score.logits[1], HYPERPARAMETERS.eval_batch_size)


def test_with_nothing_added_it_is_the_pretrained_encoder(
    runner: TaskRunner, trained: Path, tmp_path: Path
) -> None:
    """Trained head, idle adapters, pretrained LayerNorms: the answers of a head alone."""
    head_alone = Branch(runner.spec, 2, 0)
    tensors, base = checkpoint.read(trained / branch_folder.CHECKPOINT), runner.bert.read()
    for name in tensors.keys() - HEAD:
        tensors[name] = base[name] if "LayerNorm" in name else tensors[name] * ("/down/" in name)
    checkpoint.write(tmp_path / "idle", tensors)
    logits = [
        predict(
            branch_estimator(runner.bert, branch, tmp_path / "idle", runner.tokenizer.padding_id),
            runner.dev,
            HYPERPARAMETERS.eval_batch_size,
        )["logits"]
        for branch in (branch_of(runner), head_alone)
    ]
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-5)
    assert np.ptp(logits[1], 0).min() > 0.01  # texts get different answers


def test_a_seed_decides_every_bit_of_a_stopped_run_too(
    runner: TaskRunner, trained: Path, tmp_path: Path
) -> None:
    def stop_first(evaluation: int) -> None:
        if evaluation == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    noted = Noted(before=stop_first)
    stopped = job(runner, tmp_path / "b", score=noted)
    with pytest.raises(KeyboardInterrupt):
        train_branch(stopped)
    assert train_branch(stopped) == read_record(trained)
    assert noted.calls == 3


def test_another_size_is_another_run(runner: TaskRunner, trained: Path) -> None:
    for branch, message in (
        (dataclasses.replace(branch_of(runner), adapter_size=4), "branch.adapter_size: 5, now 4"),
        (Branch(runner.spec, 0, 2), "branch.adapter_size: 5, now None"),
    ):
        with pytest.raises(ValueError, match=message):
            train_branch(job(runner, trained, branch=branch))


def test_neither_an_update_nor_a_student(runner: TaskRunner, trained: Path, tmp_path: Path) -> None:
    both = dataclasses.replace(HYPERPARAMETERS, lora_rank=2)
    with pytest.raises(ValueError, match=r"^task rte: --lora_rank=2 and --adapter_size=5 exclude each other"):
        job(runner, tmp_path, hyperparameters=both)
    with pytest.raises(ValueError, match=r"rte: task rte: adapters share parameters and no computation"):
        Teacher(trained, runner.bert)
