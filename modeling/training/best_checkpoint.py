"""The checkpoint that is kept: the best on dev by the task's own metric, remembered across restarts."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import tensorflow.compat.v1 as tf
from absl import logging

from centrabert.errors import UserError
from centrabert.modeling import checkpoint
from centrabert.modeling.files import write_text
from centrabert.modeling.formats.dataclass_json import read_dataclass
from centrabert.modeling.formats.format import Format, same_keys
from centrabert.modeling.formats.json_file import parse_json, read_text

Metrics = dict[str, float]
# Version 0 was the bare list of evaluations.
FORMAT = Format("judgements.json", version=1, upgrades={0: same_keys})


@dataclass(frozen=True)
class Evaluation:
    """Dev metrics after `step` steps."""

    step: int
    metrics: Metrics


@dataclass(frozen=True)
class History:
    """The keys of judgements.json: all evaluations of a run, in their order."""

    evaluations: tuple[Evaluation, ...]


def best_of(history: list[Evaluation], metric: str) -> Evaluation:
    """The evaluation with the highest metric, the earliest on a tie."""
    return max(history, key=lambda evaluation: (evaluation.metrics[metric], -evaluation.step))


def has_converged(history: list[Evaluation], metric: str, patience: int) -> bool:
    """Whether the last `patience` evaluations brought nothing better; never for patience 0."""
    if not patience or not history:
        return False
    best = best_of(history, metric)
    return sum(evaluation.step > best.step for evaluation in history) >= patience


def read_evaluations(file: Path, metric: str) -> list[Evaluation]:
    """All evaluations of a run, in their order; none as long as there is no file.

    Raises:
      UserError: The file is damaged, or an evaluation lacks `metric`.
    """
    if not file.exists():
        return []
    text = read_text(file)
    if text.lstrip().startswith("["):
        text = f'{{"evaluations": {text}}}'
    keys = FORMAT.upgraded(parse_json(text, str(file)), str(file))
    history = list(read_dataclass(History, keys, str(file)).evaluations)
    if lacking := [each.step for each in history if metric not in each.metrics]:
        raise UserError(f"{file}: the evaluation of step {lacking[0]} has no {metric}")
    return history


class BestCheckpoint(tf.train.CheckpointSaverListener, tf.train.SessionRunHook):
    """Evaluates checkpoints on dev, copies the best one aside, and stops when it does not improve.

    Args:
      folder: Holds the checkpoints, best.ckpt among them.
      file: Where the evaluations are written.
      evaluate: Checkpoint prefix -> dev metrics, and the variables that were tuned on dev or merged to get
        them: those take the place of the checkpoint's own when it is kept.
      is_evaluation_step: Whether the checkpoint of a step is to be evaluated: the one that a stop leaves
        behind is not, so that a resumed run evaluates what an undisturbed one does.
    """

    def __init__(
        self,
        folder: Path,
        file: Path,
        metric: str,
        patience: int,
        names: list[str],
        evaluate: Callable[[str], tuple[Metrics, Mapping[str, npt.NDArray[Any]]]],
        is_evaluation_step: Callable[[int], bool],
    ) -> None:
        self._folder, self._metric, self._patience, self._names = folder, metric, patience, names
        self._evaluate, self._is_evaluation_step = evaluate, is_evaluation_step
        self._file, self.history = file, read_evaluations(file, metric)

    @property
    def converged(self) -> bool:
        return has_converged(self.history, self._metric, self._patience)

    @property
    def best(self) -> Evaluation:
        return best_of(self.history, self._metric)

    def best_prefix(self) -> Path:
        return self._prefix(self.best.step)

    def after_save(self, session: tf.Session, global_step_value: int) -> bool:
        step = int(global_step_value)
        if self._is_evaluation_step(step) and step not in {evaluation.step for evaluation in self.history}:
            metrics, replaced = self._evaluate(str(self._folder / f"model.ckpt-{step}"))
            self._add(Evaluation(step, metrics), replaced)
        return self.converged

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if self.converged:
            run_context.request_stop()

    def end(self, session: tf.Session, global_step_value: int | None = None) -> None:
        """Listener and hook both have an end; neither has anything left to do."""

    def _add(self, evaluation: Evaluation, replaced: Mapping[str, npt.NDArray[Any]]) -> None:
        """Copies first, then records, then forgets the old one: a kill in between loses nothing."""
        step, history = evaluation.step, [*self.history, evaluation]
        if best_of(history, self._metric) is evaluation:
            current = checkpoint.read(self._folder / f"model.ckpt-{step}", self._names)
            checkpoint.write(self._prefix(step), {**current, **replaced})
        write_text(self._file, FORMAT.text(asdict(History(tuple(history)))))
        self.history = history
        self._summarise(evaluation)
        kept = self._prefix(self.best.step).name
        for file in self._folder.glob("best.ckpt-*"):
            if not file.name.startswith(f"{kept}."):
                file.unlink()

    def _summarise(self, evaluation: Evaluation) -> None:
        shown = ", ".join(f"{name} {value:.4f}" for name, value in evaluation.metrics.items())
        logging.info("step %d: %s", evaluation.step, shown)
        values = [
            tf.Summary.Value(tag=f"dev/{name}", simple_value=value)
            for name, value in evaluation.metrics.items()
        ]
        writer = tf.summary.FileWriterCache.get(str(self._folder))
        writer.add_summary(tf.Summary(value=values), evaluation.step)

    def _prefix(self, step: int) -> Path:
        return self._folder / f"best.ckpt-{step}"
