"""Tests of the store build each graph once, which takes seconds, and not once for every store."""

from pathlib import Path

import pytest

from centrabert.export.contract.version_folder import SAVED_MODEL
from centrabert.export.graph import version_files
from centrabert.merge.manifest import Manifest
from centrabert.merge.store.stored_version import graph_digest
from centrabert.modeling.tokenization.tokenizer import Tokenizer

GRAPHS: dict[str, bytes] = {}


@pytest.fixture(autouse=True)
def _graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    build = version_files.write_graph

    def write_graph(folder: Path, manifest: Manifest, tokenizer: Tokenizer) -> None:
        key = graph_digest(manifest, "")
        if key not in GRAPHS:
            build(folder, manifest, tokenizer)
            GRAPHS[key] = (folder / SAVED_MODEL).read_bytes()
        (folder / SAVED_MODEL).write_bytes(GRAPHS[key])

    monkeypatch.setattr(version_files, "write_graph", write_graph)
