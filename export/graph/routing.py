"""The signature `route`: a batch of rows that each name the tasks they want.

One pass through the trunk serves all rows, whatever they ask, so a server's batches fill up across tasks. A
row leaves the trunk at the depth of its deepest wanted task, and a branch runs on the rows that want it.
Layers and branches without rows are not executed: what they read passes a Switch, which the executor
follows one way only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.export.contract.signature_names import ASKED
from centrabert.export.graph.control_flow import merge, switch
from centrabert.export.graph.model_pieces import any_name, embedded, one_layer, own_part
from centrabert.export.graph.pieces import piece
from centrabert.export.graph.request_texts import Ids, RequestTexts, fed_ids
from centrabert.export.graph.route_readings import RouteReadings, route_readings
from centrabert.merge.manifest import Manifest
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.task import TaskSpec, TextReading


@dataclass(frozen=True)
class Routed:
    """The tensors of `route` and `route_ids`.

    Attributes:
      ids: Of the readings; fed, one reading for each row of the batch.
      answers: By task and then by name.
      unknown: string [batch], what `tasks` says where it is no list of tasks, else "".
    """

    ids: Ids
    answers: dict[str, dict[str, tf.Tensor]]
    unknown: tf.Tensor


def route(manifest: Manifest, texts: RequestTexts, text_b: tf.Tensor, tasks: tf.Tensor) -> Routed:
    """The answers of every task to the rows of texts that want it.

    Besides what the task's own signature answers there is `asked`, bool [batch]. Where it is False the label
    is "" and every number 0. A task reads what its own signature reads.

    Where no task tags words, ids may be fed instead of texts; see `route_ids`.

    Args:
      text_b: string [batch], or [0] where there is none.
      tasks: string [batch]; names separated by commas, or "*" for all. A row with anything else in it asks
        for nothing: it must not fail the rows of other clients in the same batch.
    """
    branches = manifest.plan.branches
    wanted, known = _wanted(tasks, [branch.task.name for branch in branches])
    same_pieces = {split: texts.same_pieces(split) for split in texts.words}
    of_tasks = {branch.task: wanted[branch.task.name] for branch in branches}
    readings = route_readings(of_tasks, text_b, same_pieces)
    by_split = {split: readings.are(TextReading(split=split)) for split in texts.words}
    ids = texts.read_each(readings.rows, readings.pair, by_split)
    if not texts.words:
        ids = fed_ids(ids)
    routing = _Routing(manifest, branches, readings, texts.tokenizer.padding_id, texts)
    return Routed(ids, routing.answers(ids, wanted), tf.where(known, tf.fill(tf.shape(tasks), ""), tasks))


def route_ids(manifest: Manifest, padding_id: int, tasks: tf.Tensor) -> Routed:
    """The same for rows of ids, for all tasks but those that tag words: ids do not tell where words begin.

    A row is read as it is, whatever its tasks: who has a tokenizer of his own decides what they read.
    """
    branches = [branch for branch in manifest.plan.branches if not branch.task.split]
    wanted, known = _wanted(tasks, [branch.task.name for branch in branches])
    ids = (
        tf.placeholder(tf.int32, [None, None], "input_ids"),
        tf.placeholder(tf.int32, [None, None], "segment_ids"),
    )
    of_tasks = {branch.task: wanted[branch.task.name] for branch in branches}
    readings = route_readings(of_tasks, tf.zeros([0], tf.string), {})
    answers = _Routing(manifest, branches, readings, padding_id).answers(ids, wanted)
    return Routed(ids, answers, tf.where(known, tf.fill(tf.shape(tasks), ""), tasks))


@dataclass(frozen=True)
class _Routing:
    """From the readings of the rows to the answers of the branches."""

    manifest: Manifest
    branches: Sequence[Branch]
    readings: RouteReadings
    padding_id: int
    texts: RequestTexts | None = None

    def answers(self, fed: Ids, wanted: Mapping[str, tf.Tensor]) -> dict[str, dict[str, tf.Tensor]]:
        """By task and then by name, in the order of the batch.

        Args:
          fed: Of the readings.
          wanted: bool [batch] for each task.
        """
        served = self.readings.serving({each.task: wanted[each.task.name] for each in self.branches})
        depths = tf.reduce_max(
            [each.frozen * tf.cast(served[each.task], tf.int32) for each in self.branches], 0
        )
        order = tf.nn.top_k(depths, tf.size(depths)).indices  # stable
        ids, segments = (tf.gather(tf.ensure_shape(tensor, [None, None]), order) for tensor in fed)
        reached = _trunk(ids, segments, depths, self.manifest, self.padding_id)
        targets = tf.gather(self.readings.rows, order)
        batch = tf.shape(next(iter(wanted.values())))
        answers = {}
        for branch in self.branches:
            asked = wanted[branch.task.name]
            own = tf.gather(served[branch.task], order)
            split = branch.task.split
            with tf.variable_scope(branch.task.name):
                computed = _answers(
                    reached[branch.frozen],
                    ids,
                    own,
                    targets,
                    batch,
                    self.texts.words[split].places if self.texts and split else None,
                    task=any_name(branch.task),
                    first=branch.frozen,
                    layers=branch.tuned,
                    config=self.manifest.config,
                    padding_id=self.padding_id,
                )
            answers[branch.task.name] = {**computed, ASKED: asked}
        return answers


@piece
def _answers(
    x: tf.Tensor,
    ids: tf.Tensor,
    served: tf.Tensor,
    rows: tf.Tensor,
    batch: tf.Tensor,
    words: tf.Tensor | None,
    *,
    task: TaskSpec,
    first: int,
    layers: int,
    config: BertConfig,
    padding_id: int,
) -> dict[str, tf.Tensor]:
    """A branch's answers, computed from the readings for it, if there are any.

    Args:
      x: float32 [readings, length, hidden], the first of `ids`; what serves the task is among them.
      ids: int32 [readings, length], those that go deepest first.
      served: bool [readings], which of them are for this task.
      rows: int64 [readings], of which row of the batch each is.
      batch: int32 [1], rows of the batch.
      words: int32 [batch, words, COLUMNS], of a task that tags words.
    """
    places = tf.where(served)[:, 0]
    count = tf.size(places)
    _, own = switch(places, count)
    mask = attention_mask(tf.gather(ids, own), padding_id)
    targets = tf.gather(rows, own)
    own_x, own_words = tf.gather(x, own), None if words is None else tf.gather(words, targets)
    with tf.name_scope("branch"):
        computed = own_part(own_x, mask, own_words, task=task, first=first, layers=layers, config=config)
    at = tf.cast(targets, tf.int32)[:, None]
    return {name: _scattered(values, at, batch, count) for name, values in computed.items()}


def _trunk(
    ids: tf.Tensor, segments: tf.Tensor, depths: tf.Tensor, manifest: Manifest, padding_id: int
) -> list[tf.Tensor]:
    """float32 [rows, length, hidden] after the embeddings and after every layer, fewer rows the deeper.

    Args:
      ids, segments: int32 [batch, length], the rows that go deepest first.
      depths: int32 [batch], how deep they go, in any order.
    """
    with tf.name_scope("bert"):
        reached = [embedded(ids, segments, manifest.config)]
        for layer in range(manifest.plan.trunk_depth):
            count = tf.reduce_sum(tf.cast(depths > layer, tf.int32))
            with tf.name_scope(f"layer_{layer}"):
                reached.append(
                    _layer(
                        reached[-1], ids, count, first=layer, config=manifest.config, padding_id=padding_id
                    )
                )
    return reached


@piece
def _layer(
    x: tf.Tensor, ids: tf.Tensor, count: tf.Tensor, *, first: int, config: BertConfig, padding_id: int
) -> tf.Tensor:
    """One layer of the trunk for the first `count` rows, if there are any."""
    none, some = switch(x[:count], count)
    mask = attention_mask(ids[:count], padding_id)
    with tf.name_scope("rows"):
        after = one_layer(some, mask, first=first, config=config)
    return merge(none, after)


def _wanted(tasks: tf.Tensor, names: Sequence[str]) -> tuple[Mapping[str, tf.Tensor], tf.Tensor]:
    """bool [batch] for each name, and bool [batch] whether a row is a list of names at all."""
    any_name = rf" *(?:\*|{'|'.join(names)}) *"
    known = tf.strings.regex_full_match(tasks, rf"{any_name}(?:,{any_name})*")
    named = {
        name: tf.strings.regex_full_match(tasks, rf"(?:.*,)? *(?:\*|{name}) *(?:,.*)?") for name in names
    }
    return {name: tf.logical_and(known, rows) for name, rows in named.items()}, known


def _scattered(values: tf.Tensor, targets: tf.Tensor, batch: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """The values at their rows of the batch, "", 0 or False at all others."""
    inner = [size or 0 for size in values.shape[1:].as_list()]  # of any size: none
    none, _ = switch(tf.zeros(tf.concat([batch, tf.constant(inner, tf.int32)], 0), values.dtype), count)
    place = tf.scatter_nd(targets, tf.range(1, count + 1), batch)  # 0 is what is not among them
    blank = tf.zeros_like(values[:1])
    return tf.ensure_shape(merge(none, tf.gather(tf.concat([blank, values], 0), place)), values.shape)
