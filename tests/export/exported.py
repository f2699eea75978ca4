"""One exported model of all of `tiny.BRANCHES`, built once for every test module that only reads it."""

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tiny

from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.export_version import export
from centrabert.merge.merge_branches import merge


@dataclass(frozen=True)
class Exported:
    """Every stage of the way, by folder.

    Attributes:
      branches: By task name.
      version: The SavedModel.
    """

    base: Path
    branches: dict[str, Path]
    merged: Path
    version: Path


@cache
def exported() -> Exported:
    """The model of all branches; do not write into its folders."""
    root = Path(tempfile.mkdtemp(prefix="exported-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    base = tiny.bert_folder(root / "base")
    branches = {folder.name: folder for folder in tiny.branches(root / "branches", base)}
    merge(base, list(branches.values()), root / "merged")
    return Exported(base, branches, root / "merged", export(root / "merged", root / "serving", 1))


@cache
def predictor() -> Predictor:
    """The exported model, loaded."""
    return Predictor(exported().version)
