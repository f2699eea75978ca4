"""The variables of a branch, proved to be the ones that its branch.json describes."""

from pathlib import Path

from centrabert.errors import UserError
from centrabert.modeling import checkpoint
from centrabert.modeling.branch_folder import CHECKPOINT, BranchRecord, first_difference
from centrabert.modeling.digest import tensor_digests


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
