"""Which rows of train become dev where there is no file for it: seeded, and stratified by label."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError

SEED = 0


def rarest_labels(labels: Sequence[Sequence[str]]) -> list[str]:
    """For each row the one of its labels that fewest rows have, of equals the first; "" for none.

    Strata of rows with several labels: each label, the rare ones above all, has a like share of dev.
    """
    counts = Counter(label for row in labels for label in row)
    return [min(row, key=lambda label: (counts[label], label), default="") for row in labels]


def dev_rows(labels: Sequence[Sequence[str]], fraction: float) -> npt.NDArray[np.int64]:
    """The numbers of the rows that become dev, ascending: the same ones whenever the labels are the same.

    The strata are the rows with one `rarest_labels`. Of each a share as near to `fraction` as whole rows
    allow becomes dev, and train keeps a row of every label. All together they are round(fraction * rows),
    fewer where many labels have a single row.

    Args:
      labels: Those of each row; empty where rows have none, which are one stratum.

    Raises:
      UserError: Dev would have no row.
    """
    wanted = round(fraction * len(labels))
    members: dict[str, list[int]] = {}
    for row, stratum in enumerate(rarest_labels(labels)):
        members.setdefault(stratum, []).append(row)
    random = np.random.default_rng(SEED)
    # Whole rows first, then the strata with the largest remainders; a stratum of one row stays in train.
    shares = {stratum: fraction * len(rows) for stratum, rows in members.items()}
    taken = {stratum: int(share) for stratum, share in shares.items()}
    missing = wanted - sum(taken.values())
    for stratum in sorted(members, key=lambda stratum: taken[stratum] - shares[stratum]):
        if missing > 0 and taken[stratum] + 1 < len(members[stratum]):
            taken[stratum] += 1
            missing -= 1
    in_train = Counter(label for row in labels for label in row)
    chosen: list[int] = []
    for stratum, rows in members.items():
        for row in random.permutation(rows):
            if taken[stratum] and all(in_train[label] > 1 for label in labels[row]):
                taken[stratum] -= 1
                in_train.subtract(labels[row])
                chosen.append(row)
    if not chosen:
        fix = "raise it" if not wanted else "each row has a label that no other row has; give a dev file"
        raise UserError(f"dev_fraction {fraction:g} of {len(labels)} rows leaves dev without any; {fix}")
    return np.sort(np.array(chosen, np.int64))
