"""The trunk's output for tasks that read a row differently, in a graph from which TensorFlow prunes tasks.

Rows that all tasks read alike are read once: those without a second text, whose words have the pieces of the
text. The others are read as pairs for pair tasks, without their second text for tasks of single texts, and
word by word for taggings. Each of these readings is a graph of its own: what nobody fetches is pruned, and
what has no rows does not run.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.export.graph.control_flow import merge, switch
from centrabert.export.graph.model_pieces import branch_answers, trunk_outputs
from centrabert.export.graph.request_texts import RequestTexts
from centrabert.merge.manifest import Manifest
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.task import TextReading


@dataclass(frozen=True)
class Reading:
    """Some rows, read in one way.

    Attributes:
      rows: int64 [rows], where they stand in the batch. Without any, nothing else is computed.
      ids: int32 [rows, length].
      trunk: float32 [rows, length, hidden] after the embeddings and after every layer computed.
    """

    rows: tf.Tensor
    ids: tf.Tensor
    trunk: Sequence[tf.Tensor]

    @property
    def count(self) -> tf.Tensor:
        return tf.size(self.rows)


def separate_answers(manifest: Manifest, texts: RequestTexts) -> dict[str, dict[str, tf.Tensor]]:
    """The answers of every task, by task and then by name, each to what it reads of the texts."""
    depths: dict[TextReading, int] = {}
    for branch in manifest.plan.branches:
        depths[branch.task.reading] = max(branch.frozen, depths.get(branch.task.reading, 0))
    same, differing = (tf.where(rows)[:, 0] for rows in _alike(texts, depths))
    alike = _reading(manifest, texts, same, TextReading(), max(depths.values()))
    joined = {
        each: _Joined((alike, _reading(manifest, texts, differing, each, depth)), texts, each.split)
        for each, depth in depths.items()
    }
    return {
        branch.task.name: joined[branch.task.reading].answers(branch, manifest.config)
        for branch in manifest.plan.branches
    }


def _alike(texts: RequestTexts, readings: Collection[TextReading]) -> tuple[tf.Tensor, tf.Tensor]:
    """bool [batch], which rows all readings come to the same for, and which not."""
    differing = [texts.has_second] if any(each.pair for each in readings) else []
    differing += [~texts.same_pieces(each.split) for each in readings if each.split]
    any_differs = tf.reduce_any(differing, 0)
    return ~any_differs, any_differs


def _reading(
    manifest: Manifest, texts: RequestTexts, rows: tf.Tensor, reading: TextReading, depth: int
) -> Reading:
    """The rows as far as the tasks go that read them so."""
    _, own = switch(rows, tf.size(rows))
    ids, segments = (tf.ensure_shape(tensor, [None, None]) for tensor in texts.read_as(own, reading))
    mask = attention_mask(ids, texts.tokenizer.padding_id)
    return Reading(rows, ids, trunk_outputs(ids, segments, mask, manifest.config, depth))


class _Joined:
    """Two readings that together are the batch: their rows one after the other, padded to the longest."""

    def __init__(self, readings: tuple[Reading, Reading], texts: RequestTexts, split: str) -> None:
        padding_id = texts.tokenizer.padding_id
        self._readings = readings
        self._length = tf.maximum(*map(self._own_length, readings))
        ids = [self._padded(reading, reading.ids, padding_id) for reading in readings]
        self._mask = attention_mask(tf.concat(ids, 0), padding_id)
        rows = tf.concat([reading.rows for reading in readings], 0)
        self._order = tf.math.invert_permutation(rows)
        self._words = texts.places(rows, split)
        self._trunk: dict[int, tf.Tensor] = {}

    def answers(self, branch: Branch, config: BertConfig) -> dict[str, tf.Tensor]:
        """A branch's answers in the order of the batch."""
        computed = branch_answers(self._after(branch.frozen), self._mask, branch, config, self._words)
        return {name: tf.gather(values, self._order) for name, values in computed.items()}

    def _after(self, depth: int) -> tf.Tensor:
        """float32 [batch, length, hidden], what the trunk says after so many layers."""
        if depth not in self._trunk:
            parts = [self._padded(reading, reading.trunk[depth], 0) for reading in self._readings]
            self._trunk[depth] = tf.concat(parts, 0)
        return self._trunk[depth]

    def _own_length(self, reading: Reading) -> tf.Tensor:
        none, _ = switch(tf.constant(1), reading.count)  # attention wants a first token, be it of no row
        return merge(none, tf.shape(reading.ids)[1])

    def _padded(self, reading: Reading, tensor: tf.Tensor, value: int) -> tf.Tensor:
        """[rows, length, ...] of the common length; no rows if there are none."""
        inner = tensor.shape[2:].as_list()
        length, _ = switch(self._length, reading.count)
        none = tf.zeros([0, length, *inner], tensor.dtype)
        behind = [[0, 0], [0, self._length - tf.shape(tensor)[1]], *[[0, 0] for _ in inner]]
        some = tf.pad(tensor, behind, constant_values=tf.cast(value, tensor.dtype))
        return tf.ensure_shape(merge(none, some), [None, None, *inner])
