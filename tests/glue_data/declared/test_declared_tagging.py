"""A declared tagging: its kind, words, metrics and labels, and tags that train never had."""

from pathlib import Path

import numpy as np
import pytest

from centrabert.errors import UserError
from centrabert.glue_data.declared.declaration import Declaration
from centrabert.glue_data.declared_task import DeclaredTask
from centrabert.glue_data.metrics import score
from centrabert.glue_data.task_data import label_array, task_spec

ROWS = {
    "train": [("to new york", "O B-city I-city"), ("red", "B-colour")],
    "dev": [("blue on monday", "B-colour O B-day"), ("york", "B-city")],
}


def folder(root: Path) -> Path:
    for split, rows in ROWS.items():
        (root / split).mkdir()
        for name, column in (("seq.in", 0), ("seq.out", 1)):
            (root / split / name).write_text("".join(f"{row[column]}\n" for row in rows))
    return root


def test_a_declared_tagging(tmp_path: Path, warnings: list[str]) -> None:
    task = DeclaredTask(
        Declaration(name="slots", kind="tagging", output="crf", format="seq", data=folder(tmp_path))
    )
    spec = task_spec(task)
    assert (spec.kind, spec.split, spec.metric) == ("crf_tagging", "whitespace", "entity_f1")
    assert spec.labels == ("O", "B-city", "I-city", "B-colour", "I-colour")
    train, dev = task.read("train"), task.read("dev")
    assert train.labels == (("O", "B-city", "I-city"), ("B-colour",))
    assert dev.labels == (("B-colour", "O", "B-(unseen)"), ("B-city",))
    (warning,) = warnings
    assert "1 tags that train never had, which count as entities that are not found, the first is" in warning
    encoded = label_array(task, dev)
    assert encoded is not None
    assert encoded.tolist() == [[3, 0, 5], [1, -1, -1]]
    found = np.array([[3, 0, 0], [1, -1, -1]])  # all that the model can know
    metrics = score(task.metrics, encoded, found, task.labels)
    assert metrics == {"entity_f1": 2 * 2 / 5, "strict_entity_f1": 2 * 2 / 5, "tag_accuracy": 3 / 4}


def test_declared_types_are_all_there_are(tmp_path: Path) -> None:
    declared = Declaration(
        name="slots", kind="tagging", format="seq", data=folder(tmp_path), labels=("city", "colour")
    )
    with pytest.raises(UserError, match="word 3: tag 'B-day' is none of those that the task declares"):
        DeclaredTask(declared).read("dev")
