"""A joke-sized RTE folder in the words of `tiny`, and the training job on it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tiny

from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import GOLDEN
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.training.estimator import Estimator
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.initialization import as_pretrained
from centrabert.modeling.training.prediction import golden_answers, predict
from centrabert.modeling.training.train_branch import TrainingJob
from centrabert.task_runner import TaskRunner

# A layer costs half a second of building graphs.
CONFIG = dataclasses.replace(tiny.CONFIG, num_hidden_layers=3)
TRAIN_ROWS, DEV_ROWS = 37, 11
HYPERPARAMETERS = Hyperparameters(
    learning_rate=3e-3, train_batch_size=7, eval_batch_size=5, num_train_epochs=3, seed=13
)


def rte(folder: Path) -> Path:
    """Writes train.tsv, dev.tsv and test.tsv; entailed is what begins with the same word."""
    folder.mkdir(parents=True)
    for split, rows, seed in (("train", TRAIN_ROWS, 1), ("dev", DEV_ROWS, 2), ("test", 4, 3)):
        (folder / f"{split}.tsv").write_text(_rows(rows, seed, labelled=split != "test"))
    return folder


def bert_folder(folder: Path, seed: int = 0, layers: int = CONFIG.num_hidden_layers) -> Path:
    return tiny.bert_folder(folder, seed, dataclasses.replace(CONFIG, num_hidden_layers=layers))


def _rows(rows: int, seed: int, labelled: bool) -> str:
    random = np.random.default_rng(seed)
    lines = ["index\tsentence1\tsentence2" + "\tlabel" * labelled]
    for row in range(rows):
        a, b = (list(random.choice(tiny.WORDS, random.integers(2, 6))) for _ in range(2))
        if row % 2:
            b[0] = a[0]
        label = "entailment" if a[0] == b[0] else "not_entailment"
        lines.append(f"{row}\t{' '.join(a)}\t{' '.join(b)}" + f"\t{label}" * labelled)
    return "\n".join(lines) + "\n"


def runner(base: Path, data_dir: Path, pooling: str = "cls") -> TaskRunner:
    return TaskRunner(find_task("rte", data_dir=data_dir), BertFolder.at(base), tiny.MAX_SEQ_LENGTH, pooling)


def job(runner: TaskRunner, output_dir: Path, frozen: int = 2, tuned: int = 1, **keys: Any) -> TrainingJob:
    """A training job of seconds, most of which every tuned layer costs; `keys` set fields of TrainingJob."""
    branch = keys.pop("branch", Branch(runner.spec, frozen, tuned))
    return TrainingJob(
        **{
            "bert": runner.bert,
            "tokenizer": runner.tokenizer,
            "branch": branch,
            "hyperparameters": HYPERPARAMETERS,
            "train": runner.train,
            "dev": runner.dev,
            "score": runner.score,
            "output_dir": output_dir,
            "initialization": as_pretrained(branch),
            **keys,
        }
    )


def assert_answers(
    runner: TaskRunner, folder: Path, estimator: Estimator, logits: Any, batch_size: int
) -> None:
    """Bit for bit: the estimator's answers to dev are `logits`, its golden answers those of the folder."""
    predictions = predict(estimator, runner.dev, batch_size)
    np.testing.assert_array_equal(predictions["logits"], logits)
    golden = read_golden(folder / GOLDEN, runner.spec)
    again = golden_answers(estimator, runner.spec, runner.dev)
    np.testing.assert_array_equal(golden.outputs["probabilities"], again.outputs["probabilities"])


class ScriptedScore:
    """Says what it is told, one metric an evaluation, whatever the predictions are.

    Args:
      before: Called with the number of the evaluation before it answers.
    """

    def __init__(self, *metrics: float, before: Callable[[int], None] | None = None) -> None:
        self.metrics, self.before, self.calls = metrics, before, 0

    def __call__(self, labels: Any, decisions: Any, predictions: Any) -> dict[str, float]:
        self.calls += 1
        if self.before:
            self.before(self.calls)
        return {"accuracy": self.metrics[self.calls - 1]}
