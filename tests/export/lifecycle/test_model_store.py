"""The verbs on a real, tiny store: what moves, and that nothing else does."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from tiny_store import RTE, SIM, copy, meanwhile, tiny_store

from centrabert.errors import UserError
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.lifecycle.model_store import ModelStore
from centrabert.export.lifecycle.version_change import ChangeOptions
from centrabert.merge.merge_branches import merge
from centrabert.merge.merged_folder import read_manifest
from centrabert.modeling import checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.file_lock import exclusive
from centrabert.modeling.golden_file import read_golden

VARIABLES = Path("variables") / "variables"


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return copy(tmp_path / "store")


def answers(store: ModelStore, version: int, task: str) -> dict[str, np.ndarray]:
    """To texts that are no golden ones."""
    texts = {"text_a": np.array(["the red cat likes one bird", "dull"], np.object_)}
    if task != "tone":
        texts["text_b"] = np.array(["two dogs", "the river"], np.object_)
    with Predictor(store.folder.model(version), [task]) as predictor:
        return predictor.predict(task, texts)


def test_a_version_is_the_merged_model(tmp_path: Path) -> None:
    """Manifest and variables are those that `merge` writes, to the last bit."""
    made = tiny_store()
    manifest = merge(made.base, [made.tone, made.rte], tmp_path / "merged")
    model = made.store / "versions" / "2" / "model"
    assert read_manifest(model / "assets.extra") == manifest
    wanted = checkpoint.read(tmp_path / "merged" / "merged_model.ckpt")
    found = checkpoint.read(model / VARIABLES)
    assert found.keys() == wanted.keys()
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def test_an_update_moves_one_task_alone(store: ModelStore) -> None:
    made = tiny_store()
    outcome = store.update(made.rte2, options=ChangeOptions(author="alice", message="more data"))
    version, proof = outcome.version, outcome.proof
    assert (version.number, version.parent, version.change) == (3, 2, "update rte")
    assert (version.author.name, version.author.message) == ("alice", "more data")
    assert store.diff(2, 3) == {"rte": "updated"}
    assert proof == store.proof(3)
    assert proof.moved == ["rte"]
    assert (proof.tasks["tone"].same_branch, proof.tasks["tone"].same_answers) == (True, True)
    assert (proof.tasks["rte"].same_branch, proof.tasks["rte"].same_answers) == (False, None)
    old, new = (store.folder.model(number) for number in (2, 3))
    shards = sorted(path.name for path in (new / "variables").glob("*.data-*"))
    same = [os.path.samefile(old / "variables" / name, new / "variables" / name) for name in shards]
    assert same == [True, True, True, False, True]  # embeddings, two layers, rte, tone
    assert os.path.samefile(old / "saved_model.pb", new / "saved_model.pb")
    before, after = answers(store, 2, "tone"), answers(store, 3, "tone")
    assert all(before[name].tobytes() == after[name].tobytes() for name in ("probabilities",))
    moved = answers(store, 2, "rte")["probabilities"] - answers(store, 3, "rte")["probabilities"]
    assert np.abs(moved).max() > 1e-3
    golden = read_golden(made.rte2 / "golden.json", RTE.task)
    with Predictor(new, ["rte"]) as predictor:
        texts = {"text_a": np.array(golden.text_a, np.object_), "text_b": np.array(golden.text_b, np.object_)}
        golden.check(RTE.task, predictor.predict("rte", texts), "test")
    assert store.verify() == []


def test_the_trunk_is_as_deep_as_the_tasks_need(store: ModelStore) -> None:
    def depth(number: int) -> int:
        return read_manifest(store.folder.model(number) / "assets.extra").plan.trunk_depth

    deeper = store.add(tiny_store().sim)
    assert (depth(2), depth(3)) == (2, SIM.frozen)
    assert deeper.proof is not None
    assert deeper.proof.trunk_layers == (2, 4)
    store.remove("sim")
    store.remove("tone", ChangeOptions(replay="changed"))
    assert (depth(4), depth(5)) == (2, 1)
    assert len(list((store.folder.model(5) / "variables").glob("*.data-*"))) == 3
    assert store.verify() == []


def test_a_renamed_task_answers_as_before(store: ModelStore) -> None:
    outcome = store.rename("tone", "mood")
    assert set(outcome.version.tasks) == {"rte", "mood"}
    texts = {"text_a": np.array(["the red cat", "dull"], np.object_)}
    with Predictor(store.folder.model(2), ["tone"]) as predictor:
        wanted = predictor.predict("tone", texts)
    with Predictor(store.folder.model(3), ["mood"]) as predictor:
        found = predictor.predict("mood", texts)
    assert all(wanted[name].tobytes() == found[name].tobytes() for name in ("probabilities",))
    assert store.verify() == []


def test_a_version_checked_out_is_what_merge_writes(store: ModelStore, tmp_path: Path) -> None:
    made = tiny_store()
    merge(made.base, [made.tone, made.rte], tmp_path / "merged")
    store.checkout(2, tmp_path / "out")
    for name in ("manifest.json", "vocab.txt", "golden/rte.json", "merged_model.ckpt.data-00000-of-00001"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "merged" / name).read_bytes()


def test_a_cache_that_is_lost_is_made_again(store: ModelStore) -> None:
    shutil.rmtree(store.folder.cache)
    store.folder.cache.mkdir()
    store.update(tiny_store().rte2)
    assert store.verify() == []


@pytest.mark.parametrize(("layer", "fits"), [(0, False), (1, True)])
def test_drift_at_or_below_the_depth_is_refused(
    layer: int, fits: bool, store: ModelStore, tmp_path: Path
) -> None:
    """A branch of another base, which differs in one value of one layer; rte freezes layer 0 alone."""
    name = f"bert/encoder/layer_{layer}/output/dense/bias"
    bert = BertFolder.at(tiny_store().base)
    other = shutil.copytree(tiny_store().base, tmp_path / "other")
    tensors = checkpoint.read(bert.checkpoint)
    tensors[name][3] += 0.25
    checkpoint.write(other / "bert_model.ckpt", tensors)
    branch = tiny.branch(tmp_path / "branch", other, RTE, seed=9)
    if fits:
        assert store.update(branch).version.number == 3
    else:
        told = f"the first variable that differs is {name}, "
        with pytest.raises(UserError, match=told + "by how much is told with --branch_base=FOLDER"):
            store.update(branch)
        with pytest.raises(UserError, match=told + "in 1 of 32 values, by at most 0.25; train it"):
            store.update(branch, branch_base=other)
        with pytest.raises(UserError, match=rf"base: is not the BERT that {branch} was trained on: {name}"):
            store.update(branch, branch_base=tiny_store().base)
        assert store.folder.numbers() == [1, 2]


def test_an_answer_that_is_not_golden_changes_nothing(store: ModelStore, tmp_path: Path) -> None:
    wrong = tiny.branch(tmp_path / "wrong", tiny_store().base, RTE, seed=5, golden=False)
    stored = sorted(path.name for path in store.folder.branches.iterdir())
    with pytest.raises(UserError, match="task rte, exported"):
        store.update(wrong)
    assert store.folder.numbers() == [1, 2]
    assert sorted(path.name for path in store.folder.branches.iterdir()) == stored
    assert store.verify() == []


def test_a_second_writer_is_told(store: ModelStore) -> None:
    with exclusive(store.folder.root), pytest.raises(UserError, match="another process is at work here"):
        store.update(tiny_store().rte2)


def test_a_retried_change_stands_on_what_the_other_writer_left(store: ModelStore) -> None:
    with meanwhile(lambda: store.rename("tone", "mood")):
        outcome = store.update(tiny_store().rte2, options=ChangeOptions(retry=True))
    assert (outcome.version.parent, sorted(outcome.version.tasks)) == (3, ["mood", "rte"])
    told = "task 'rte' was updated meanwhile, in version 5 by"
    with meanwhile(lambda: store.update(tiny_store().rte)), pytest.raises(UserError, match=told):
        store.update(tiny_store().rte2, options=ChangeOptions(retry=True))


def test_labels_keep_versions_alive(store: ModelStore) -> None:
    store.promote("stable", 1)
    store.update(tiny_store().rte2)
    store.promote("canary", 3)
    assert store.number("canary") == 3
    dry = store.gc(keep=1, options=ChangeOptions(dry_run=True))
    assert (dry.versions, store.folder.numbers()) == ((2,), [1, 2, 3])
    assert store.gc(keep=1) == dry
    assert store.folder.numbers() == [1, 3]
    assert store.verify() == []
    store.promote("stable", 3)
    assert store.roll_back("stable") == 1
    store.promote("stable", 3)
    store.gc(keep=1)
    assert store.folder.numbers() == [3]
    with pytest.raises(UserError, match="there is no version 1; it has 3 to 3"):
        store.roll_back("stable")
    assert store.verify() == []


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (Branch(replace(RTE.task, max_seq_length=7), 1, 1), "max_seq_length"),
        (Branch(tiny.task("rte"), 0, 5, full_fine_tuning=True), "shares nothing"),
        (Branch(tiny.task("rte"), 0, 5, adapter_size=7), "share parameters and no computation"),
    ],
)
def test_a_branch_that_does_not_fit(shape: Branch, message: str, store: ModelStore, tmp_path: Path) -> None:
    branch = tiny.branch(tmp_path / "branch", tiny_store().base, shape, golden=False)
    with pytest.raises(UserError, match=message):
        store.update(branch)
    assert store.verify() == []


def test_a_folder_that_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no model store.*centrabert store create"):
        ModelStore(tmp_path)
    with pytest.raises(FileExistsError):
        ModelStore.create(tiny_store().store, tiny_store().base)
