"""The files in which a Hugging Face folder keeps its variables: one, or shards with an index."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.convert.huggingface_weights import read_safetensors, read_torch
from centrabert.modeling.formats.git_lfs import check_file
from centrabert.modeling.formats.json_file import read_json

READERS = {"model.safetensors": read_safetensors, "pytorch_model.bin": read_torch}
INDEX = ".index.json"
FILES = ("model.safetensors", f"model.safetensors{INDEX}", "pytorch_model.bin", f"pytorch_model.bin{INDEX}")
WANTED = f"{', '.join(FILES[:-1])} or {FILES[-1]}"


def weights_file(folder: Path) -> Path | None:
    """The file that holds the variables or says which shards do, the first of FILES, or None."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def read_weights(file: Path) -> dict[str, tuple[str, Any]]:
    """Every variable as (dtype, array), as `read_safetensors` and `read_torch` have it.

    Args:
      file: What `weights_file` found.

    Raises:
      UserError: A file is damaged, missing or Git LFS's pointer, or index and shards contradict each other.
    """
    if not file.name.endswith(INDEX):
        check_file(file)
        return READERS[file.name](file)
    places = _places(file)
    reader = READERS[file.name.removesuffix(INDEX)]
    stored: dict[str, tuple[str, Any]] = {}
    for shard in sorted(set(places.values())):
        path = file.parent / shard
        if not path.is_file():
            raise UserError(f"{path}: no such file, but {file} names it; fetch all shards of the model")
        check_file(path)
        variables = reader(path)
        _check_shard(places, variables, shard, file)
        stored.update(variables)
    return stored


def _places(index: Path) -> dict[str, str]:
    """Variable -> name of its shard, beside the index."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise UserError(f"{index}: its weight_map names no shards")
    for name, shard in places.items():
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise UserError(f"{index}: the shard of {name} is {shard!r}, not the name of a file beside it")
    return places


def _check_shard(places: Mapping[str, str], variables: Mapping[str, Any], shard: str, index: Path) -> None:
    """Raises UserError unless a shard holds just what the index says."""
    for name in sorted(variables):
        place = places.get(name)
        if place is None:
            raise UserError(f"{index.parent / shard}: holds {name}, which is not in {index}")
        if place != shard:
            raise UserError(f"{index.parent / shard}: holds {name}, which by {index} is in {place}")
    named = {name for name, place in places.items() if place == shard}
    if missing := sorted(named - variables.keys()):
        raise UserError(f"{index.parent / shard}: lacks {', '.join(missing)}, which by {index} it holds")
