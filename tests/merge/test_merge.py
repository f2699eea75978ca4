"""Merging real folders: every weight where it belongs, the same bytes in any order, and all refusals."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from full_disk import largest_file

from centrabert.merge import compatibility
from centrabert.merge.merge_branches import merge
from centrabert.merge.merged_folder import golden_file, read_manifest
from centrabert.modeling import branch_folder, checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import read_record
from centrabert.modeling.formats.json_file import dump

RTE, STSB = Branch(tiny.task("rte"), 3, 2), Branch(tiny.task("stsb", "regression"), 1, 3)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.bert_folder(tmp_path_factory.mktemp("merge") / "base")


@pytest.fixture(scope="module")
def folders(base: Path) -> list[Path]:
    return tiny.branches(base.parent / "branches", base, golden=False)


@pytest.fixture(scope="module")
def merged(base: Path, folders: list[Path]) -> Path:
    merge(base, folders, base.parent / "merged")
    return base.parent / "merged"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_every_weight_is_its_sources(base: Path, folders: list[Path], merged: Path) -> None:
    found = checkpoint.read(merged / "merged_model.ckpt")
    expected = BertFolder.at(base).read(list(scopes.encoder_shapes(tiny.CONFIG, 4)))
    for folder in folders:
        for name, weights in checkpoint.read(folder / branch_folder.CHECKPOINT).items():
            expected[f"{read_record(folder).branch.task.name}/{name}"] = weights
    assert found.keys() == expected.keys()
    for name, weights in expected.items():
        np.testing.assert_array_equal(found[name], weights, err_msg=name)


def test_the_base_above_the_trunk_is_not_stored(merged: Path) -> None:
    names = checkpoint.shapes(merged / "merged_model.ckpt")
    assert not [name for name in names if name.startswith(("bert/encoder/layer_4", "bert/pooler", "cls/"))]


def test_files(base: Path, folders: list[Path], merged: Path) -> None:
    tasks = ["rte", "rte2", "sim", "tone", "whole"]
    assert contents(merged).keys() == {
        "manifest.json",
        "merged_model.ckpt.index",
        "merged_model.ckpt.data-00000-of-00001",
        "vocab.txt",
        "tokenizer_config.json",
        *(f"golden/{task}.json" for task in tasks),
    }
    assert (merged / "vocab.txt").read_bytes() == (base / "vocab.txt").read_bytes()
    for folder, task in zip(folders, tasks, strict=True):
        assert golden_file(merged, task).read_bytes() == (folder / "golden.json").read_bytes()


def test_the_manifest_is_what_the_branches_said(folders: list[Path], merged: Path) -> None:
    manifest = read_manifest(merged)
    assert manifest.records == tuple(read_record(folder) for folder in folders)
    assert manifest.plan.trunk_depth == 4


@pytest.mark.parametrize("order", [(4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_the_order_of_branches_changes_no_byte(
    base: Path, folders: list[Path], merged: Path, order: tuple[int, ...], tmp_path: Path
) -> None:
    merge(base, [folders[at] for at in order], tmp_path / "merged")
    assert contents(tmp_path / "merged") == contents(merged)


def refused(base: Path, branches: list[Path], output_dir: Path) -> str:
    """The message of the refusal, after which nothing may be left."""
    with pytest.raises(ValueError) as error:
        merge(base, branches, output_dir)
    assert not output_dir.exists()
    assert not [file.name for file in output_dir.parent.iterdir() if file.name.endswith(".tmp")]
    return str(error.value)


def test_no_branches(base: Path, tmp_path: Path) -> None:
    assert refused(base, [], tmp_path / "m") == "no branches: name one branch folder or more"


def test_no_such_branch(base: Path, tmp_path: Path) -> None:
    message = refused(base, [tmp_path / "x"], tmp_path / "m")
    assert message.startswith(f"{tmp_path}/x/branch.json: no such file: nothing has been trained there; ")


def test_two_branches_of_one_name(base: Path, tmp_path: Path) -> None:
    one = tiny.branch(tmp_path / "one", base, RTE, golden=False)
    two = tiny.branch(tmp_path / "two", base, replace(RTE, frozen=1), golden=False)
    message = refused(base, [two, one], tmp_path / "m")
    assert message.startswith(f"{one} and {two}: both are task 'rte'; give one of them")


def test_the_lowest_variable_that_differs_is_named() -> None:
    """Not the first in the alphabet: layer 10 is above layer 2."""
    names = [f"bert/encoder/layer_{layer}/output/dense/bias" for layer in (10, 2, 1)] + ["output_bias"]
    known = dict.fromkeys(names, "x")
    assert compatibility.first_difference(known, {**known, names[0]: "y", names[1]: "y"}) == names[1]
    assert compatibility.first_difference(known, {names[1]: "x", names[2]: "x"}) == names[0]
    assert compatibility.first_difference(known, {**known, "more": "z"}) is None


def test_a_branch_of_another_base(base: Path, tmp_path: Path) -> None:
    other = tiny.bert_folder(tmp_path / "other")
    weights = checkpoint.read(other / "bert_model.ckpt")
    for name in ("bert/encoder/layer_2/attention/self/key/bias", "bert/encoder/layer_1/output/dense/bias"):
        weights[name][3] += 1
    checkpoint.write(other / "bert_model.ckpt", weights)
    stranger = tiny.branch(tmp_path / "rte", other, RTE, golden=False)
    message = refused(base, [stranger], tmp_path / "m")
    assert message.startswith(f"{stranger}: was trained on another trunk than {base}: the first variable")
    assert "bert/encoder/layer_1/output/dense/bias;" in message


def test_pairs_need_a_second_segment(tmp_path: Path) -> None:
    config = replace(tiny.CONFIG, type_vocab_size=1)
    base = tiny.bert_folder(tmp_path / "base", config=config)
    shapes = (Branch(tiny.task("rte"), 3, 2), Branch(tiny.task("tone", pair=False), 3, 2))
    pair, single = tiny.branches(tmp_path, base, shapes, golden=False)
    merge(base, [single], tmp_path / "single")
    message = refused(base, [single, pair], tmp_path / "both")
    assert message.startswith(
        f"{pair}: task rte reads pairs of texts, and the second text has segment 1, but"
    )


def test_a_base_that_differs_above_the_cut_will_do(base: Path, tmp_path: Path) -> None:
    """Digests are compared per depth: STSB freezes one layer, and the bases differ in the fourth."""
    other = tiny.bert_folder(tmp_path / "other")
    weights = checkpoint.read(other / "bert_model.ckpt")
    weights["bert/encoder/layer_3/output/dense/bias"][3] += 1
    checkpoint.write(other / "bert_model.ckpt", weights)
    stranger = tiny.branch(tmp_path / "stsb", other, STSB, golden=False)
    assert merge(base, [stranger], tmp_path / "m").tasks == ("stsb",)


def test_full_fine_tuning(base: Path, tmp_path: Path) -> None:
    baseline = Branch(tiny.task("rte"), 0, 5, full_fine_tuning=True)
    folder = tiny.branch(tmp_path / "full", base, baseline, golden=False)
    message = refused(base, [folder], tmp_path / "m")
    assert message.startswith(
        f"{folder}: task 'rte' is a full fine-tuning baseline: it trains the embeddings"
    )


def test_adapters(base: Path, tmp_path: Path) -> None:
    shape = Branch.with_adapters(tiny.task("rte"), 7, tiny.CONFIG)
    folder = tiny.branch(tmp_path / "adapters", base, shape, golden=False)
    message = refused(base, [folder], tmp_path / "m")
    assert message.startswith(f"{folder}: task rte: adapters share parameters and no computation: a merged")
    assert "run all 5 layers again for them" in message
    assert message.endswith("--fine_tuning_layers, and with --lora_rank where few parameters are to train")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"config": replace(tiny.CONFIG, max_position_embeddings=29)},
            "were trained on different BERTs: max_position_embeddings 23, not 29",
        ),
        ({"do_lower_case": False}, "do_lower_case True, not False"),
        ({"vocabulary_digest": "0" * 64}, "were trained on different vocabularies"),
    ],
)
def test_branches_that_do_not_agree(base: Path, tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    one = tiny.branch(tmp_path / "one", base, RTE, golden=False)
    two = tiny.branch(tmp_path / "two", base, STSB, golden=False, **keys)
    assert refused(base, [two, one], tmp_path / "m").startswith(f"{one} and {two}: {message}")


def test_branches_of_different_text_lengths(base: Path, tmp_path: Path) -> None:
    longer = replace(STSB, task=replace(STSB.task, max_seq_length=17))
    one = tiny.branch(tmp_path / "one", base, RTE, golden=False)
    two = tiny.branch(tmp_path / "two", base, longer, golden=False)
    message = refused(base, [one, two], tmp_path / "m")
    assert message.startswith(f"{one} and {two}: max_seq_length 13, not 17")
    assert message.endswith("train with the same --max_seq_length")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"config": replace(tiny.CONFIG, hidden_act="relu")}, "hidden_act 'relu', not 'gelu'"),
        ({"vocabulary_digest": "0" * 64}, "its vocabulary is not "),
    ],
)
def test_a_base_that_does_not_fit(base: Path, tmp_path: Path, keys: dict[str, Any], message: str) -> None:
    folder = tiny.branch(tmp_path / "rte", base, RTE, golden=False, **keys)
    found = refused(base, [folder], tmp_path / "m")
    assert found.startswith(f"{folder}: ")
    assert message in found
    assert str(base) in found


def _change(folder: Path) -> None:
    weights = checkpoint.read(folder / "model.ckpt")
    weights["output_weights"][0, 0] = np.nextafter(weights["output_weights"][0, 0], np.float32(9))
    weights["bert/encoder/layer_4/output/dense/kernel"][1, 0] *= -1
    checkpoint.write(folder / "model.ckpt", weights)


def _remove(folder: Path) -> None:
    weights = checkpoint.read(folder / "model.ckpt")
    del weights["output_bias"]
    checkpoint.write(folder / "model.ckpt", weights)


def _truncate(folder: Path) -> None:
    data = folder / "model.ckpt.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])


def _edit(folder: Path) -> None:
    record = json.loads((folder / "branch.json").read_text())
    record["variables"]["output_bias"] = "1" * 64
    (folder / "branch.json").write_text(dump(record))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            _change,
            "{}: the checkpoint is not the one of its branch.json: "
            "bert/encoder/layer_4/output/dense/kernel differs",
        ),
        (_remove, "{}/model.ckpt: does not fit: missing: output_bias"),
        (_truncate, "{}/model.ckpt: damaged checkpoint"),
        (_edit, "{}/branch.json: was edited: its digests do not add up"),
        (lambda folder: (folder / "model.ckpt.index").unlink(), "{}/model.ckpt: no readable checkpoint"),
        (lambda folder: (folder / "golden.json").unlink(), "{}/golden.json: no such file"),
        (lambda folder: (folder / "golden.json").write_text("[]"), "{}/golden.json: holds a JSON list"),
        (
            lambda folder: (folder / "branch.json").write_bytes(b"\xff"),
            "{}/branch.json:1: not UTF-8 at byte 0",
        ),
    ],
)
def test_a_damaged_branch(base: Path, tmp_path: Path, damage: Callable[[Path], Any], message: str) -> None:
    folder = tiny.branch(tmp_path / "rte", base, RTE, golden=False)
    damage(folder)
    assert refused(base, [folder], tmp_path / "m").startswith(message.format(folder))


def test_an_output_folder_that_exists(base: Path, folders: list[Path], tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "kept.txt").write_text("kept")
    with pytest.raises(FileExistsError, match=re.escape(f"{tmp_path}/m: exists already")):
        merge(base, folders, tmp_path / "m")
    assert contents(tmp_path / "m") == {"kept.txt": b"kept"}


@pytest.mark.parametrize(
    ("size", "file"),
    [(100_000, "merged_model.ckpt"), (20, "golden/rte.json")],
)
def test_a_disk_that_fills_up(base: Path, folders: list[Path], tmp_path: Path, size: int, file: str) -> None:
    """The checkpoint is written by C++, the goldens by Python."""
    with pytest.raises(OSError, match=r".") as error, largest_file(size):
        merge(base, folders, tmp_path / "m")
    assert file in f"{error.value} {error.value.filename}" or size == 20
    assert list(tmp_path.iterdir()) == []
