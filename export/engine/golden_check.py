"""Replaying golden answers: an exported model must answer as each branch did when it was trained."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from centrabert.export.engine.tensorflow_engine import Predictor
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
        texts = {"text_a": golden.text_a, **({"text_b": golden.text_b} if task.pair else {})}
        outputs = predictor.predict(task.name, {name: _strings(text) for name, text in texts.items()})
        golden.check(task, outputs, f"{source}: task {task.name}, exported")


def _strings(texts: tuple[str, ...]) -> npt.NDArray[np.object_]:
    return np.array(texts, np.object_)
