"""One task's model as Transformers reads it: a BERT for sequence or for token classification."""

from pathlib import Path
from typing import Any

import numpy as np

from centrabert.errors import UserError
from centrabert.modeling.checkpoint import Tensors
from centrabert.modeling.convert import huggingface_folder
from centrabert.modeling.kinds.multilabel import THRESHOLDS
from centrabert.modeling.kinds.task_kind import BIAS, TOKENS, WEIGHTS
from centrabert.modeling.layers.heads import HEAD_DROPOUT
from centrabert.modeling.migration.task_model import TaskModel
from centrabert.modeling.task import TaskSpec

SEQUENCES, TOKEN_BY_TOKEN = "BertForSequenceClassification", "BertForTokenClassification"
# By kind: the class that computes the same logits, and which of its losses is the kind's.
CLASSES: dict[str, tuple[str, str | None]] = {
    "classification": (SEQUENCES, "single_label_classification"),
    "multilabel": (SEQUENCES, "multi_label_classification"),
    "regression": (SEQUENCES, "regression"),
    "tagging": (TOKEN_BY_TOKEN, None),
}
NAMES = {WEIGHTS: "classifier.weight", BIAS: "classifier.bias"}
SCORE = "score"  # what the one output of a regression is called


def write(model: TaskModel, folder: Path) -> list[str]:
    """Writes config.json, model.safetensors and the tokenizer into `folder`.

    Returns:
      Notes on what Transformers does not do by itself.

    Raises:
      UserError: Transformers has no class that computes what the task does.
    """
    check(model.task)
    keys = config_keys(model.task, model.head)
    head = {NAMES[name]: tensor for name, tensor in model.head.items() if name in NAMES}
    huggingface_folder.write(model.bert, folder, head, keys)
    return _notes(model.task, keys)


def check(task: TaskSpec) -> None:
    """Raises UserError, which says what to do, unless Transformers has a class for the task."""
    otherwise = "write it with --to=google, whose checkpoint holds every variable"
    if task.kind not in CLASSES:
        raise UserError(
            f"task {task.name}: Transformers has no BERT with the head of a {task.kind}: its token "
            f"classification knows no transitions between tags; {otherwise}"
        )
    if task.reads not in ("cls", TOKENS):
        raise UserError(
            f"task {task.name}: reads the {task.reads} of all tokens, which no class of Transformers for "
            f"whole texts does: they read the pooled [CLS]; {otherwise}"
        )


def config_keys(task: TaskSpec, head: Tensors) -> dict[str, Any]:
    """The keys of config.json beside the encoder's.

    `thresholds`, the probability from which on a text has a label, is a key of our own, for a multi-label
    task; Transformers keeps it and does not use it.
    """
    architecture, problem = CLASSES[task.kind]
    labels = task.labels or (SCORE,)
    keys = {
        "architectures": [architecture],
        "num_labels": len(labels),
        "id2label": {str(place): label for place, label in enumerate(labels)},
        "label2id": {label: place for place, label in enumerate(labels)},
        "classifier_dropout": HEAD_DROPOUT,
        **({"problem_type": problem} if problem else {}),
    }
    if THRESHOLDS in head:
        probabilities = 1 / (1 + np.exp(-head[THRESHOLDS].astype(np.float64)))
        keys["thresholds"] = dict(zip(labels, probabilities.tolist(), strict=True))
    return keys


def _notes(task: TaskSpec, keys: dict[str, Any]) -> list[str]:
    notes = [f"{keys['architectures'][0]}, {keys.get('problem_type', 'token by token')}"]
    if task.split:
        notes.append(
            f"the first piece of a word tells its tag, with words of split={task.split!r}; a pipeline of "
            "Transformers reads tags so with aggregation_strategy='first'"
        )
    if thresholds := keys.get("thresholds"):
        listed = ", ".join(f"{label} from {value:.4g}" for label, value in thresholds.items())
        notes.append(f"thresholds, which the caller applies: {listed}")
    return notes
