"""A split of a GLUE task as encoded rows with numeric labels."""

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from centrabert.glue_data.example import Example
from centrabert.glue_data.glue_tasks import GlueTask
from centrabert.glue_data.reader import read
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.training.token_dataset import Encoded, encode


def load(
    task: GlueTask, spec: TaskSpec, data_dir: str | os.PathLike[str], split: str, tokenizer: Tokenizer
) -> Encoded:
    """Reads and tokenises a split.

    Returns:
      The rows in the file's order; labels are int32 classes, float32 scores, or None in a test split.

    Raises:
      UserError: As `read`.
    """
    examples = read(task, data_dir, split)
    text_a, text_b = [row.text_a for row in examples], [row.text_b for row in examples]
    return encode(tokenizer, spec, text_a, text_b, numeric_labels(examples, task.labels))


def numeric_labels(
    examples: Sequence[Example], labels: Sequence[str]
) -> npt.NDArray[np.int32] | npt.NDArray[np.float32] | None:
    """int32 places in `labels`, float32 scores where there are no `labels`, None if the rows have none."""
    if any(row.label is None for row in examples):
        return None
    if not labels:
        return np.array([row.label for row in examples], np.float32)
    places = {label: place for place, label in enumerate(labels)}
    return np.array([places[str(row.label)] for row in examples], np.int32)
