"""Declarations of real sets of data, where they are: their rows and labels as published."""

from pathlib import Path
from typing import Any

import pytest
from source_tree import ROOT

from centrabert.glue_data.declared.declaration import Declaration
from centrabert.glue_data.declared_task import DeclaredTask
from centrabert.glue_data.task_lookup import find_task

DATA = ROOT.parent / "shared/data"


def folder(name: str) -> Path:
    if not (DATA / name).is_dir():
        pytest.skip(f"{DATA / name} is absent")
    return DATA / name


@pytest.mark.parametrize(
    ("name", "file", "keys"),
    [
        ("rte", "RTE/dev.tsv", {"text": "sentence1", "text_b": "sentence2"}),
        ("cola", "CoLA/dev.tsv", {"text": "3", "label": "1"}),
        (
            *("stsb", "STS-B/dev.tsv"),
            {"text": "sentence1", "text_b": "sentence2", "label": "score", "kind": "regression"},
        ),
    ],
)
def test_glues_files_as_those_of_a_task_of_ones_own(name: str, file: str, keys: dict[str, Any]) -> None:
    path = folder("glue") / file
    own = DeclaredTask(Declaration(name=name, dev=path, labels=find_task(name).labels, **keys))
    assert own.read("dev") == find_task(name, data_dir=path.parent).read("dev")


@pytest.mark.parametrize(
    ("keys", "labels", "rows"),
    [
        (
            {"data": "tasks/atis", "format": "seq", "kind": "tagging"},
            159,
            {"train": 4478, "dev": 500, "test": 893},
        ),
        (
            {"data": "tasks/smp2019", "format": "centrabert", "label": "domain"},
            29,
            {"train": 1777, "dev": 400},
        ),
        ({"data": "tasks/smp2019", "format": "centrabert"}, 23, {"train": 1777, "dev": 400}),
        (
            {"data": "tasks/smp2019", "format": "centrabert", "kind": "tagging"},
            117,
            {"train": 1777, "dev": 400},
        ),
    ],
)
def test_sets_in_folders(keys: dict[str, Any], labels: int, rows: dict[str, int]) -> None:
    own = DeclaredTask(Declaration(name="own", **{**keys, "data": folder(keys["data"])}))
    assert len(own.labels) == labels
    assert {split: len(own.read(split)) for split in rows} == rows


def test_several_labels_without_a_header() -> None:
    files = folder("tasks/goemotions")
    own = DeclaredTask(
        Declaration(name="own", kind="multilabel", train=files / "dev.tsv", text="0", label="1")
    )
    assert own.labels == tuple(map(str, range(28))) and len(own.read("train")) == 5426


def test_chinese_entities_by_character() -> None:
    file = folder("tasks/cluener") / "dev.conll"
    own = DeclaredTask(Declaration(name="own", kind="tagging", train=file, split="characters"))
    examples = own.read("train")
    assert (len(examples), len(own.labels)) == (1343, 21)
    assert examples.labels is not None
    for text, tags in zip(examples.text_a, examples.labels, strict=True):
        assert len("".join(text.split())) == len(tags)
