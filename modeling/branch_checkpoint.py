"""The variables of a branch: proved to be those of its branch.json; the units of its head."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling import checkpoint
from centrabert.modeling.branch_folder import CHECKPOINT, BranchRecord, first_difference
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import UNSCALED, LabelScale
from centrabert.modeling.task import TaskSpec

TEACHER_HEAD = "teacher_head.ckpt"


def read_owned(folder: Path, record: BranchRecord) -> checkpoint.Tensors:
    """Reads the checkpoint of a branch folder.

    Raises:
      UserError: It does not hold exactly what `record` says, bit for bit; names the first variable.
    """
    prefix = folder / CHECKPOINT
    expected = record.branch.owned_shapes(record.config)
    checkpoint.match(expected, checkpoint.shapes(prefix), str(prefix))
    owned = checkpoint.read(prefix, list(expected))
    if name := first_difference(record.variables, tensor_digests(owned)):
        raise UserError(
            f"{folder}: the checkpoint is not the one of its branch.json: {name} differs; copy the folder "
            "again or train the branch again"
        )
    return owned


def label_scale(task: TaskSpec, labels: npt.NDArray[Any] | None) -> LabelScale:
    """The units in which the task's head is trained on rows with these labels.

    Only the checkpoints of a running training are in them; a branch, and so all that is made of it, is in the
    units of the labels.
    """
    return UNSCALED if labels is None else KINDS[task.kind].label_scale(labels)


def in_label_units(task: TaskSpec, tensors: checkpoint.Tensors, scale: LabelScale) -> checkpoint.Tensors:
    """All variables of a branch with its head in the units of the labels."""
    return tensors if scale == UNSCALED else {**tensors, **KINDS[task.kind].scaled(tensors, scale)}


def teacher_sources(
    task: TaskSpec, teacher: Path, names: Mapping[str, str], scale: LabelScale, folder: Path
) -> dict[Path, Mapping[str, str]]:
    """Where a student's variables start from, checkpoint -> variable -> its name there.

    Args:
      teacher: The prefix of the teacher's checkpoint, whose head is in the units of the labels.
      names: What starts as one of its variables, by its name there.
      folder: Gets a copy of the teacher's head in the units of `scale`, where they are others.
    """
    if scale == UNSCALED:
        return {teacher: names}
    head = KINDS[task.kind].scaled(checkpoint.read(teacher), scale.inverse)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint.write(folder / TEACHER_HEAD, head)
    return {
        teacher: {name: there for name, there in names.items() if there not in head},
        folder / TEACHER_HEAD: {name: there for name, there in names.items() if there in head},
    }
