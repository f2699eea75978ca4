"""Labels: where they point, and back through where they pointed."""

import pytest

from centrabert.errors import UserError
from centrabert.merge.store.labels import Labels, Move
from centrabert.merge.store.version_record import Author

ALICE = Author("alice", "2026-01-02T03:04:05+00:00", "")


def moved(*versions: int) -> Labels:
    labels = Labels({})
    for version in versions:
        labels = labels.moved("stable", Move(version, ALICE, "promote"))
    return labels


def test_roll_back_goes_back_step_by_step() -> None:
    labels = moved(1, 3, 3, 4)
    pointed = []
    for _ in range(2):
        labels = labels.rolled_back("stable", ALICE)
        pointed.append(labels.versions["stable"])
    assert pointed == [3, 1]
    with pytest.raises(UserError, match="label 'stable' pointed nowhere before version 1"):
        labels.rolled_back("stable", ALICE)
    again = labels.moved("stable", Move(5, ALICE, "promote"))
    assert again.rolled_back("stable", ALICE).versions == {"stable": 1}


def test_a_label_is_known_and_has_a_name() -> None:
    with pytest.raises(UserError, match="there is no label 'canary'; there are: stable"):
        moved(1).rolled_back("canary", ALICE)
    for name in ("", "Stable", "7", "../x", "a b"):
        with pytest.raises(UserError, match="wanted a name such as stable"):
            moved(1).moved(name, Move(1, ALICE, "promote"))
