"""The trunk's output for tasks that read a row differently, in a graph from which TensorFlow prunes tasks.

Rows without a second text are read once, for tasks of both kinds. The others are read as pairs for pair
tasks, and without their second text for the others. Each of these three readings is a graph of its own: what
nobody fetches is pruned, and what has no rows does not run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.export.graph.branch_answers import branch_answers
from centrabert.export.graph.control_flow import merge, switch
from centrabert.export.graph.request_texts import RequestTexts
from centrabert.merge.manifest import Manifest
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import embed, encode


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
    padding_id = texts.tokenizer.padding_id
    with_second, without = (tf.where(rows)[:, 0] for rows in (texts.has_second, ~texts.has_second))
    depths = {
        pair: max(branch.frozen for branch in manifest.plan.branches if branch.task.pair == pair)
        for pair in (False, True)
    }
    alike = _reading(manifest, texts, without, False, max(depths.values()))
    differing = {pair: _reading(manifest, texts, with_second, pair, depth) for pair, depth in depths.items()}
    joined = {pair: _Joined((alike, reading), padding_id) for pair, reading in differing.items()}
    return {
        branch.task.name: joined[branch.task.pair].answers(branch, manifest.config)
        for branch in manifest.plan.branches
    }


def _reading(manifest: Manifest, texts: RequestTexts, rows: tf.Tensor, pair: bool, depth: int) -> Reading:
    """The rows as far as the tasks go that read them so."""
    _, own = switch(rows, tf.size(rows))
    ids, segments = (tf.ensure_shape(tensor, [None, None]) for tensor in texts.read(own, pair))
    mask = attention_mask(ids, texts.tokenizer.padding_id)
    trunk = [embed(ids, segments, manifest.config)]
    for layer in range(depth):
        trunk.append(encode(trunk[-1], mask, manifest.config, [layer]))
    return Reading(rows, ids, trunk)


class _Joined:
    """Two readings that together are the batch: their rows one after the other, padded to the longest."""

    def __init__(self, readings: tuple[Reading, Reading], padding_id: int) -> None:
        self._readings = readings
        self._length = tf.maximum(*map(self._own_length, readings))
        ids = [self._padded(reading, reading.ids, padding_id) for reading in readings]
        self._mask = attention_mask(tf.concat(ids, 0), padding_id)
        self._places = tf.math.invert_permutation(tf.concat([reading.rows for reading in readings], 0))

    def answers(self, branch: Branch, config: BertConfig) -> dict[str, tf.Tensor]:
        """A branch's answers in the order of the batch."""
        trunk = [self._padded(reading, reading.trunk[branch.frozen], 0) for reading in self._readings]
        computed = branch_answers(tf.concat(trunk, 0), self._mask, branch, config)
        return {name: tf.gather(values, self._places) for name, values in computed.items()}

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
