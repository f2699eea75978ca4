"""Training with LoRA: the branch that comes of it is an ordinary one, and a low-rank update away."""

import dataclasses
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_glue

from centrabert.modeling import branch_folder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import read_record
from centrabert.modeling.training.prediction import branch_estimator
from centrabert.modeling.training.train_branch import train_branch
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.task_runner import TaskRunner

RANK = 3
LORA = dataclasses.replace(tiny_glue.HYPERPARAMETERS, lora_rank=RANK, learning_rate=1e-2)


class Noted(tiny_glue.ScriptedScore):
    """Notes the logits of every evaluation, of which the second is the best."""

    def __init__(self, before: Callable[[int], None] | None = None) -> None:
        super().__init__(0.3, 0.9, 0.5, before=before)
        self.logits: list[Any] = []

    def __call__(self, labels: Any, decisions: Any, predictions: Any) -> dict[str, float]:
        self.logits.append(predictions["logits"])
        return super().__call__(labels, decisions, predictions)


@pytest.fixture(scope="module")
def score() -> Noted:
    return Noted()


@pytest.fixture(scope="module")
def trained(runner: TaskRunner, score: Noted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A branch of two layers that was not disturbed."""
    folder = tmp_path_factory.mktemp("lora") / "rte"
    train_branch(tiny_glue.job(runner, folder, 1, 2, hyperparameters=LORA, score=score))
    return folder


def test_the_difference_is_a_low_rank_update_of_query_and_value(runner: TaskRunner, trained: Path) -> None:
    """Of the rest, the pooler and the head have moved, and no other bit."""
    record = read_record(trained)
    tensors, base = read_owned(trained, record), runner.bert.read()
    updated = 0
    for name, tensor in tensors.items():
        if name.endswith(("query/kernel", "value/kernel")):
            sizes = np.linalg.svd(np.float64(tensor) - base[name], compute_uv=False)
            assert sizes[RANK - 1] > 1e-4 and sizes[RANK] < 1e-6, name  # what is beyond is rounding
            updated += 1
        elif name.startswith("bert/encoder"):
            np.testing.assert_array_equal(tensor, base[name], err_msg=name)
        elif name.startswith("bert/pooler"):
            assert not np.array_equal(tensor, base[name]), name
    assert updated == 4
    assert record.hyperparameters["lora_rank"] == RANK
    assert record.trunk.items() <= runner.bert.digests.items()


def test_evaluation_and_golden_answers_are_those_of_the_written_checkpoint(
    runner: TaskRunner, trained: Path, score: Noted
) -> None:
    """Bit for bit: what was evaluated is the merged branch."""
    branch, prefix = read_record(trained).branch, trained / branch_folder.CHECKPOINT
    estimator = branch_estimator(runner.bert, branch, prefix, runner.tokenizer.padding_id, aligned=True)
    tiny_glue.assert_answers(runner, trained, estimator, score.logits[1], LORA.eval_batch_size)


def test_a_seed_decides_every_bit_of_a_stopped_run_too(
    runner: TaskRunner, trained: Path, tmp_path: Path
) -> None:
    """It is stopped before the best evaluation, and reads the frozen layer's outputs from a cache."""

    def stop_first(evaluation: int) -> None:
        if evaluation == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    noted, cache = Noted(stop_first), TrunkCache(tmp_path / "trunk", 10**9)
    job = tiny_glue.job(runner, tmp_path / "b", 1, 2, hyperparameters=LORA, score=noted, cache=cache)
    with pytest.raises(KeyboardInterrupt):
        train_branch(job)
    assert train_branch(job) == read_record(trained)
    assert noted.calls == 3


def test_other_updates_are_other_runs(runner: TaskRunner, trained: Path) -> None:
    for keys, message in (
        ({"lora_rank": 2}, "hyperparameters.lora_rank: 3, now 2"),
        ({"lora_rank": 0}, "hyperparameters.lora_rank: 3, now None"),
        ({"lora_alpha": 16.0}, "hyperparameters.lora_alpha: None, now 16.0"),
        ({"lora_matrices": ("key",)}, r"hyperparameters.lora_matrices: None, now \['key'\]"),
    ):
        other = dataclasses.replace(LORA, **keys)
        with pytest.raises(ValueError, match=message):
            train_branch(tiny_glue.job(runner, trained, 1, 2, hyperparameters=other))


def test_a_rank_above_the_width_is_told_before_training(runner: TaskRunner, tmp_path: Path) -> None:
    wide = dataclasses.replace(LORA, lora_rank=33)
    with pytest.raises(ValueError, match="--lora_rank=33 is above 32, the width"):
        tiny_glue.job(runner, tmp_path, branch=Branch(runner.spec, 1, 2), hyperparameters=wide)
