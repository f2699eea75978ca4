"""What commit 78db6b1 wrote is read: every kind of file, and the branches still merge to the same model."""

from pathlib import Path

import numpy as np
import pytest
from kept import BRANCHES, KEPT, SERVED, read

from centrabert import command
from centrabert.merge import run_merge
from centrabert.merge.merged_folder import CHECKPOINT, golden_file, read_manifest
from centrabert.modeling import checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import GOLDEN, read_record
from centrabert.modeling.golden import Golden
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.training.best_checkpoint import read_evaluations


def test_a_bert_folder() -> None:
    bert = BertFolder.at(KEPT / "bert")
    bert.check()
    assert bert.config().to_json() == read("bert/bert_config.json")


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch(name: str) -> None:
    """With the digest that its students and merged models know it by."""
    record, keys = read_record(KEPT / name), read(f"{name}/branch.json")
    assert (record.digest, record.trunk_digest) == (keys["digest"], keys["trunk_digest"])
    assert (record.metrics, record.teacher_digest) == (keys["metrics"], keys["teacher_digest"])
    for kept in ("name", "kind", "pair", "metric", "max_seq_length", "pooling"):
        assert getattr(record.branch.task, kept) == keys["branch"]["task"][kept]
    assert list(record.branch.task.labels) == keys["branch"]["task"]["labels"]
    assert read_owned(KEPT / name, record).keys() == keys["variables"].keys()


def test_a_student_knows_its_teacher() -> None:
    assert read_record(KEPT / "rte_student").teacher_digest == read_record(KEPT / "rte").digest


@pytest.mark.parametrize("name", BRANCHES)
def test_goldens(name: str) -> None:
    """They were numbers without a name: probabilities, which tell the label, or scores."""
    task, rows = read_record(KEPT / name).branch.task, read(f"{name}/golden.json")["rows"]
    golden = read_golden(KEPT / name / GOLDEN, task)
    numbers = np.array([row["outputs"] for row in rows], np.float32)
    assert golden.text_a == tuple(row["text_a"] for row in rows)
    assert golden.text_b == tuple(row["text_b"] for row in rows)
    if task.kind == "regression":
        np.testing.assert_array_equal(golden.outputs["score"], numbers[:, 0])
    else:
        np.testing.assert_array_equal(golden.outputs["probabilities"], numbers)
        assert list(golden.outputs["label"]) == [task.labels[row] for row in numbers.argmax(1)]


@pytest.mark.parametrize("name", BRANCHES)
def test_the_evaluations_of_a_training(name: str) -> None:
    metric = read_record(KEPT / name).branch.task.metric
    found = read_evaluations(KEPT / name / "judgements.json", metric)
    assert [(each.step, each.metrics) for each in found] == [
        (keys["step"], keys["metrics"]) for keys in read(f"{name}/judgements.json")
    ]


@pytest.mark.parametrize("folder", ["merged", "serving/1/assets.extra"])
def test_a_manifest(folder: str) -> None:
    manifest, keys = read_manifest(KEPT / folder), read(f"{folder}/manifest.json")
    assert manifest.tasks == SERVED
    assert (manifest.trunk, manifest.trunk_digest) == (keys["trunk"], keys["trunk_digest"])
    assert [record.digest for record in manifest.records] == [each["digest"] for each in keys["branches"]]


def test_kept_branches_merge_to_the_kept_model(tmp_path: Path) -> None:
    branches = f"--branches={KEPT / 'stsb'},{KEPT / 'rte_student'}"
    argv = ["run_merge", f"--base={KEPT / 'bert'}", branches, f"--output_dir={tmp_path / 'merged'}"]
    assert command.status(run_merge.main, run_merge.FLAGS, argv) == 0
    assert read_manifest(tmp_path / "merged") == read_manifest(KEPT / "merged")
    before, now = (checkpoint.read(folder / CHECKPOINT) for folder in (KEPT / "merged", tmp_path / "merged"))
    assert before.keys() == now.keys()
    for name, tensor in before.items():
        np.testing.assert_array_equal(now[name], tensor)
    for record in read_manifest(tmp_path / "merged").records:
        task = record.branch.task
        golden = read_golden(golden_file(tmp_path / "merged", task.name), task)
        same(golden, read_golden(golden_file(KEPT / "merged", task.name), task))


def same(one: Golden, other: Golden) -> None:
    assert (one.text_a, one.text_b, one.outputs.keys()) == (other.text_a, other.text_b, other.outputs.keys())
    for name, values in one.outputs.items():
        np.testing.assert_array_equal(values, other.outputs[name])
