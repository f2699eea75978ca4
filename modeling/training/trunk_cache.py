"""Frozen work is done once: the trunk's outputs for a data set, computed when first wanted and kept.

A file is named by all that decides its bits (trunk variables, config, depth, word pieces, precision), so a
stale one is never found. Several processes may share a folder.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging
from tqdm import tqdm

from centrabert.errors import UserError
from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.digest import joint_digest, text_digest
from centrabert.modeling.file_lock import missing_locks_told
from centrabert.modeling.layers.aligned_trunk import trunk_outputs
from centrabert.modeling.training.estimator import (
    Estimator,
    EstimatorSpec,
    ModelFn,
    Params,
    RunConfig,
    Tensors,
)
from centrabert.modeling.training.prediction import input_fn
from centrabert.modeling.training.token_dataset import Encoded, sorted_batches
from centrabert.modeling.training.trunk_output_file import TrunkOutputFile, file_bytes, new_trunk_output_file

DTYPES = ("float32", "float16")
BATCH = 64
ATTEMPTS = 3  # to open files before others remove them
FORMAT = 1  # raise it when the same name would hold other bits


@dataclass(frozen=True)
class TrunkCache:
    """A folder of trunk outputs within a budget; those unused longest make room.

    Attributes:
      byte_budget: All files together at most.
      dtype: "float32", which changes no bit of training, or "float16", half as large.
    """

    folder: Path
    byte_budget: int
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise UserError(f"trunk output dtype {self.dtype!r} is none of {', '.join(DTYPES)}")

    def attach(self, bert: BertFolder, frozen: int, *splits: Encoded) -> tuple[Encoded, ...]:
        """The splits with the trunk's output after `frozen` layers; as they were if the budget is too small.

        Raises:
          OSError: The disk is full; no half-written file stays behind.
        """
        for _ in range(ATTEMPTS):
            files = self.fill(bert, [frozen], *splits)
            if files is None:
                return splits
            try:  # once it is mapped, a file may be removed for another task's
                mapped = [TrunkOutputFile(files[at, frozen]).mapped() for at in range(len(splits))]
            except FileNotFoundError:
                continue
            return tuple(split.with_trunk_output(each) for split, each in zip(splits, mapped, strict=True))
        logging.warning("trunk outputs make room for other tasks' as fast as they are computed; keep more")
        return splits

    def fill(
        self, bert: BertFolder, depths: Sequence[int], *splits: Encoded
    ) -> dict[tuple[int, int], Path] | None:
        """Computes what is not there yet, one pass over each split for all depths.

        Returns:
          (number of the split, depth) -> file, or None if the budget is too small for all of them.
        """
        sizes = {(at, depth): self._size(bert, split) for at, split in enumerate(splits) for depth in depths}
        if sum(sizes.values()) > self.byte_budget:
            logging.info(
                "trunk outputs of %.1f GB exceed the %.1f GB kept: the trunk is computed at every step",
                sum(sizes.values()) / 1e9,
                self.byte_budget / 1e9,
            )
            return None
        files = {(at, depth): self._file(bert, splits[at], depth) for at, depth in sizes}
        if _mark_used(files.values()):
            return files  # without waiting for a process that computes others
        with self._locked():
            absent = {key: file for key, file in files.items() if not file.exists()}
            self._make_room(sum(sizes[key] for key in absent), set(files.values()))
            for at, split in enumerate(splits):
                if wanted := {depth: file for (number, depth), file in absent.items() if number == at}:
                    _compute(bert, split, wanted, self.dtype)
            _mark_used(files.values())
        return files

    def _size(self, bert: BertFolder, split: Encoded) -> int:
        return file_bytes(len(split.ids), bert.config().hidden_size, self.dtype)

    def _file(self, bert: BertFolder, split: Encoded, depth: int) -> Path:
        trunk = {name: digest for name, digest in bert.digests.items() if scopes.depth(name) <= depth}
        identity = {
            "format": FORMAT,
            "tensorflow": tf.version.VERSION,
            "config": bert.config().to_json(),
            "trunk": joint_digest(trunk),
            "depth": depth,
            "pieces": split.pieces_digest,
            "dtype": self.dtype,
        }
        return self.folder / f"{text_digest(json.dumps(identity, sort_keys=True))}.npy"

    def _make_room(self, needed: int, keep: set[Path]) -> None:
        """Removes files, the longest unused first, until `needed` bytes fit."""
        files = sorted(self.folder.glob("*.npy"), key=lambda file: file.stat().st_mtime)
        held = sum(file.stat().st_size for file in files)
        for file in files:
            if held + needed <= self.byte_budget:
                return
            if file not in keep:
                held -= file.stat().st_size
                file.unlink()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            with missing_locks_told(self.folder):
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _mark_used(files: Iterable[Path]) -> bool:
    """Makes the files the last used; False if one is not there."""
    try:
        for file in files:
            os.utime(file)
    except FileNotFoundError:
        return False
    return True


def _compute(bert: BertFolder, split: Encoded, files: Mapping[int, Path], dtype: str) -> None:
    """Runs the trunk once over the rows, shortest first, and writes the file of every depth."""
    plan = sorted_batches(split.lengths, BATCH)
    hidden = bert.config().hidden_size
    with ExitStack() as stack:
        writers = {
            depth: stack.enter_context(new_trunk_output_file(file, len(split.ids), hidden, dtype))
            for depth, file in files.items()
        }
        estimator = Estimator(_trunk_fn(bert, split.padding_id, list(files)), RunConfig())
        batches = estimator.predict(input_fn(split, plan), yield_single_examples=False)
        bar = tqdm(plan, "trunk", unit="batch", disable=None, leave=False)
        for rows, batch in zip(bar, batches, strict=True):
            for depth, writer in writers.items():
                for row, tokens in zip(rows, batch[str(depth)], strict=True):
                    writer.write(int(split.offsets[row]), tokens[: split.lengths[row]])


def _trunk_fn(bert: BertFolder, padding_id: int, depths: Sequence[int]) -> ModelFn:
    def model_fn(features: Tensors, labels: Any, mode: str, params: Params) -> EstimatorSpec:
        del labels, params
        ids, segments = features["input_ids"], features["segment_ids"]
        config = bert.config()
        names = scopes.encoder_shapes(config, max(depths))
        starts = checkpoint.restored(bert.checkpoint, {name: name for name in names})
        with tf.variable_scope("", custom_getter=checkpoint.starting(starts)):
            outputs = trunk_outputs(ids, segments, padding_id, config, depths)
        return EstimatorSpec(mode, {str(depth): tensor for depth, tensor in outputs.items()})

    return model_fn
