"""A checkpoint of the original CentraBERT code: its branches read as branches of today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import first_difference
from centrabert.modeling.checkpoint import Tensors
from centrabert.modeling.config import BertConfig
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.kinds.task_kind import BIAS, WEIGHTS
from centrabert.modeling.migration.original_names import (
    AROUND,
    TRANSPOSED,
    OriginalBranch,
    find_branch,
    head_labels,
    partition,
)
from centrabert.modeling.task import TaskSpec

NEVER = -10000.0  # the logit of a tag that the original's head does not have


@dataclass(frozen=True)
class OriginalCheckpoint:
    """The checkpoint with a task's branch in it.

    Attributes:
      prefix: Of the checkpoint.
      task: What the branch answers.
      labels: In the order of the checkpoint's head; () takes them as the original sorts those of `task`.

    Raises:
      UserError: `labels` are not those of the task.
    """

    prefix: Path
    task: TaskSpec
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given, known = set(self.head_labels), set(head_labels(self.task))
        missing = set() if self.task.split else known - given
        if len(given) < len(self.head_labels) or given - known or missing:
            raise UserError(
                f"--head_labels={','.join(self.head_labels)}: wanted each of {', '.join(sorted(known))} once"
            )

    @property
    def head_labels(self) -> tuple[str, ...]:
        return self.labels or head_labels(self.task)

    @cached_property
    def shapes(self) -> dict[str, scopes.Shape]:
        return checkpoint.shapes(self.prefix)

    def has(self, scope: str) -> bool:
        return scope in partition(self.shapes, str(self.prefix))

    def read(self, scope: str, config: BertConfig) -> tuple[Branch, Tensors]:
        """The branch in `scope` and the variables that it owns.

        Raises:
          UserError: There is none, or it has not exactly the variables of a branch of the task.
        """
        original = find_branch(self.shapes, scope, self.task, str(self.prefix))
        branch = Branch(self.task, original.frozen, original.tuned)
        self._check_shapes(original, branch, config)
        stored = checkpoint.read(self.prefix, list(original.names.values()))
        if other := sorted(name for name, tensor in stored.items() if tensor.dtype != np.float32):
            raise UserError(f"{self.prefix}: not float32: {', '.join(other)}")
        tensors = {name: stored[theirs] for name, theirs in original.names.items()}
        return branch, {**tensors, **self._head(tensors, original)}

    def _check_shapes(self, original: OriginalBranch, branch: Branch, config: BertConfig) -> None:
        labels = len(self.head_labels)
        wanted = branch.owned_shapes(config) | {WEIGHTS: (labels, config.hidden_size), BIAS: (labels,)}
        found = {name: self.shapes[theirs] for name, theirs in original.names.items()}
        if original.names[WEIGHTS].endswith(TRANSPOSED):
            found[WEIGHTS] = found[WEIGHTS][::-1]
        if found[WEIGHTS] != wanted[WEIGHTS] and found[WEIGHTS][1:] == wanted[WEIGHTS][1:]:
            raise UserError(
                f"{self.prefix}: {original.names[WEIGHTS]} is for {found[WEIGHTS][0]} labels, but there are "
                f"{labels}: {', '.join(self.head_labels)}; name those of the checkpoint by --head_labels"
            )
        checkpoint.match(wanted, found, f"{self.prefix}: branch {original.scope}")

    def _head(self, tensors: Tensors, original: OriginalBranch) -> Tensors:
        """The head with a row for each label of the task, in its order."""
        weights, bias = tensors[WEIGHTS], tensors[BIAS]
        if original.names[WEIGHTS].endswith(TRANSPOSED):
            weights = weights.T
        places = {label: place for place, label in enumerate(self.head_labels)}
        rows = [places.get(label) for label in self.task.labels]
        nothing = np.zeros_like(weights[0])
        return {
            WEIGHTS: np.stack([nothing if row is None else weights[row] for row in rows]),
            BIAS: np.array([NEVER if row is None else bias[row] for row in rows], np.float32),
        }

    def check_trunk(self, names: Sequence[str], bert: BertFolder) -> dict[str, str]:
        """Compares the variables that a branch shares with those of `bert`, bit for bit.

        Returns:
          Their SHA-256, by name.

        Raises:
          UserError: It names the lowest that differs, and by how much.
        """
        theirs, ours = checkpoint.read(self.prefix, names), bert.read(list(names))
        checkpoint.match(_shapes(ours), _shapes(theirs), str(self.prefix))
        digests = tensor_digests(ours)
        if name := first_difference(digests, tensor_digests(theirs)):
            largest = np.abs(ours[name].astype(np.float64) - theirs[name]).max()
            raise UserError(
                f"{self.prefix}: did not grow on {bert.checkpoint}: {name} differs by up to {largest:.3g}; "
                "give the BERT that the branch was trained on"
            )
        return digests

    def notes(self) -> list[str]:
        """What the user should know of the head."""
        if not self.task.split:
            return []
        notes = [f"the tags {' and '.join(AROUND)} are left out: a word has never one of them"]
        if never := [label for label in self.task.labels if label not in self.head_labels]:
            notes.append(f"the checkpoint never gives the tags {', '.join(never)}, and so will the branch")
        return notes


def _shapes(tensors: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, scopes.Shape]:
    return {name: tensor.shape for name, tensor in tensors.items()}
