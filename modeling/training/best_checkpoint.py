"""The checkpoint that is kept: the best on dev by the task's own metric, remembered across restarts."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging

from centrabert.modeling import checkpoint
from centrabert.modeling.files import write_text

Metrics = dict[str, float]


@dataclass(frozen=True)
class Judgement:
    """Dev metrics after `step` steps."""

    step: int
    metrics: Metrics


def best_of(history: list[Judgement], metric: str) -> Judgement:
    """The judgement with the highest metric, the earliest on a tie."""
    return max(history, key=lambda judgement: (judgement.metrics[metric], -judgement.step))


def has_converged(history: list[Judgement], metric: str, patience: int) -> bool:
    """Whether the last `patience` judgements brought nothing better; never for patience 0."""
    if not patience or not history:
        return False
    best = best_of(history, metric)
    return sum(judgement.step > best.step for judgement in history) >= patience


def read_judgements(file: Path) -> list[Judgement]:
    """All judgements of a run, in their order; none as long as there is no file."""
    if not file.exists():
        return []
    records = json.loads(file.read_text(encoding="utf-8"))
    return [Judgement(record["step"], record["metrics"]) for record in records]


class BestCheckpoint(tf.train.CheckpointSaverListener, tf.train.SessionRunHook):
    """Judges the checkpoints that are due, copies the best one aside, and stops when it does not improve.

    Args:
      folder: Holds the checkpoints, best.ckpt among them.
      file: Where the judgements are written.
      judge: Checkpoint prefix -> dev metrics.
      due: Whether the checkpoint of a step is to be judged: the one that a stop leaves behind is not, so
        that a resumed run judges what an undisturbed one does.
    """

    def __init__(
        self,
        folder: Path,
        file: Path,
        metric: str,
        patience: int,
        names: list[str],
        judge: Callable[[str], Metrics],
        due: Callable[[int], bool],
    ) -> None:
        self._folder, self._metric, self._patience, self._names = folder, metric, patience, names
        self._judge, self._due = judge, due
        self._file, self.history = file, read_judgements(file)

    @property
    def converged(self) -> bool:
        return has_converged(self.history, self._metric, self._patience)

    @property
    def best(self) -> Judgement:
        return best_of(self.history, self._metric)

    def best_prefix(self) -> Path:
        return self._prefix(self.best.step)

    def after_save(self, session: tf.Session, global_step_value: int) -> bool:
        step = int(global_step_value)
        if self._due(step) and step not in {judgement.step for judgement in self.history}:
            self._add(Judgement(step, self._judge(str(self._folder / f"model.ckpt-{step}"))))
        return self.converged

    def after_run(self, run_context: Any, run_values: Any) -> None:
        if self.converged:
            run_context.request_stop()

    def end(self, session: tf.Session, global_step_value: int | None = None) -> None:
        """Listener and hook both have an end; neither has anything left to do."""

    def _add(self, judgement: Judgement) -> None:
        """Copies first, then records, then forgets the old one: a kill in between loses nothing."""
        step, history = judgement.step, [*self.history, judgement]
        if best_of(history, self._metric) is judgement:
            current = checkpoint.read(self._folder / f"model.ckpt-{step}", self._names)
            checkpoint.write(self._prefix(step), current)
        records = [{"step": each.step, "metrics": each.metrics} for each in history]
        write_text(self._file, json.dumps(records, indent=2) + "\n")
        self.history = history
        self._summarise(judgement)
        kept = self._prefix(self.best.step).name
        for file in self._folder.glob("best.ckpt-*"):
            if not file.name.startswith(f"{kept}."):
                file.unlink()

    def _summarise(self, judgement: Judgement) -> None:
        shown = ", ".join(f"{name} {value:.4f}" for name, value in judgement.metrics.items())
        logging.info("step %d: %s", judgement.step, shown)
        values = [
            tf.Summary.Value(tag=f"dev/{name}", simple_value=value)
            for name, value in judgement.metrics.items()
        ]
        writer = tf.summary.FileWriterCache.get(str(self._folder))
        writer.add_summary(tf.Summary(value=values), judgement.step)

    def _prefix(self, step: int) -> Path:
        return self._folder / f"best.ckpt-{step}"
