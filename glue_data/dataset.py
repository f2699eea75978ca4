"""A split of a GLUE task as encoded rows with numeric labels."""

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from centrabert.glue_data.example import Example
from centrabert.glue_data.glue_tasks import GlueTask
from centrabert.glue_data.reader import read
from centrabert.modeling.kinds.registry import KINDS
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
    return encode(tokenizer, spec, text_a, text_b, numeric_labels(examples, spec))


def numeric_labels(examples: Sequence[Example], spec: TaskSpec) -> npt.NDArray[np.generic] | None:
    """The labels as training reads them, [rows, ...]; None if the rows have none."""
    if any(row.label is None for row in examples):
        return None
    return KINDS[spec.kind].encode_labels([row.label for row in examples], spec.labels)
