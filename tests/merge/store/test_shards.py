"""Joined checkpoints: every variable as it was, and not a byte of it written again."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from centrabert.merge.store import shards
from centrabert.merge.store.shards import Shard, join
from centrabert.modeling import checkpoint

PARTS = {"trunk": {"bert/a": (3, 4), "bert/b": (5,)}, "rte": {"rte/x": (2, 2)}, "sst2": {"sst2/x": (7,)}}


def written(folder: Path) -> tuple[list[Shard], checkpoint.Tensors]:
    random = np.random.default_rng(0)
    whole = {}
    for part, shapes in PARTS.items():
        tensors = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        checkpoint.write(folder / part, tensors)
        whole.update(tensors)
    return [Shard.of(folder / part) for part in PARTS], whole


@pytest.mark.parametrize("linked", [True, False])
def test_joined_shards_hold_every_variable(
    linked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, whole = written(tmp_path)
    if not linked:

        def refuse(*paths: Path) -> None:
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(shards.os, "link", refuse)
    (tmp_path / "joined").mkdir()
    join(parts, tmp_path / "joined" / "variables")
    found = checkpoint.read(tmp_path / "joined" / "variables")
    assert found.keys() == whole.keys()
    assert all(np.array_equal(found[name], whole[name]) for name in whole)
    data = sorted((tmp_path / "joined").glob("*.data-*"))
    assert [file.name for file in data] == [f"variables.data-0000{n}-of-00003" for n in range(3)]
    same = [os.path.samefile(file, part.data) for file, part in zip(data, parts, strict=True)]
    assert same == [linked] * 3
    assert {file.name for file in (tmp_path / "joined").iterdir()} == {
        "variables.index",
        *(file.name for file in data),
    }
    assert all(part.data.is_file() and part.index.is_file() for part in parts)
