"""What export refuses, and that nothing is left of it."""

import errno
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from full_disk import largest_file

from centrabert.export.contract.version_folder import find_version, version_folders
from centrabert.export.export_version import export
from centrabert.merge.merge_branches import merge
from centrabert.merge.merged_folder import read_manifest
from centrabert.modeling import checkpoint
from centrabert.modeling.branch import Branch
from centrabert.modeling.digest import tensor_digest
from centrabert.modeling.formats.json_file import dump

CHECKPOINT = "merged_model.ckpt"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A merged model of one branch, which is quick to export."""
    root = tmp_path_factory.mktemp("sound")
    base = tiny.bert_folder(root / "base")
    merge(base, tiny.branches(root / "branches", base, [Branch(tiny.task("rte"), 1, 1)]), root / "merged")
    return root / "merged"


@pytest.fixture
def merged(sound: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(sound, tmp_path / "merged"))


def refused(
    merged: Path, version: int = 1, kind: type[Exception] | tuple[type[Exception], ...] = ValueError
) -> str:
    """The message of the refusal, after which nothing may be left."""
    serving = merged.parent / "serving"
    with pytest.raises(kind) as error:
        export(merged, serving, version)
    assert not serving.exists() or list(serving.iterdir()) == []
    return str(error.value)


def change(merged: Path, name: str, add: float) -> np.ndarray[Any, Any]:
    """Adds to one weight of the merged checkpoint; returns the changed tensor."""
    weights = checkpoint.read(merged / CHECKPOINT)
    weights[name].flat[0] += add
    checkpoint.write(merged / CHECKPOINT, weights)
    return weights[name]


def test_a_weight_that_is_not_the_manifests(merged: Path) -> None:
    change(merged, "bert/encoder/layer_0/output/dense/bias", 0.25)
    message = refused(merged)
    assert message.startswith(f"{merged}/{CHECKPOINT}: bert/encoder/layer_0/output/dense/bias is not the one")


def test_goldens_find_what_digests_do_not(merged: Path) -> None:
    """A weight that is wrong in the manifest too: only the answers tell."""
    tensor = change(merged, "rte/output_bias", 0.25)
    manifest = read_manifest(merged)
    (record,) = manifest.records
    edited = replace(record, variables={**record.variables, "output_bias": tensor_digest(tensor)})
    (merged / "manifest.json").write_text(dump(replace(manifest, records=(edited,)).to_json()))
    message = refused(merged)
    assert message.startswith(f"{merged}: task rte, exported: golden row ")
    assert any(repr(text) in message for text in tiny.TEXT_A)


def test_a_golden_of_another_shape(merged: Path) -> None:
    golden = json.loads((merged / "golden" / "rte.json").read_text())
    for row in golden["rows"]:
        row["outputs"]["probabilities"].append(0.0)
    (merged / "golden" / "rte.json").write_text(json.dumps(golden))
    assert "golden probabilities are (5, 3), got (5, 2)" in refused(merged)


def _drop_variable(merged: Path) -> None:
    weights = checkpoint.read(merged / CHECKPOINT)
    del weights["rte/output_bias"]
    weights["stray"] = np.zeros(3, np.float32)
    checkpoint.write(merged / CHECKPOINT, weights)


def _swap_pieces(merged: Path) -> None:
    lines = (merged / "vocab.txt").read_text().split("\n")
    lines[60], lines[61] = lines[61], lines[60]
    (merged / "vocab.txt").write_text("\n".join(lines))


def _drop_a_segment(merged: Path) -> None:
    """As merged before pairs were refused for such a BERT."""
    manifest = read_manifest(merged)
    config = replace(manifest.config, type_vocab_size=1)
    records = tuple(replace(record, config=config) for record in manifest.records)
    edited = replace(manifest, config=config, records=records)
    (merged / "manifest.json").write_text(dump(edited.to_json()))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_drop_variable, f"{CHECKPOINT}: does not fit: missing: rte/output_bias; unknown: stray"),
        (_drop_a_segment, "manifest.json: task rte reads pairs of texts, and the second text has segment 1"),
        (_swap_pieces, "vocab.txt: is not the vocabulary of manifest.json"),
        (lambda merged: (merged / "vocab.txt").unlink(), "vocab.txt: no such file"),
        (lambda merged: (merged / "golden" / "rte.json").unlink(), "golden/rte.json: no such file"),
        (lambda merged: (merged / "manifest.json").unlink(), "manifest.json: no such file"),
        (lambda merged: (merged / f"{CHECKPOINT}.index").unlink(), f"{CHECKPOINT}: no readable checkpoint"),
    ],
)
def test_a_damaged_merged_model(merged: Path, damage: Callable[[Path], Any], message: str) -> None:
    damage(merged)
    assert refused(merged).startswith(f"{merged}/{message}")


@pytest.mark.parametrize("version", [0, -3])
def test_a_version_that_is_not_positive(merged: Path, version: int) -> None:
    assert refused(merged, version) == f"--version={version} is not a positive integer"


def test_a_version_that_tf_serving_could_not_name(merged: Path) -> None:
    assert refused(merged, 2**63).startswith("--version=9223372036854775808 is above 9223372036854775807")


def test_a_version_that_exists(merged: Path, tmp_path: Path) -> None:
    (tmp_path / "serving" / "7").mkdir(parents=True)
    (tmp_path / "serving" / "7" / "saved_model.pb").write_bytes(b"old")
    with pytest.raises(FileExistsError, match=re.escape(f"{tmp_path}/serving/7: exists already")):
        export(merged, tmp_path / "serving", 7)
    assert [file.name for file in (tmp_path / "serving").rglob("*")] == ["7", "saved_model.pb"]
    assert (tmp_path / "serving" / "7" / "saved_model.pb").read_bytes() == b"old"


def test_a_disk_that_fills_up(merged: Path) -> None:
    """While the graph is written; the variables are links."""
    with largest_file(50_000):
        message = refused(merged, kind=OSError)
    assert "File too large" in message


def test_a_disk_that_fills_up_at_the_assets(merged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    assert "No space left on device" in refused(merged, kind=OSError)


def test_versions(tmp_path: Path) -> None:
    """The highest number wins; what is no version is passed over."""
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path}/none: no such folder")):
        find_version(tmp_path / "none")
    with pytest.raises(
        ValueError, match=re.escape(f"{tmp_path}: holds neither saved_model.pb nor a version")
    ):
        find_version(tmp_path)
    for name in ("2", "10", "9", ".11.x.tmp", "v12"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "13").mkdir()
    assert find_version(tmp_path) == tmp_path / "10"
    assert find_version(tmp_path / "9") == tmp_path / "9"


def test_a_version_with_zeros_in_front(merged: Path, tmp_path: Path) -> None:
    """The number counts, as for TF Serving; without them goes first."""
    for name in ("00000123", "9", "0009", "0" * 40, f"0{2**63}"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    assert find_version(tmp_path) == tmp_path / "00000123"
    assert version_folders(tmp_path) == {
        0: tmp_path / ("0" * 40),
        9: tmp_path / "9",
        123: tmp_path / "00000123",
    }
    with pytest.raises(ValueError, match=r"/00000123: is version 123 already"):
        export(merged, tmp_path, 123)
