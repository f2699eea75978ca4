"""Several trainings of one task as one teacher: what they say in the mean."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from centrabert.distill.state_file import StateFile
from centrabert.distill.teacher import LOGITS, Teacher
from centrabert.errors import UserError
from centrabert.modeling.layers.layer_states import LayerState
from centrabert.modeling.training.token_dataset import Encoded, RowFeature, Rows


@dataclass(frozen=True)
class MeanState:
    """The mean of a state of several teachers, as a feature of the rows."""

    files: Sequence[StateFile]

    def batch(self, rows: Rows, length: int) -> npt.NDArray[np.float32]:
        """float32 [batch, ...]; see `StateFile.batch`."""
        return np.mean([file.batch(rows, length) for file in self.files], axis=0, dtype=np.float32)


@dataclass(frozen=True)
class Teachers:
    """A teacher, and others whose answers count as its own do.

    The mean of logits is the geometric mean of probabilities, but for their sum; so it is with a CRF, whose
    scores between tags are averaged too.

    Attributes:
      first: The one whose layers a student starts from and is compared with.
      others: Trainings of the same task with as many layers, such as those with other seeds.

    Raises:
      UserError: One of the others is of another task or tunes another number of layers, or two are the same.
    """

    first: Teacher
    others: tuple[Teacher, ...] = ()

    def __post_init__(self) -> None:
        of_first = self.first.record.branch
        for other in self.others:
            branch = other.record.branch
            if branch.task != of_first.task:
                raise UserError(
                    f"--other_teachers: {other.folder} is of another task than {self.first.folder}, or its "
                    "labels, length or pooling differ; give trainings that differ in their seeds"
                )
            if branch.frozen != of_first.frozen:
                raise UserError(
                    f"--other_teachers: {other.folder} has {branch.tuned} layers of its own, and "
                    f"{self.first.folder} has {of_first.tuned}; give branches with as many"
                )
        digests = [each.record.digest for each in (self.first, *self.others)]
        for number, other in enumerate(self.others, start=1):
            if digests.index(digests[number]) < number:
                raise UserError(f"--other_teachers: {other.folder} is given twice")

    def check_vocabulary(self, digest: str, source: str) -> None:
        """Raises UserError where a teacher was trained with another vocabulary than that in `source`."""
        for each in (self.first, *self.others):
            each.record.check_reads(self.first.record.branch.task, digest, source)

    def states(
        self, rows: Encoded, wanted: Collection[LayerState], batch_size: int, cache_dir: Path
    ) -> dict[str, RowFeature]:
        """The mean of all logits, and the states `wanted` of the first teacher; see `Teacher.states`."""
        states = self.first.states(rows, wanted, batch_size, cache_dir)
        others = [each.states(rows, (), batch_size, cache_dir)[LOGITS] for each in self.others]
        return {**states, LOGITS: MeanState((states[LOGITS], *others)) if others else states[LOGITS]}

    @cached_property
    def head_variables(self) -> dict[str, npt.NDArray[Any]]:
        """The mean of the heads' variables, by the names of `TaskKind.head_shapes`."""
        heads = [each.head_variables for each in (self.first, *self.others)]
        return {name: np.mean([head[name] for head in heads], axis=0) for name in heads[0]}

    def to_json(self) -> dict[str, Any]:
        """The digests of the others, if there are any."""
        return {"other_teachers": [each.record.digest for each in self.others]} if self.others else {}
