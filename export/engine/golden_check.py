"""Replaying golden answers: an exported model must answer as each branch did when it was trained."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from centrabert.export.engine.tensorflow_engine import Arrays, Predictor
from centrabert.modeling.golden import Golden
from centrabert.modeling.task import TaskSpec


def replay(predictor: Predictor, tasks: Mapping[TaskSpec, Golden], source: Path) -> None:
    """Asks each task, through its signature, its golden texts.

    Args:
      source: Where the model comes from, for the message.

    Raises:
      UserError: An answer differs from the golden one; the message names task and text.
    """
    for task, golden in tasks.items():
        golden.check(task, ask(predictor, task, golden), f"{source}: task {task.name}, exported")


def ask(predictor: Predictor, task: TaskSpec, golden: Golden) -> Arrays:
    """What a task's signature answers to its golden texts."""
    texts = {"text_a": golden.text_a, **({"text_b": golden.text_b} if task.pair else {})}
    return predictor.predict(task.name, {name: _strings(text) for name, text in texts.items()})


def _strings(texts: tuple[str, ...]) -> npt.NDArray[np.object_]:
    return np.array(texts, np.object_)
