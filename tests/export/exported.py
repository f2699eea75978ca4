"""Exported models: of all of `tiny.BRANCHES`, and a small one, each built once for all that only read it."""

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tiny
import tiny_glue
from plain_sessions import plain_sessions

from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.export_version import export
from centrabert.merge.merge_branches import merge
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig

SMALL = tuple(Branch(each.task, 1, 1) for each in tiny.BRANCHES if each.task.name in ("rte", "tone"))


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
    return _made(tiny.BRANCHES, tiny.CONFIG)


@cache
def small() -> Exported:
    """A model of two tasks of a layer each, for servers of which little is asked: they load it in a third."""
    return _made(SMALL, tiny_glue.CONFIG)


def _made(branches: Sequence[Branch], config: BertConfig) -> Exported:
    root = Path(tempfile.mkdtemp(prefix="exported-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    base = tiny.bert_folder(root / "base", config=config)
    folders = {folder.name: folder for folder in tiny.branches(root / "branches", base, branches)}
    merge(base, list(folders.values()), root / "merged")
    with plain_sessions():  # the proof; the versions of test_export.py are proved in optimised graphs
        version = export(root / "merged", root / "serving", 1)
    return Exported(base, folders, root / "merged", version)


@cache
def predictor() -> Predictor:
    """The model of all branches, loaded."""
    return Predictor(exported().version)


@cache
def small_predictor() -> Predictor:
    """That of two, loaded."""
    return Predictor(small().version)
