"""Hyper-parameters: BERT's defaults, steps counted as BERT counts them, and what is refused."""

import json
import re
from typing import Any

import pytest

from centrabert.modeling.layers.lora import LowRankUpdate
from centrabert.modeling.training.hyperparameters import Hyperparameters


def test_defaults_are_berts() -> None:
    assert Hyperparameters().to_json() == {
        "learning_rate": 5e-5,
        "train_batch_size": 32,
        "eval_batch_size": 32,
        "num_train_epochs": 3.0,
        "warmup_proportion": 0.1,
        "save_checkpoints_steps": 0,
        "early_stopping_patience": 0,
        "seed": 0,
    }


@pytest.mark.parametrize(
    ("rows", "batch", "epochs", "per_epoch", "steps", "warmup"),
    [
        (2490, 32, 3.0, 78, 234, 23),  # RTE
        (3668, 32, 3.0, 115, 345, 34),  # MRPC
        (64, 32, 1.0, 2, 2, 0),
        (65, 32, 1.0, 3, 3, 0),  # the last batch is a short one, and no row is left out
        (1, 32, 1.0, 1, 1, 0),
        (1, 32, 0.1, 1, 1, 0),  # no training without a step
        (320, 32, 0.5, 10, 5, 0),
        (3200, 32, 1.5, 100, 150, 15),
    ],
)
def test_steps(rows: int, batch: int, epochs: float, per_epoch: int, steps: int, warmup: int) -> None:
    hyper = Hyperparameters(train_batch_size=batch, num_train_epochs=epochs)
    assert hyper.steps_per_epoch(rows) == per_epoch
    assert hyper.num_train_steps(rows) == steps
    assert hyper.num_warmup_steps(rows) == warmup


def test_no_warm_up() -> None:
    assert Hyperparameters(warmup_proportion=0).num_warmup_steps(9999) == 0


def test_evaluation_interval() -> None:
    """Once an epoch unless said otherwise."""
    assert Hyperparameters().evaluation_interval(2490) == 78
    assert Hyperparameters(save_checkpoints_steps=7).evaluation_interval(2490) == 7


def test_round_trip() -> None:
    hyper = Hyperparameters(learning_rate=3e-4, num_train_epochs=2.5, seed=7)
    assert Hyperparameters(**json.loads(json.dumps(hyper.to_json()))) == hyper


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("learning_rate", 0.0, "is not above 0"),
        ("learning_rate", -1e-5, "is not above 0"),
        ("learning_rate", float("nan"), "is not above 0"),
        ("learning_rate", float("inf"), "is not a finite number"),
        ("num_train_epochs", float("inf"), "is not a finite number"),
        ("train_batch_size", 0, "is not above 0"),
        ("eval_batch_size", -1, "is not above 0"),
        ("num_train_epochs", 0.0, "is not above 0"),
        ("save_checkpoints_steps", -1, "is below 0"),
        ("early_stopping_patience", -1, "is below 0"),
        ("seed", -1, "is below 0"),
        ("lora_rank", -1, "is below 0"),
        ("warmup_proportion", 1.0, "is not in [0, 1)"),
        ("warmup_proportion", -0.1, "is not in [0, 1)"),
        ("warmup_proportion", float("nan"), "is not in [0, 1)"),
    ],
)
def test_refusals(name: str, value: Any, message: str) -> None:
    """Named as the flag that a user gave."""
    with pytest.raises(ValueError, match=f"^{re.escape(f'--{name}={value} {message}')}$"):
        Hyperparameters(**{name: value})


def test_lora() -> None:
    """Nothing of it is written where it is off; a rank alone takes the paper's alpha and matrices."""
    plain = Hyperparameters()
    assert plain.lora is None
    updated = Hyperparameters(lora_rank=4)
    assert updated.lora == LowRankUpdate(4, 8.0, ("query", "value"))
    assert updated.to_json() == {**plain.to_json(), "lora_rank": 4}
    other = Hyperparameters(lora_rank=4, lora_matrices=("key",)).to_json()
    assert other == {**updated.to_json(), "lora_matrices": ["key"]}
    for keys in ({"lora_alpha": 1.0}, {"lora_matrices": ("key",)}):
        with pytest.raises(
            ValueError, match=r"^--lora_alpha and --lora_matrices change nothing without --lora_rank$"
        ):
            Hyperparameters(**keys)
