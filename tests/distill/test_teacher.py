"""What a teacher says of the training rows: the states of NumPy's BERT, computed once, without dropout."""

import dataclasses
from pathlib import Path

import numpy as np
import numpy_bert
import pytest
import tiny
import tiny_glue

from centrabert.distill.teacher import Teacher
from centrabert.modeling import checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.layer_states import STATE_KINDS, LayerState
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.task_runner import TaskRunner

BATCH = 5
# A dropout that nobody could overlook.
CONFIG = dataclasses.replace(tiny_glue.CONFIG, hidden_dropout_prob=0.5, attention_probs_dropout_prob=0.5)
STATES = [LayerState("hidden", 1), *(LayerState(kind, depth) for kind in STATE_KINDS for depth in (2, 3))]


@pytest.fixture(scope="module", params=["cls", "mean"])
def teacher(
    request: pytest.FixtureRequest, runner: TaskRunner, tmp_path_factory: pytest.TempPathFactory
) -> Teacher:
    folder = tmp_path_factory.mktemp("teacher")
    base = tiny.bert_folder(folder / "bert", config=CONFIG)
    branch = Branch(dataclasses.replace(runner.spec, pooling=request.param), 1, 2)
    return Teacher(tiny.branch(folder / "rte", base, branch, golden=False), BertFolder.at(base))


def test_states_equal_numpy(teacher: Teacher, runner: TaskRunner, tmp_path: Path) -> None:
    """Read back in batches of another composition, at tokens; padding is zero."""
    branch = teacher.record.branch
    weights = {**teacher.bert.read(), **checkpoint.read(teacher.checkpoint)}
    files = teacher.states(runner.train, STATES, BATCH, tmp_path)
    assert files.keys() == {"logits", *(state.name for state in STATES)}
    for rows in np.split(np.arange(len(runner.train))[::-1], [3, 8]):
        batch = runner.train.batch(rows)
        ids, length = batch["input_ids"], batch["input_ids"].shape[1]
        x = numpy_bert.embed(CONFIG, weights, ids, batch["segment_ids"])
        expected = {}
        for layer in range(3):
            of_layer = numpy_bert.layer_states(CONFIG, weights, x, ids, layer)
            expected.update({LayerState(kind, layer + 1): state for kind, state in of_layer.items()})
            x = of_layer["hidden"]
        cls = branch.task.pooling == "cls"
        pooled = numpy_bert.pool_first(weights, x) if cls else numpy_bert.pool_mean(x, ids)
        logits = pooled @ weights["output_weights"].T + weights["output_bias"]
        np.testing.assert_allclose(files["logits"].batch(rows, length), logits, atol=1e-5)
        for state in STATES:
            found = files[state.name].batch(rows, length)
            of_tokens = np.zeros_like(found)
            for index, row in enumerate(rows):
                shape = files[state.name].layout.shape(int(runner.train.lengths[row]))
                at_tokens = (index, *map(slice, shape))
                of_tokens[at_tokens] = expected[state][at_tokens]
            np.testing.assert_allclose(found, of_tokens, atol=1e-5, err_msg=state.name)


def test_states_are_computed_once(
    teacher: Teacher, runner: TaskRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the same teacher, rows, states, batch size, padding and precision: whatever decides their bits."""
    files = teacher.states(runner.dev, STATES[:2], BATCH, tmp_path)
    kept = {name: file.file.read_bytes() for name, file in files.items()}

    def never(*arguments: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(Teacher, "_compute", never)
    again = teacher.states(runner.dev, STATES[1::-1], BATCH, tmp_path)
    assert {name: file.file.read_bytes() for name, file in again.items()} == kept
    unlabelled = dataclasses.replace(runner.dev, labels=None)
    assert teacher.states(unlabelled, STATES[:2], BATCH, tmp_path).keys() == kept.keys()
    for rows, states, batch_size in (
        (runner.dev.take(np.arange(3)), STATES[:2], BATCH),
        (runner.dev, STATES[:1], BATCH),
        (runner.dev, STATES[:2], BATCH + 1),
        (runner.dev.padded(13), STATES[:2], BATCH),
    ):
        with pytest.raises(AssertionError, match="computed again"):
            teacher.states(rows, states, batch_size, tmp_path)


def test_states_do_not_depend_on_the_trunks_cache(
    teacher: Teacher, runner: TaskRunner, tmp_path: Path
) -> None:
    own = TrunkCache(tmp_path / "trunk", 10**9)
    (rows,) = own.attach(teacher.bert, 1, runner.dev)
    computed = teacher.states(runner.dev, STATES, BATCH, tmp_path / "computed")
    read = teacher.states(rows, STATES, BATCH, tmp_path / "read")
    for name, file in computed.items():
        assert file.file.read_bytes() == read[name].file.read_bytes(), name


def test_a_stop_leaves_no_half_file(
    teacher: Teacher, runner: TaskRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from centrabert.distill import state_file

    def stopped(self: object, rows: object, states: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(state_file.StateWriter, "write", stopped)
        teacher.states(runner.dev, STATES[:1], BATCH, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".npy"]
    assert teacher.states(runner.dev, STATES[:1], BATCH, tmp_path)["logits"].file.exists()
