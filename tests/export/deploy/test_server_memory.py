"""How much memory a server is said to need, and how many batches fit into what there is."""

import json
import re
from pathlib import Path

import pytest
from tiny_config import CONFIG

from centrabert.export.deploy.render import write_deployment
from centrabert.export.deploy.server_memory import affordable_batches, batch_bytes, server_memory
from centrabert.export.deploy.tf_serving import TfServing
from centrabert.merge.manifest import Manifest
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord
from centrabert.modeling.task import TaskSpec

MEBIBYTE = 2**20


@pytest.mark.parametrize(
    ("weights", "batch", "batches", "wanted"),
    [
        ([440 * MEBIBYTE], 0, 1, 512 + 2 * 440),
        ([440 * MEBIBYTE + 1], 0, 1, 512 + 2 * 440 + 1),
        ([100 * MEBIBYTE, 300 * MEBIBYTE], 0, 1, 512 + 100 + 300 + 300),
        ([MEBIBYTE], 70 * MEBIBYTE, 3, 512 + 2 + 210),
    ],
)
def test_memory(weights: list[int], batch: int, batches: int, wanted: int) -> None:
    assert server_memory(weights, batch, batches) == wanted


def test_memory_of_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="no version to serve"):
        server_memory([], 1, 1)


def manifest() -> Manifest:
    """Of one task on the joke-sized BERT, whose texts are cut to 13 word pieces."""
    branch = Branch(TaskSpec("sim", "regression", (), True, "pearson", 13), 1, 1)
    trunk, owned = (
        {name: name for name in part} for part in (branch.shared_names(CONFIG), branch.owned_shapes(CONFIG))
    )
    record = BranchRecord(
        branch,
        CONFIG,
        trunk,
        owned,
        vocabulary_digest="v",
        do_lower_case=True,
        metrics={},
        hyperparameters={},
    )
    return Manifest(CONFIG, True, "v", 13, trunk, (record,))


def test_a_batch_needs_what_a_layer_holds() -> None:
    """Twice, of float32: 32 rows of 13 word pieces; 32 wide, 4 heads, 37 in between."""
    vectors = 32 * 13 * (4 * 32 + 2 * 37)
    attention = 32 * 4 * 13 * 13
    assert batch_bytes(manifest()) == 2 * 4 * (vectors + 2 * attention) == 1_018_368


@pytest.mark.parametrize(
    ("mebibytes", "batches"), [(512 + 120 + 5, 5), (512 + 120 + 1, 1), (200, 1), (100_000, 102_315)]
)
def test_a_small_container_computes_fewer_batches(mebibytes: int, batches: int, tmp_path: Path) -> None:
    """Beside a version of 60 MiB and the next one; a version that is damaged counts for nothing."""
    version = saved_version(tmp_path / "5", 60 * MEBIBYTE)
    (tmp_path / "6").mkdir()
    found = affordable_batches([version, tmp_path / "6"], 32, mebibytes * MEBIBYTE)
    assert found == batches


def saved_version(folder: Path, size: int) -> Path:
    """As much of a version as is read here, with so many bytes of weights."""
    for part in ("variables", "assets.extra"):
        (folder / part).mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    (folder / "assets.extra" / "manifest.json").write_text(json.dumps(manifest().to_json()))
    with (folder / "variables" / "variables.data").open("wb") as file:
        file.truncate(size)
    return folder


def test_memory_is_that_of_the_labelled_versions(tmp_path: Path) -> None:
    """Of 2 and 5; not of 3, which has no label, nor of 7, which is gone."""
    for number, size in ((2, 3 * MEBIBYTE + 5), (3, 900 * MEBIBYTE), (5, 60 * MEBIBYTE)):
        saved_version(tmp_path / str(number), size)
    (tmp_path / "tf_serving").mkdir()
    write_deployment(tmp_path, {"old": 2, "stable": 5, "gone": 7}, TfServing("m", 40))
    total = (512 + 3 + 60 + 60) * MEBIBYTE + 5 + 40 * 1_018_368
    for name in ("kubernetes.yaml", "kserve.yaml"):
        found = re.findall(r'memory: "(.*)"', (tmp_path / "tf_serving" / name).read_text())
        assert found == [f"{-(-total // MEBIBYTE)}Mi"] * 2
