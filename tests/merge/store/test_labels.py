"""Labels: where they point, and back through where they pointed."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from centrabert.errors import UserError
from centrabert.merge.store.labels import Labels, Move, read_labels, write_labels
from centrabert.merge.store.sealed_json import write_sealed
from centrabert.merge.store.store_folder import StoreFolder
from centrabert.merge.store.version_record import Author
from centrabert.modeling.formats.format import Format

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


def test_a_label_that_was_removed_begins_anew() -> None:
    labels = moved(1, 3).removed("stable", ALICE)
    assert (labels.versions, labels.last) == ({}, {"stable": None})
    for verb in (labels.removed, labels.rolled_back):
        with pytest.raises(UserError, match="there is no label 'stable'; there are: none yet"):
            verb("stable", ALICE)
    again = labels.moved("stable", Move(4, ALICE, "promote"))
    assert again.versions == {"stable": 4}
    with pytest.raises(UserError, match="label 'stable' pointed nowhere before version 4"):
        again.rolled_back("stable", ALICE)
    told = {
        number: [f"{label}: {move.reason}" for label, move in moves]
        for number, moves in again.by_version.items()
    }
    removed = "stable: remove the label"
    assert told == {1: ["stable: promote"], 3: ["stable: promote", removed], 4: ["stable: promote"]}


def test_labels_of_the_first_format_are_read(tmp_path: Path) -> None:
    """In which no label could be removed."""
    folder = StoreFolder(tmp_path)
    write_sealed(folder.labels, Format("labels.json", 1), asdict(moved(1, 3)))
    assert read_labels(folder) == moved(1, 3)
    gone = moved(1).removed("stable", ALICE)
    write_labels(folder, gone)
    assert read_labels(folder) == gone
    assert json.loads(folder.labels.read_text())["format_version"] == 2


def test_a_label_is_known_and_has_a_name() -> None:
    with pytest.raises(UserError, match="there is no label 'canary'; there are: stable"):
        moved(1).rolled_back("canary", ALICE)
    for name in ("", "Stable", "7", "../x", "a b"):
        with pytest.raises(UserError, match="wanted a name such as stable"):
            moved(1).moved(name, Move(1, ALICE, "promote"))
