"""One task on one BERT: fine-tune it, distil it, evaluate and predict with what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from absl import logging

from centrabert import bert_results
from centrabert.bert_results import eval_results_text, mean_loss, prediction_file, prediction_text
from centrabert.distill.distillation import distil
from centrabert.distill.methods.method import DistillationMethod
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.distill.teacher import Teacher
from centrabert.errors import UserError
from centrabert.glue_data.metrics import score
from centrabert.glue_data.readers.unlabelled_texts import read_unlabelled
from centrabert.glue_data.task_data import (
    Submission,
    TaskData,
    content_digests,
    label_array,
    sampled_rows,
    task_spec,
    with_declared,
)
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.training.estimator import Arrays
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.initialization import Initialization, as_pretrained
from centrabert.modeling.training.prediction import branch_estimator, decide, predict
from centrabert.modeling.training.token_dataset import Encoded, encode
from centrabert.modeling.training.train_branch import TrainingJob, train_branch
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.prediction_table import prediction_table, table_file
from centrabert.trained_model import TrainedModel

EVAL_RESULTS, TEST_RESULTS = "eval_results.json", "test_results.json"
VANILLA_KD = VanillaKD()


class Split(NamedTuple):
    """A split in the vocabulary of a BERT, what its file calls the rows, and the digest of its Examples."""

    ids: tuple[str, ...]
    rows: Encoded
    digest: str


@dataclass(frozen=True)
class TaskRunner:
    """The data of a task in the vocabulary of a BERT; every file is read once, when it is first wanted.

    Attributes:
      max_seq_length: Word pieces read of a text or pair, at most.
      pooling: As in TaskSpec.
      do_lower_case: None for what the BERT's folder says, or True, BERT's default.
      max_train_rows: Train on a fixed random sample of so many rows; None takes all.
      padded: Pad every batch to max_seq_length, as BERT does, and not to its longest row.
      unlabelled_file: Texts that students train on besides, as `read_unlabelled` reads them; None for none.
    """

    task: TaskData
    bert: BertFolder
    max_seq_length: int = 128
    pooling: str = "cls"
    do_lower_case: bool | None = None
    max_train_rows: int | None = None
    padded: bool = False
    unlabelled_file: Path | None = None

    @classmethod
    def of_branch(
        cls, task: TaskData, bert: BertFolder, record: BranchRecord, unlabelled_file: Path | None = None
    ) -> "TaskRunner":
        """Reads the task as a branch does: with the length, pooling and case that it was trained with.

        Raises:
          UserError: The branch was trained for another task, or on another vocabulary.
        """
        own, case = record.branch.task, record.do_lower_case
        runner = cls(task, bert, own.max_seq_length, own.pooling, case, unlabelled_file=unlabelled_file)
        record.check_reads(runner.spec, runner.tokenizer.digest, str(bert.vocab_file))
        return runner

    @cached_property
    def spec(self) -> TaskSpec:
        return task_spec(self.task, self.max_seq_length, self.pooling)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return self.bert.tokenizer(self.do_lower_case)

    @cached_property
    def train(self) -> Encoded:
        train = self._train.rows
        return train.take(sampled_rows(len(train), self.max_train_rows))

    @cached_property
    def student_train(self) -> Encoded:
        """What students train on: `train` and behind it the texts of `unlabelled_file`."""
        if self.unlabelled_file is None:
            return self.train
        texts = read_unlabelled(self.unlabelled_file, self.spec.pair)
        return self.train.with_unlabelled(encode(self.tokenizer, self.spec, *texts))

    @cached_property
    def dev(self) -> Encoded:
        return self._dev.rows

    @property
    def data_digests(self) -> dict[str, str]:
        """Of all that the data decides; see `content_digests`."""
        return content_digests(self.task, self._train.digest, self._dev.digest)

    @cached_property
    def tests(self) -> dict[str, Split]:
        """Every test split there is; raises UserError for none."""
        if not (splits := self._present("test")):
            files = [file for split, file in self.task.splits.items() if split.startswith("test")]
            named = ", ".join(map(str, files)) or "the task declares none"
            raise UserError(f"task {self.task.name}: there is no test file to predict: {named}")
        return {name: self.split(name) for name in splits}

    def split(self, name: str) -> Split:
        """Reads and tokenises a split; raises UserError as `TaskData.read`."""
        examples = self.task.read(name)
        labels = label_array(self.task, examples)
        rows = encode(self.tokenizer, self.spec, examples.text_a, examples.text_b, labels)
        rows = rows.padded(self.spec.max_seq_length) if self.padded else rows
        return Split(examples.row_ids, rows, examples.digest)

    def score(
        self, labels: npt.NDArray[np.generic], decisions: npt.NDArray[np.generic], predictions: Arrays
    ) -> dict[str, float]:
        """All metrics of the task."""
        return score(self.task.metrics, labels, decisions, self.task.labels, predictions)

    def fine_tune(
        self,
        branch: Branch,
        hyperparameters: Hyperparameters,
        output_dir: Path,
        cache: TrunkCache | None = None,
    ) -> BranchRecord:
        """Trains `branch` from the pretrained BERT; see `train_branch`.

        Class weights and label smoothing that are off are as the task declares them.
        """
        return train_branch(
            TrainingJob(
                bert=self.bert,
                tokenizer=self.tokenizer,
                branch=branch,
                hyperparameters=with_declared(self.task, hyperparameters),
                train=self.train,
                dev=self.dev,
                score=self.score,
                output_dir=output_dir,
                initialization=as_pretrained(branch),
                cache=cache,
            )
        )

    def distil(
        self,
        teacher: Teacher,
        student_layers: int,
        hyperparameters: Hyperparameters,
        output_dir: Path,
        cache: TrunkCache | None = None,
        method: DistillationMethod = VANILLA_KD,
        initialization: Initialization | None = None,
        teacher_cache_dir: Path | None = None,
        other_teachers: Sequence[Teacher] = (),
    ) -> BranchRecord:
        """Trains a student of `teacher`; see `distill.distillation.distil`.

        A teacher on another BERT has all of this one as its student.

        Raises:
          UserError: As `distil`, and where the teacher is of another task or on another vocabulary.
        """
        teacher.record.check_reads(self.spec, self.tokenizer.digest, str(self.bert.vocab_file))
        return distil(
            teacher,
            student_layers,
            self.tokenizer,
            self.student_train,
            self.dev,
            self.score,
            output_dir,
            with_declared(self.task, hyperparameters),
            method,
            cache,
            initialization,
            teacher_cache_dir,
            None if self.bert.is_the_same(teacher.bert) else self.bert,
            other_teachers,
        )

    def branch_model(self, branch_dir: Path) -> TrainedModel:
        """The branch in a folder, checked to be one of this task and BERT; raises UserError otherwise."""
        return TrainedModel.of_branch(branch_dir, self.bert, self.spec, self.tokenizer.digest)

    def evaluate(
        self, output_dir: Path, batch_size: int, model: TrainedModel | None = None
    ) -> dict[str, float]:
        """Metrics on every dev file there is, written to eval_results.json and, as BERT does, to .txt.

        MNLI's mismatched ones have `_mismatched` behind their names.

        Args:
          output_dir: A finished branch, or where the results of another model go.
          model: None takes the branch in `output_dir`.
        """
        model = model or self.branch_model(output_dir)
        others = {name: self.split(name).rows for name in self._present("dev") if name != "dev"}
        splits = {"dev": self.dev, **others}
        results, losses = {}, {}
        for split, predictions in self._predictions(model, splits, batch_size).items():
            if (labels := splits[split].labels) is None:
                raise UserError(f"{self.task.splits[split]}: there are no labels to evaluate against")
            metrics = self.score(labels, decide(self.spec, predictions), predictions)
            results.update(_named(metrics, split.removeprefix("dev")))
            losses[split] = mean_loss(self.spec, predictions["logits"], labels)
        output_dir.mkdir(parents=True, exist_ok=True)
        write_text(output_dir / EVAL_RESULTS, dump(results))
        text = eval_results_text(results, losses["dev"], model.global_step)
        write_text(output_dir / bert_results.EVAL_RESULTS, text)
        logging.info("%s: %s", self.task.name, results)
        return results

    def predict(self, output_dir: Path, batch_size: int, model: TrainedModel | None = None) -> list[Path]:
        """Writes files of predictions for every test file there is; raises UserError for none.

        The one that whoever scores the task wants, else predictions.tsv with the texts, and test_results.tsv
        as BERT does. Where a test file has labels, their metrics are written to test_results.json.

        Args:
          output_dir, model: As for `evaluate`.
        """
        model = model or self.branch_model(output_dir)
        rows = {name: split.rows for name, split in self.tests.items()}
        written: dict[str, str | None] = {}
        results: dict[str, float] = {}
        for name, predictions in self._predictions(model, rows, batch_size).items():
            decisions = decide(self.spec, predictions)
            submission = self.task.submission(name, self.tests[name].ids, decisions)
            if submission is None:
                text_a, text_b = rows[name].text_a, rows[name].text_b
                table = prediction_table(self.spec, text_a, text_b, predictions)
                submission = Submission(table_file(name), table)
            written[submission.file] = submission.text
            written[prediction_file(name)] = prediction_text(self.spec, predictions)
            if (labels := rows[name].labels) is not None:
                results.update(_named(self.score(labels, decisions, predictions), name.removeprefix("test")))
        if results:
            written[TEST_RESULTS] = dump(results)
            logging.info("%s, test: %s", self.task.name, results)
        files = {output_dir / file: text for file, text in written.items() if text is not None}
        output_dir.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            write_text(file, text)
            logging.info("wrote %s", file)
        return list(files)

    @cached_property
    def _train(self) -> Split:
        return self.split("train")

    @cached_property
    def _dev(self) -> Split:
        return self.split("dev")

    def _present(self, prefix: str) -> list[str]:
        """The splits whose names begin so and whose files, or folders, are there."""
        return [name for name, file in self.task.splits.items() if name.startswith(prefix) and file.exists()]

    def _predictions(
        self, model: TrainedModel, splits: Mapping[str, Encoded], batch_size: int
    ) -> dict[str, Arrays]:
        """What the model answers to every row of every split."""
        estimator = branch_estimator(self.bert, model.branch, model.checkpoint, self.tokenizer.padding_id)
        return {split: predict(estimator, rows, batch_size) for split, rows in splits.items()}


def _named(metrics: Mapping[str, float], ending: str) -> dict[str, float]:
    """The metrics of a split, its ending behind their names."""
    return {f"{name}{ending}": value for name, value in metrics.items()}
