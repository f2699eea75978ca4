"""Shards of a Hugging Face model, and the index that says what each holds."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pretrained_folders import WEIGHTS, assert_bits_equal, huggingface_folder, huggingface_tensors
from safetensors.numpy import save_file

from centrabert.modeling.convert.conversion import Source

FIRST, SECOND = (f"model-0000{i}-of-00002.safetensors" for i in (1, 2))
BIAS = "pooler.dense.bias"


def sharded_folder(folder: Path, places: dict[str, Any] | None = None, more: str | None = None) -> Path:
    """Every second variable in every second shard.

    Args:
      places: Instead of where the index says that variables are.
      more: A variable that the second shard holds, too.
    """
    huggingface_folder(folder)
    (folder / "model.safetensors").unlink()
    tensors = huggingface_tensors()
    right = {name: (FIRST, SECOND)[i % 2] for i, name in enumerate(sorted(tensors))}
    for shard in (FIRST, SECOND):
        held = {name: tensor for name, tensor in tensors.items() if right[name] == shard}
        extra = {more: np.zeros(1, np.float32)} if more and shard == SECOND else {}
        save_file({**held, **extra}, folder / shard)
    index = {"metadata": {"total_size": 1}, "weight_map": {**right, **(places or {})}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_all_shards_are_read(tmp_path: Path) -> None:
    pretrained = Source(str(sharded_folder(tmp_path / "a"))).read()
    assert_bits_equal(pretrained.tensors, WEIGHTS)
    assert pretrained.notes == ()


def test_one_file_goes_before_shards(tmp_path: Path) -> None:
    folder = sharded_folder(tmp_path / "a", {"none": "absent.safetensors"})
    save_file(huggingface_tensors(), folder / "model.safetensors")
    assert_bits_equal(Source(str(folder)).read().tensors, WEIGHTS)


def test_index_and_shards_contradict_each_other(tmp_path: Path) -> None:
    names = sorted(huggingface_tensors())
    first = names[0]  # in FIRST
    for number, (places, more, message) in enumerate(
        [
            (
                {"none": "absent.safetensors"},
                None,
                r"absent\.safetensors: no such file, but .*index\.json",
            ),
            ({}, "stray", rf"{SECOND}: holds stray, which is not in .*index\.json"),
            ({}, first, rf"{SECOND}: holds {first}, which by .*index\.json is in {FIRST}"),
            ({"none": SECOND}, None, rf"{SECOND}: lacks none, which by .*index\.json it holds"),
            ({"none": "../a.safetensors"}, None, r"the shard of none is '\.\./a\.safetensors', not the name"),
            ({"none": 2}, None, "the shard of none is 2, not the name"),
        ]
    ):
        folder = sharded_folder(tmp_path / str(number), places, more)
        with pytest.raises(ValueError, match=message):
            Source(str(folder)).read()


def test_index_without_shards(tmp_path: Path) -> None:
    folder = sharded_folder(tmp_path / "a")
    (folder / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(ValueError, match=r"index\.json: its weight_map names no shards"):
        Source(str(folder)).read()


def test_shards_without_index(tmp_path: Path) -> None:
    folder = sharded_folder(tmp_path / "a")
    (folder / "model.safetensors.index.json").unlink()
    with pytest.raises(ValueError, match=rf"{FIRST}: is one of several shards; fetch the \.index\.json"):
        Source(str(folder)).read()


def test_damaged_shard(tmp_path: Path) -> None:
    folder = sharded_folder(tmp_path / "a")
    (folder / SECOND).write_bytes((folder / SECOND).read_bytes()[:-9])
    with pytest.raises(ValueError, match=f"{SECOND}: damaged or no safetensors file"):
        Source(str(folder)).read()


@pytest.mark.parametrize("name", [SECOND, "model.safetensors", "pytorch_model.bin"])
def test_git_lfs_pointer_in_the_place_of_weights(name: str, tmp_path: Path) -> None:
    """Told as such before PyTorch is asked for, or the file is called damaged."""
    folder = sharded_folder(tmp_path / "a")
    if name != SECOND:
        (folder / "model.safetensors.index.json").unlink()
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n")
    with pytest.raises(ValueError, match=f"a/{name}:1: is a Git LFS pointer, not the file itself; fetch"):
        Source(str(folder)).read()


def test_shards_of_pytorch_without_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sharded_folder(tmp_path / "a")
    (folder / "model.safetensors.index.json").unlink()
    places = dict.fromkeys(huggingface_tensors(), "pytorch_model-00001-of-00001.bin")
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    (folder / "pytorch_model-00001-of-00001.bin").touch()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ValueError, match=r"of-00001\.bin: reading it needs PyTorch; pip install torch,"):
        Source(str(folder)).read()
