"""The whole job on several tasks: full fine-tuning, teacher, student, merged model, SavedModel, answers."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from centrabert.distill.teacher import Teacher
from centrabert.errors import UserError
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.export_version import export
from centrabert.glue_data.metrics import score
from centrabert.merge.merge_branches import merge
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.convert import conversion
from centrabert.modeling.files import write_text
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.tagging import NO_TAG
from centrabert.modeling.training.hyperparameters import Hyperparameters
from centrabert.modeling.training.token_dataset import sorted_batches
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.task_runner import TaskRunner

BATCH = 32


@dataclass(frozen=True)
class Trained:
    """One training.

    Attributes:
      seconds: Wall time, or None if it was resumed and so not timed as a whole.
    """

    folder: Path
    record: BranchRecord
    seconds: float | None

    @property
    def metric(self) -> float:
        return self.record.metrics[self.record.branch.task.metric]


@dataclass(frozen=True)
class Pipeline:
    """Where things go, and how deep branches are.

    Attributes:
      fine_tuning_layers: L of the teachers.
      student_layers: l of the students.
      cache: Keeps the frozen layers' outputs, for teachers and students.
    """

    output_dir: Path
    fine_tuning_layers: int
    student_layers: int
    cache: TrunkCache | None = None

    def full(self, runner: TaskRunner, hyperparameters: Hyperparameters) -> Trained:
        """The baseline, in which everything trains."""
        branch = Branch(runner.spec, 0, runner.bert.config().num_hidden_layers, full_fine_tuning=True)
        folder = self._folder("full", runner)
        return _timed(runner, folder, lambda: runner.fine_tune(branch, hyperparameters, folder))

    def teacher(self, runner: TaskRunner, hyperparameters: Hyperparameters) -> Trained:
        layers = runner.bert.config().num_hidden_layers
        branch = Branch.teacher(runner.spec, self.fine_tuning_layers, layers)
        folder = self._folder("teacher", runner)
        return _timed(runner, folder, lambda: runner.fine_tune(branch, hyperparameters, folder, self.cache))

    def student(self, runner: TaskRunner, hyperparameters: Hyperparameters) -> Trained:
        teacher = Teacher(self._folder("teacher", runner), runner.bert)
        folder = self._folder("student", runner)
        return _timed(
            runner,
            folder,
            lambda: runner.distil(teacher, self.student_layers, hyperparameters, folder, self.cache),
        )

    def serve(self, bert_dir: Path, students: Sequence[Trained]) -> Path:
        """Merges the students and exports the result; returns the version's folder."""
        merged, serving = self.output_dir / "merged", self.output_dir / "serving"
        for folder in (merged, serving):  # cheap to make, and an earlier run may have been cut short
            shutil.rmtree(folder, ignore_errors=True)
        merge(bert_dir, [student.folder for student in students], merged)
        return export(merged, serving, 1)

    def _folder(self, kind: str, runner: TaskRunner) -> Path:
        return self.output_dir / kind / runner.task.name


def served_metric(predictor: Predictor, runner: TaskRunner) -> float:
    """The task's metric on dev when every row is asked of the SavedModel as raw text."""
    dev, spec = runner.dev, runner.spec
    if dev.labels is None:
        raise UserError(f"{runner.task.splits['dev']}: there are no labels to evaluate against")
    text_a, text_b = np.array(dev.text_a, np.object_), np.array(dev.text_b, np.object_)
    plan = sorted_batches(dev.lengths, BATCH)
    decided: list[Any] = []
    for rows in plan:
        texts = {"text_a": text_a[rows], **({"text_b": text_b[rows]} if spec.pair else {})}
        answers = predictor.predict(spec.name, texts)
        decided += KINDS[spec.kind].decide(answers, spec.labels).tolist()
    decisions = np.array(list(zip_longest(*decided, fillvalue=NO_TAG))).T if dev.words else np.array(decided)
    labels = dev.labels[np.concatenate(plan)]
    return score((spec.metric,), labels, decisions, spec.labels, {})[spec.metric]


def _timed(runner: TaskRunner, folder: Path, train: Callable[[], BranchRecord]) -> Trained:
    """Trains, and keeps the seconds beside the branch for the next time it is only read."""
    _ = runner.train, runner.dev  # reading and tokenising is not training
    file = folder / "seconds.json"
    fresh, start = not folder.exists(), time.perf_counter()
    record = train()
    if fresh:
        write_text(file, json.dumps(time.perf_counter() - start))
    return Trained(folder, record, json.loads(file.read_text()) if file.exists() else None)


def minilm(folder: Path) -> BertFolder:
    """The small pretrained encoder as a Google BERT folder, converted unless it is there."""
    if not folder.exists():
        pretrained = conversion.Source("minilm").read()
        conversion.write(conversion.initialise_pooler(pretrained, True, None, 0), "google", folder)
    return BertFolder.at(folder)
