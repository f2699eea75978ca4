"""Training from kept trunk outputs is training: the same bits, a budget that holds, no stale use."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny_glue

from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch_folder import read_record
from centrabert.modeling.layers import encoder
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.training import trunk_cache, trunk_output_file
from centrabert.modeling.training.train_branch import train_branch
from centrabert.modeling.training.trunk_cache import TrunkCache
from centrabert.modeling.training.trunk_output_file import (
    TrunkOutputFile,
    TrunkOutputWriter,
    file_bytes,
    new_trunk_output_file,
)
from centrabert.task_runner import TaskRunner

AMPLE = 10**9


@pytest.mark.parametrize(("frozen", "pooling"), [(2, "cls"), (1, "mean")])
def test_training_from_the_cache_gives_the_same_bits(
    runner: TaskRunner, finished: Path, tmp_path: Path, frozen: int, pooling: str
) -> None:
    other = dataclasses.replace(runner, pooling=pooling)
    cache = TrunkCache(tmp_path / "cache", AMPLE)
    cached = train_branch(tiny_glue.job(other, tmp_path / "cached", frozen, 3 - frozen, cache=cache))
    computed = read_record(finished)
    if cached.branch != computed.branch:
        computed = train_branch(tiny_glue.job(other, tmp_path / "computed", frozen, 3 - frozen))
    assert cached == computed
    assert len(list(cache.folder.glob("*.npy"))) == 2  # train and dev


def test_what_is_kept_is_the_trunks_output(runner: TaskRunner, tmp_path: Path) -> None:
    """Against the encoder as it serves, which pads no further than the batch."""
    files = TrunkCache(tmp_path, AMPLE).fill(runner.bert, [0, 1, 3], runner.train)
    assert files is not None
    rows = np.array([3, 20, 36])
    batch, lengths = runner.train.batch(rows), runner.train.lengths[rows]
    with tf.Graph().as_default():
        ids, segments = tf.constant(batch["input_ids"]), tf.constant(batch["segment_ids"])
        x, config = encoder.embed(ids, segments, tiny_glue.CONFIG), tiny_glue.CONFIG
        wanted = {0: x}
        for depth in (1, 2, 3):
            x = wanted[depth] = encoder.encode(x, attention_mask(ids, padding_id=0), config, [depth - 1])
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        tf.train.init_from_checkpoint(str(runner.bert.checkpoint), variables)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            expected = session.run(wanted)
    for depth in (0, 1, 3):
        kept = TrunkOutputFile(files[0, depth]).padded(runner.train.offsets[rows], lengths)
        for row, length in enumerate(lengths):
            np.testing.assert_allclose(kept[row, :length], expected[depth][row, :length], atol=2e-6)
            assert not kept[row, length:].any()


def test_half_precision_halves_the_files_and_rounds(runner: TaskRunner, tmp_path: Path) -> None:
    whole, half = (TrunkCache(tmp_path / dtype, AMPLE, dtype) for dtype in ("float32", "float16"))
    (exact,) = whole.attach(runner.bert, 2, runner.dev)
    (rounded,) = half.attach(runner.bert, 2, runner.dev)
    rows = np.arange(len(runner.dev))
    exactly, roughly = (split.batch(rows)["trunk_output"] for split in (exact, rounded))
    assert roughly.dtype == np.float32
    np.testing.assert_array_equal(roughly, exactly.astype(np.float16).astype(np.float32))
    assert (exact.trunk_dtype, rounded.trunk_dtype, runner.dev.trunk_dtype) == (
        "float32",
        "float16",
        "float32",
    )


def test_a_run_does_not_go_on_in_another_precision(
    runner: TaskRunner, finished: Path, tmp_path: Path
) -> None:
    half = TrunkCache(tmp_path / "cache", AMPLE, "float16")
    rounded = train_branch(tiny_glue.job(runner, tmp_path / "rte", cache=half))
    assert not rounded.variables.items() & read_record(finished).variables.items()
    with pytest.raises(ValueError, match="activation_dtype: 'float16', now 'float32'"):
        train_branch(tiny_glue.job(runner, tmp_path / "rte"))
    with pytest.raises(ValueError, match="trunk output dtype 'int8' is none of float32, float16"):
        TrunkCache(tmp_path, AMPLE, "int8")


def test_a_file_serves_whoever_has_the_same_trunk_and_text(
    runner: TaskRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = TrunkCache(tmp_path / "cache", AMPLE)
    first = cache.fill(runner.bert, [1, 2], runner.dev)
    relabelled = dataclasses.replace(runner.dev, labels=1 - runner.dev.labels)
    other_bert = BertFolder.at(tiny_glue.bert_folder(tmp_path / "other", seed=5))
    other_text = runner.dev.take(np.arange(5))
    assert not _files(cache.fill(other_bert, [1, 2], runner.dev)) & _files(first)
    assert not _files(cache.fill(runner.bert, [1, 2], other_text)) & _files(first)
    monkeypatch.setattr(trunk_cache, "_compute", _never)
    assert cache.fill(runner.bert, [2, 1], relabelled) == first


def _files(found: dict[tuple[int, int], Path] | None) -> set[Path]:
    assert found is not None
    return set(found.values())


def _never(*arguments: object) -> None:
    raise RuntimeError("computed twice")


def test_the_budget_holds_and_the_longest_unused_makes_room(runner: TaskRunner, tmp_path: Path) -> None:
    one = file_bytes(len(runner.dev.ids), tiny_glue.CONFIG.hidden_size, "float32")
    cache = TrunkCache(tmp_path / "cache", 2 * one)
    first, second = (_files(cache.fill(runner.bert, [depth], runner.dev)) for depth in (1, 2))
    for age, files in enumerate((first, second)):
        for file in files:
            os.utime(file, (age, age))
    cache.fill(runner.bert, [1], runner.dev)  # now the second is the longest unused
    third = _files(cache.fill(runner.bert, [3], runner.dev))
    held = set(cache.folder.glob("*.npy"))
    assert held == first | third
    assert sum(file.stat().st_size for file in held) == cache.byte_budget


def test_too_small_a_budget_trains_without_the_cache(runner: TaskRunner, tmp_path: Path) -> None:
    cache = TrunkCache(tmp_path / "cache", 1000)
    assert cache.attach(runner.bert, 1, runner.train, runner.dev) == (runner.train, runner.dev)
    assert not cache.folder.exists()


def test_a_stop_leaves_no_half_file(
    runner: TaskRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(self: object, token: int, values: object) -> None:
        raise KeyboardInterrupt

    cache = TrunkCache(tmp_path / "cache", AMPLE)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(TrunkOutputWriter, "write", stopped)
        cache.fill(runner.bert, [1, 2], runner.dev)
    assert [file.name for file in cache.folder.iterdir()] == ["lock"]


def test_tokens_come_back_whatever_was_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trunk_output_file, "RESIDENT_BYTES", 10)
    values = np.arange(7 * 3, dtype=np.float32).reshape(7, 3)
    with new_trunk_output_file(tmp_path / "tokens.npy", 7, 3, "float32") as writer:
        writer.write(4, values[4:])
        writer.write(0, values[:4])
    kept = TrunkOutputFile(tmp_path / "tokens.npy")
    assert (kept.shape, kept.dtype) == ((7, 3), "float32")
    for _ in range(3):
        padded = kept.padded(np.array([5, 0]), np.array([2, 3]))
        np.testing.assert_array_equal(padded[0], [*values[5:7], [0, 0, 0]])
        np.testing.assert_array_equal(padded[1], values[:3])


def test_a_file_of_another_length_is_refused(runner: TaskRunner, tmp_path: Path) -> None:
    with new_trunk_output_file(tmp_path / "tokens.npy", 7, 3, "float32"):
        pass
    with pytest.raises(ValueError, match=r"tokens.npy: holds 7 tokens, the data has \d+; remove the file"):
        runner.dev.with_trunk_output(TrunkOutputFile(tmp_path / "tokens.npy"))
