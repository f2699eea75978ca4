"""One task on one BERT: its encoded splits, and what is done with them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from absl import logging

from centrabert.errors import UserError
from centrabert.glue_data.dataset import load
from centrabert.glue_data.glue_tasks import GlueTask
from centrabert.glue_data.metrics import score
from centrabert.glue_data.submission import write_submission
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import CHECKPOINT, BranchRecord, read_record
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.prediction import branch_estimator, decide, predict
from centrabert.modeling.training.token_dataset import Encoded
from centrabert.modeling.training.train_branch import TrainingJob, fine_tuning_start, train_branch
from centrabert.modeling.training.trunk_cache import TrunkCache

EVAL_RESULTS = "eval_results.json"


@dataclass(frozen=True)
class TaskRunner:
    """The data of a task in the vocabulary of a BERT.

    Attributes:
      data_dir: The task's own folder, as BERT's --data_dir.
      max_train_rows: Train on a fixed random sample of so many rows; None takes all.
      padded: Pad every batch to max_seq_length, as BERT does, and not to its longest row.
    """

    task: GlueTask
    spec: TaskSpec
    data_dir: str | os.PathLike[str]
    bert: BertFolder
    do_lower_case: bool = True
    max_train_rows: int | None = None
    padded: bool = False

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer(self.bert.vocabulary(self.do_lower_case))

    @cached_property
    def train(self) -> Encoded:
        train = self.split("train")
        if self.max_train_rows is None or self.max_train_rows >= len(train):
            return train
        sample = np.random.default_rng(0).permutation(len(train))[: self.max_train_rows]
        return train.take(np.sort(sample))

    @cached_property
    def dev(self) -> Encoded:
        return self.split("dev")

    @cached_property
    def tests(self) -> dict[str, Encoded]:
        """Every test split there is; raises UserError for none."""
        splits = self._present("test")
        if not splits:
            raise UserError(f"{self.data_dir}: --do_predict wants a test file, and there is none")
        return {name: self.split(name) for name in splits}

    def split(self, name: str) -> Encoded:
        encoded = load(self.task, self.spec, self.data_dir, name, self.tokenizer)
        return encoded.padded(self.spec.max_seq_length) if self.padded else encoded

    def score(
        self, labels: npt.NDArray[np.generic], predictions: npt.NDArray[np.generic]
    ) -> dict[str, float]:
        """All metrics that GLUE reports for the task."""
        return score(self.task.metrics, labels, predictions)

    def fine_tune(
        self,
        branch: Branch,
        hyperparameters: Hyperparameters,
        output_dir: Path,
        cache: TrunkCache | None = None,
    ) -> BranchRecord:
        """Trains `branch` from the pretrained BERT; see `train_branch`."""
        return train_branch(
            TrainingJob(
                bert=self.bert,
                vocabulary=self.tokenizer.vocabulary,
                branch=branch,
                hyperparameters=hyperparameters,
                train=self.train,
                dev=self.dev,
                score=self.score,
                output_dir=output_dir,
                start=fine_tuning_start(self.bert, branch),
                cache=cache,
            )
        )

    def evaluate(self, branch_dir: Path, batch_size: int) -> dict[str, float]:
        """Metrics of a finished branch on every dev file there is; written to eval_results.json.

        MNLI's mismatched ones have `_mismatched` behind their names.
        """
        others = {name: self.split(name) for name in self._present("dev") if name != "dev"}
        splits = {"dev": self.dev, **others}
        results = {}
        for split, decisions in self._decisions(branch_dir, splits, batch_size).items():
            labels = splits[split].labels
            if labels is None:
                raise UserError(f"{self.data_dir}: split {split} has no labels")
            metrics = self.score(labels, decisions)
            results.update({f"{name}{split.removeprefix('dev')}": value for name, value in metrics.items()})
        write_text(branch_dir / EVAL_RESULTS, dump(results))
        logging.info("%s: %s", self.task.name, results)
        return results

    def predict(self, branch_dir: Path, batch_size: int) -> list[Path]:
        """Writes a GLUE submission file for every test file there is; raises UserError for none."""
        decisions = self._decisions(branch_dir, self.tests, batch_size)
        written = [
            write_submission(branch_dir, self.task, answers, split) for split, answers in decisions.items()
        ]
        for file in written:
            logging.info("wrote %s", file)
        return written

    def _present(self, kind: str) -> list[str]:
        """The splits of a kind whose files are there."""
        splits = [split for split in self.task.splits if split.name.startswith(kind)]
        return [split.name for split in splits if Path(self.data_dir, split.file).is_file()]

    def _decisions(
        self, branch_dir: Path, splits: Mapping[str, Encoded], batch_size: int
    ) -> dict[str, npt.NDArray[np.generic]]:
        """What the branch decides on every row of every split."""
        record = read_record(branch_dir)
        record.check_reads(self.spec, self.tokenizer.vocabulary.digest)
        record.check_base(self.bert.digests, str(self.bert.checkpoint))
        read_owned(branch_dir, record)
        estimator, task = branch_estimator(self.bert, record.branch, branch_dir / CHECKPOINT), self.spec
        return {
            split: decide(task, predict(estimator, encoded, batch_size)) for split, encoded in splits.items()
        }
