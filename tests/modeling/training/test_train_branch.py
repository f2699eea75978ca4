"""Training a branch: what moves and what does not, what is kept, stopped, resumed and refused."""

import dataclasses
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny
import tiny_glue

from centrabert.modeling import branch_folder, checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch import Branch
from centrabert.modeling.branch_folder import BranchRecord, read_record
from centrabert.modeling.digest import tensor_digests
from centrabert.modeling.file_lock import exclusive
from centrabert.modeling.formats.json_file import dump
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.scopes import HEAD
from centrabert.modeling.training import train_branch as training
from centrabert.modeling.training.hooks import ProgressBar
from centrabert.modeling.training.prediction import branch_estimator, input_fn, training_input_fn
from centrabert.modeling.training.train_branch import train_branch
from centrabert.task_runner import TaskRunner

METRICS = (0.3, 0.9, 0.5)


@pytest.fixture(scope="module")
def undisturbed(runner: TaskRunner, tmp_path_factory: pytest.TempPathFactory) -> BranchRecord:
    """The record of a run whose second evaluation is the best."""
    return _kept(runner, tmp_path_factory.mktemp("undisturbed") / "rte", *METRICS)


def _base(runner: TaskRunner) -> checkpoint.Tensors:
    return runner.bert.read()


class Start(ProgressBar):
    """Reads what is trained before the first step."""

    def after_create_session(self, session: tf.Session, coord: Any) -> None:
        super().after_create_session(session, coord)
        Start.digests = tensor_digests(session.run({v.op.name: v for v in tf.trainable_variables()}))


@pytest.mark.parametrize(("frozen", "tuned", "pooling"), [(1, 2, "cls"), (0, 3, "mean"), (2, 1, "mean")])
def test_every_owned_variable_moves(
    runner: TaskRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    frozen: int,
    tuned: int,
    pooling: str,
) -> None:
    """From where the pretrained BERT has it."""
    monkeypatch.setattr(training, "ProgressBar", Start)
    other = dataclasses.replace(runner, pooling=pooling)
    record = train_branch(tiny_glue.job(other, tmp_path / "rte", frozen, tuned))
    assert record.variables.keys() == record.branch.owned_shapes(tiny_glue.CONFIG).keys()
    assert record.variables.keys() == Start.digests.keys()
    assert not record.variables.items() & Start.digests.items()
    base = runner.bert.digests
    for name, digest in Start.digests.items():
        assert not name.startswith("bert/") or digest == base[name], name


class Frozen(tf.train.SessionRunHook):
    """Reads the frozen variables out of the session at its end."""

    def end(self, session: tf.Session) -> None:
        self.tensors = session.run({v.op.name: v for v in tf.local_variables()})


def test_no_bit_of_a_frozen_layer_moves(runner: TaskRunner, tmp_path: Path) -> None:
    job, frozen = tiny_glue.job(runner, tmp_path, 1, 2), Frozen()
    batches = training_input_fn(job.train, job.hyperparameters)
    training._estimator(job).train(batches, 9, [frozen])
    base = runner.bert.read()
    assert frozen.tensors.keys() == set(job.branch.shared_names(tiny_glue.CONFIG))
    assert len(frozen.tensors) == 5 + 16
    for name, tensor in frozen.tensors.items():
        np.testing.assert_array_equal(tensor, base[name], err_msg=name)


def test_the_record_names_the_trunk_it_grew_on(runner: TaskRunner, finished: Path) -> None:
    assert read_record(finished).trunk.items() <= runner.bert.digests.items()


def test_full_fine_tuning_trains_the_embeddings_and_says_so(runner: TaskRunner, tmp_path: Path) -> None:
    branch = Branch(runner.spec, 0, 1, full_fine_tuning=True)
    train_branch(tiny_glue.job(runner, tmp_path / "full", branch=branch))
    record = read_record(tmp_path / "full")
    tensors = checkpoint.read(tmp_path / "full" / branch_folder.CHECKPOINT)
    assert record.branch.full_fine_tuning and not record.trunk
    assert "bert/embeddings/word_embeddings" in tensors
    base = _base(runner)
    for name in tensors.keys() - HEAD:
        assert not np.array_equal(tensors[name], base[name]), name
    again = train_branch(tiny_glue.job(runner, tmp_path / "again", branch=branch))
    assert again == record


def test_a_seed_decides_every_bit(runner: TaskRunner, finished: Path, tmp_path: Path) -> None:
    again = train_branch(tiny_glue.job(runner, tmp_path / "again"))
    other = dataclasses.replace(tiny_glue.HYPERPARAMETERS, seed=14)
    differs = train_branch(tiny_glue.job(runner, tmp_path / "other", hyperparameters=other))
    assert again.variables == read_record(finished).variables
    assert not again.variables.items() & differs.variables.items()


def test_a_stopped_run_goes_on_to_the_same_bits(
    runner: TaskRunner, undisturbed: BranchRecord, tmp_path: Path
) -> None:
    """Six steps an epoch. The signal comes in the first evaluation, so the run stops after step 7.

    The second evaluation is the best: it must come where it would have.
    """

    def stop_first(evaluation: int) -> None:
        if evaluation == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    score = tiny_glue.ScriptedScore(*METRICS, before=stop_first)
    job = tiny_glue.job(runner, tmp_path / "rte", score=score)
    with pytest.raises(KeyboardInterrupt):
        train_branch(job)
    assert not (tmp_path / "rte" / branch_folder.RECORD).exists()
    assert train_branch(job) == undisturbed
    assert score.calls == 3


def test_a_crash_after_the_checkpoint_loses_no_evaluation(
    runner: TaskRunner, finished: Path, tmp_path: Path
) -> None:
    calls = 0

    def score(*evaluated: Any) -> dict[str, float]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("power cut")
        return runner.score(*evaluated)

    job = tiny_glue.job(runner, tmp_path / "rte", score=score)
    with pytest.raises(RuntimeError, match="power cut"):
        train_branch(job)
    assert train_branch(job) == read_record(finished)
    assert calls == 4


def test_a_finished_run_is_only_read(runner: TaskRunner, finished: Path) -> None:
    score = tiny_glue.ScriptedScore()
    assert train_branch(tiny_glue.job(runner, finished, score=score)) == read_record(finished)
    assert score.calls == 0


def test_another_run_in_the_folder_is_refused(runner: TaskRunner, finished: Path, tmp_path: Path) -> None:
    other = dataclasses.replace(tiny_glue.HYPERPARAMETERS, learning_rate=1e-3)
    with pytest.raises(ValueError, match=r"hyperparameters.learning_rate: 0.003, now 0.001; choose another"):
        train_branch(tiny_glue.job(runner, finished, hyperparameters=other))
    with pytest.raises(ValueError, match=r"branch.frozen: 2, now 0"):
        train_branch(tiny_glue.job(runner, finished, frozen=0, tuned=3))
    with pytest.raises(ValueError, match=r"differs in config.hidden_dropout_prob: 0.1, now 0.3; choose"):
        train_branch(tiny_glue.job(runner, finished, bert=_with_dropout(runner.bert, tmp_path.parent, 0.3)))
    (tmp_path / "novel.txt").write_text("unfinished")
    with pytest.raises(ValueError, match="not empty and holds no run"):
        train_branch(tiny_glue.job(runner, tmp_path))


def test_two_processes_do_not_train_in_one_folder(runner: TaskRunner, tmp_path: Path) -> None:
    job = tiny_glue.job(runner, tmp_path / "rte")
    (tmp_path / "rte").mkdir()
    with exclusive(tmp_path / "rte"), pytest.raises(ValueError, match="rte: another process is at work here"):
        train_branch(job)
    assert not (tmp_path / "rte" / "run.json").exists()  # the other may not have written its own yet


def _with_dropout(bert: BertFolder, folder: Path, rate: float) -> BertFolder:
    """The same weights, whose digests do not tell the rate."""
    file = folder / "other_dropout.json"
    file.write_text(dump(dataclasses.replace(bert.config(), hidden_dropout_prob=rate).to_json()))
    return dataclasses.replace(bert, config_file=file)


def _kept(runner: TaskRunner, folder: Path, *metrics: float) -> BranchRecord:
    return train_branch(tiny_glue.job(runner, folder, score=tiny_glue.ScriptedScore(*metrics)))


def test_the_best_checkpoint_by_the_metric_is_kept(
    runner: TaskRunner, undisturbed: BranchRecord, tmp_path: Path
) -> None:
    assert undisturbed.metrics == {"accuracy": 0.9}
    first_of_equals = _kept(runner, tmp_path / "b", 0.1, 0.2, 0.2)
    assert undisturbed.variables == first_of_equals.variables
    last = _kept(runner, tmp_path / "c", 0.3, 0.4, 0.5)
    assert not undisturbed.variables.items() & last.variables.items()


def test_stops_when_nothing_better_comes(runner: TaskRunner, tmp_path: Path) -> None:
    patient = dataclasses.replace(
        tiny_glue.HYPERPARAMETERS, early_stopping_patience=2, save_checkpoints_steps=3
    )
    score = tiny_glue.ScriptedScore(0.5, 0.8, 0.7, 0.8, 0.9, 0.9)
    job = tiny_glue.job(runner, tmp_path / "rte", hyperparameters=patient, score=score)
    assert train_branch(job).metrics == {"accuracy": 0.8}
    assert score.calls == 4


def test_a_diverging_run_is_one_clear_error(runner: TaskRunner, tmp_path: Path) -> None:
    wild = dataclasses.replace(tiny_glue.HYPERPARAMETERS, learning_rate=1e30)
    with pytest.raises(ValueError, match="the loss is NaN; try a smaller learning rate"):
        train_branch(tiny_glue.job(runner, tmp_path / "rte", hyperparameters=wild))


def test_a_full_disk_leaves_no_branch(
    runner: TaskRunner, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(prefix: Path, tensors: object) -> None:
        raise OSError(28, "No space left on device", str(prefix))

    with monkeypatch.context() as patch:
        patch.setattr(training.checkpoint, "write", full)
        with pytest.raises(OSError, match="No space left"):
            train_branch(tiny_glue.job(runner, tmp_path / "rte"))
    assert not (tmp_path / "rte" / branch_folder.RECORD).exists()
    assert train_branch(tiny_glue.job(runner, tmp_path / "rte")) == read_record(finished)


def test_the_golden_answers_are_the_branchs(runner: TaskRunner, finished: Path) -> None:
    golden = read_golden(finished / branch_folder.GOLDEN, runner.spec)
    places = [runner.dev.text_a.index(text) for text in golden.text_a]
    prefix, padding_id = finished / branch_folder.CHECKPOINT, runner.tokenizer.padding_id
    estimator = branch_estimator(runner.bert, read_record(finished).branch, prefix, padding_id)
    (batch,) = estimator.predict(input_fn(runner.dev, [np.array(places)]), yield_single_examples=False)
    assert len(golden.text_a) == 8
    assert golden.outputs["label"].tolist() == [label.decode() for label in batch["label"]]
    np.testing.assert_array_equal(golden.outputs["probabilities"], batch["probabilities"])


def test_only_the_branch_and_its_summaries_remain(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names == {
        ".lock",
        "branch.json",
        "golden.json",
        "judgements.json",
        "model.ckpt.index",
        "model.ckpt.data-00000-of-00001",
        "run.json",
        "training",
    }
    assert all(path.name.startswith("events.out.") for path in (finished / "training").iterdir())


def test_text_longer_than_the_positions_is_refused(runner: TaskRunner, tmp_path: Path) -> None:
    spec = dataclasses.replace(runner.spec, max_seq_length=24)
    with pytest.raises(ValueError, match="--max_seq_length=24 is above 23"):
        tiny_glue.job(runner, tmp_path, branch=Branch(spec, 1, 2))


def test_pairs_need_a_second_segment(runner: TaskRunner, tmp_path: Path) -> None:
    """Not in the middle of training, by TensorFlow."""
    config = dataclasses.replace(runner.bert.config(), type_vocab_size=1)
    bert = BertFolder.at(tiny.bert_folder(tmp_path / "bert", config=config))
    runner = dataclasses.replace(runner, bert=bert)
    single, pair = (dataclasses.replace(runner.spec, pair=pair) for pair in (False, True))
    assert tiny_glue.job(runner, tmp_path, branch=Branch(single, 1, 2))
    with pytest.raises(
        ValueError, match=r"bert_config\.json: task .* segment 1, but type_vocab_size .* is 1"
    ):
        tiny_glue.job(runner, tmp_path, branch=Branch(pair, 1, 2))


def test_another_base_is_refused(runner: TaskRunner, finished: Path, tmp_path: Path) -> None:
    other = BertFolder.at(tiny_glue.bert_folder(tmp_path / "other", seed=5))
    with pytest.raises(ValueError, match="bert/embeddings/LayerNorm/beta differs"):
        dataclasses.replace(runner, bert=other).evaluate(finished, 5)
