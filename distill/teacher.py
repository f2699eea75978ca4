"""The teacher of a distillation: a finished branch, only read, and what it says of the training rows."""

import json
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy.typing as npt
import tensorflow as tf
from absl import logging

from centrabert.distill.state_file import StateFile, StateLayout, logits_axes, new_state_file, state_axes
from centrabert.errors import UserError
from centrabert.modeling import checkpoint
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.branch_checkpoint import read_owned
from centrabert.modeling.branch_folder import CHECKPOINT, BranchRecord, read_record
from centrabert.modeling.digest import text_digest
from centrabert.modeling.file_lock import exclusive
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.layers.layer_states import LayerState
from centrabert.modeling.training.prediction import branch_estimator, input_fn
from centrabert.modeling.training.token_dataset import Encoded, sorted_batches

LOGITS = "logits"
FORMAT = 1  # raise it when the same name would hold other bits


@dataclass(frozen=True)
class Teacher:
    """A finished branch and the BERT it was trained on.

    Raises:
      UserError: The folder is no branch, its checkpoint is not the branch's, the BERT is another, or the
        branch has adapters.
    """

    folder: Path
    bert: BertFolder

    def __post_init__(self) -> None:
        try:
            self.record.branch.check_own_layers()
            self.record.check_base(self.bert.digests, self.bert.config(), str(self.bert.checkpoint))
        except UserError as error:
            raise UserError(f"{self.folder}: {error}") from None
        read_owned(self.folder, self.record)

    @cached_property
    def record(self) -> BranchRecord:
        return read_record(self.folder)

    @property
    def checkpoint(self) -> Path:
        return self.folder / CHECKPOINT

    @cached_property
    def head_variables(self) -> dict[str, npt.NDArray[Any]]:
        """Those of its head, by the names of `TaskKind.head_shapes`."""
        task, hidden = self.record.branch.task, self.bert.config().hidden_size
        tensors = checkpoint.read(self.checkpoint)
        return {name: tensors[name] for name in KINDS[task.kind].head_shapes(task.labels, hidden)}

    def states(
        self, rows: Encoded, wanted: Collection[LayerState], batch_size: int, cache_dir: Path
    ) -> dict[str, StateFile]:
        """The teacher's logits and the states `wanted`, by name, for every row, without dropout.

        They are computed once and kept in a folder of `cache_dir` that is named by all that decides their
        bits: teacher, data, the states that one pass computes, batch size, padding, precision of the trunk's
        output. So all students of a teacher share them, and a stale file is never found. Several processes
        may share `cache_dir`.

        Raises:
          OSError: The disk is full; no half-written file stays behind.
        """
        states = sorted(set(wanted))
        axes = {
            LOGITS: logits_axes(self.record.branch.task),
            **{state.name: state_axes(state, self.bert.config()) for state in states},
        }
        folder = cache_dir / self._digest(rows, states, batch_size)
        files = {
            name: StateFile(folder / f"{name}.npy", StateLayout(of_row, rows.lengths))
            for name, of_row in axes.items()
        }
        folder.mkdir(parents=True, exist_ok=True)
        with exclusive(folder, wait=True):
            if not all(each.file.exists() for each in files.values()):
                self._compute(rows, states, batch_size, files)
        return files

    def _digest(self, rows: Encoded, states: list[LayerState], batch_size: int) -> str:
        identity = {
            "format": FORMAT,
            "tensorflow": tf.version.VERSION,
            "teacher": self.record.digest,
            "pieces": rows.pieces_digest,
            "states": [state.name for state in states],
            "batch_size": batch_size,
            "padded_to": rows.padded_to,
            "trunk_dtype": rows.trunk_dtype,
        }
        return text_digest(json.dumps(identity, sort_keys=True))[:32]

    def _compute(
        self, rows: Encoded, states: list[LayerState], batch_size: int, files: Mapping[str, StateFile]
    ) -> None:
        """Runs the teacher once over the rows, shortest first, and writes all files."""
        numbers = sum(int(each.layout.offsets[-1]) for each in files.values())
        logging.info("%s: computing %.3g GB of the teacher's states", self.folder, 4 * numbers / 1e9)
        estimator = branch_estimator(
            self.bert, self.record.branch, self.checkpoint, rows.padding_id, aligned=True, states=states
        )
        plan = sorted_batches(rows.lengths, batch_size)
        with ExitStack() as stack:
            writers = {
                name: stack.enter_context(new_state_file(each.file, each.layout))
                for name, each in files.items()
            }
            predictions = estimator.predict(input_fn(rows, plan), yield_single_examples=False)
            for numbers_of, batch in zip(plan, predictions, strict=True):
                for name, writer in writers.items():
                    writer.write(numbers_of, batch[name])
