"""A merged model on disk: manifest.json, merged_model.ckpt.*, the vocabulary, golden/<task>.json."""

from pathlib import Path

from centrabert.merge.manifest import Manifest
from centrabert.modeling.formats.json_file import read_json

MANIFEST, CHECKPOINT, GOLDENS = "manifest.json", "merged_model.ckpt", "golden"


def read_manifest(folder: Path) -> Manifest:
    """Reads manifest.json; raises UserError if `folder` holds no merged model."""
    return Manifest.from_json(read_json(folder / MANIFEST), str(folder / MANIFEST))


def golden_file(folder: Path, task: str) -> Path:
    """Where the golden answers of a task lie, in a merged model as in the extra assets of a SavedModel."""
    return folder / GOLDENS / f"{task}.json"
