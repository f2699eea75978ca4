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
from centrabert.export.graph.branch_answers import branch_answers
from centrabert.export.graph.control_flow import merge, switch
from centrabert.export.graph.request_texts import RequestTexts, fed_ids
from centrabert.export.graph.route_readings import route_readings
from centrabert.merge.manifest import Manifest
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import embed, encode


@dataclass(frozen=True)
class Routed:
    """The tensors of `route` and `route_ids`.

    Attributes:
      input_ids, segment_ids: int32 [readings, length]; fed, one reading for each row of the batch.
      answers: By task and then by name.
      unknown: string [batch], what `tasks` says where it is no list of tasks, else "".
    """

    input_ids: tf.Tensor
    segment_ids: tf.Tensor
    answers: dict[str, dict[str, tf.Tensor]]
    unknown: tf.Tensor


def route(manifest: Manifest, texts: RequestTexts, text_b: tf.Tensor, tasks: tf.Tensor) -> Routed:
    """The answers of every task to the rows that want it.

    Besides what the task's own signature answers there is `asked`, bool [batch]. Where it is False the label
    is "" and every number 0. Of texts, a task reads what its own signature reads. A row of ids that are fed
    is read as it is, whatever its tasks: who has a tokenizer of his own decides what they read.

    Args:
      text_b: string [batch], or [0] where there is none.
      tasks: string [batch]; names separated by commas, or "*" for all. A row with anything else in it asks
        for nothing: it must not fail the rows of other clients in the same batch.
    """
    branches, padding_id = manifest.plan.branches, texts.tokenizer.padding_id
    wanted, known = _wanted(tasks, [branch.task.name for branch in branches])
    readings = route_readings({branch.task: wanted[branch.task.name] for branch in branches}, text_b)
    fed = fed_ids(texts.read(readings.rows, readings.pair))
    served = {
        branch.task.name: readings.serving(branch.task, wanted[branch.task.name]) for branch in branches
    }
    depths = tf.reduce_max([each.frozen * tf.cast(served[each.task.name], tf.int32) for each in branches], 0)
    order = tf.nn.top_k(depths, tf.size(depths)).indices  # stable
    ids, segments = (tf.gather(tf.ensure_shape(tensor, [None, None]), order) for tensor in fed)
    reached = _trunk(ids, segments, depths, manifest, padding_id)
    targets = tf.gather(readings.rows, order)
    answers = {
        branch.task.name: {
            **_answers(
                branch,
                manifest,
                reached[branch.frozen],
                ids,
                padding_id,
                tf.gather(served[branch.task.name], order),
                targets,
                tf.shape(tasks),
            ),
            ASKED: wanted[branch.task.name],
        }
        for branch in branches
    }
    return Routed(*fed, answers, tf.where(known, tf.fill(tf.shape(tasks), ""), tasks))


def _trunk(
    ids: tf.Tensor, segments: tf.Tensor, depths: tf.Tensor, manifest: Manifest, padding_id: int
) -> list[tf.Tensor]:
    """float32 [rows, length, hidden] after the embeddings and after every layer, fewer rows the deeper.

    Args:
      ids, segments: int32 [batch, length], the rows that go deepest first.
      depths: int32 [batch], how deep they go, in any order.
    """
    reached = [embed(ids, segments, manifest.config)]
    for layer in range(manifest.plan.trunk_depth):
        count = tf.reduce_sum(tf.cast(depths > layer, tf.int32))
        none, some = switch(reached[-1][:count], count)
        mask = attention_mask(ids[:count], padding_id)
        reached.append(merge(none, encode(some, mask, manifest.config, [layer])))
    return reached


def _wanted(tasks: tf.Tensor, names: Sequence[str]) -> tuple[Mapping[str, tf.Tensor], tf.Tensor]:
    """bool [batch] for each name, and bool [batch] whether a row is a list of names at all."""
    any_name = rf" *(?:\*|{'|'.join(names)}) *"
    known = tf.strings.regex_full_match(tasks, rf"{any_name}(?:,{any_name})*")
    named = {
        name: tf.strings.regex_full_match(tasks, rf"(?:.*,)? *(?:\*|{name}) *(?:,.*)?") for name in names
    }
    return {name: tf.logical_and(known, rows) for name, rows in named.items()}, known


def _answers(
    branch: Branch,
    manifest: Manifest,
    x: tf.Tensor,
    ids: tf.Tensor,
    padding_id: int,
    served: tf.Tensor,
    rows: tf.Tensor,
    batch: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """A branch's answers in the order of the batch, computed from the readings for it, if there are any.

    Args:
      x: float32 [readings, length, hidden], the first of `ids`; what serves the task is among them.
      ids: int32 [readings, length], those that go deepest first.
      served: bool [readings], which of them are for this task.
      rows: int64 [readings], of which row of the batch each is.
      batch: int32 [1], rows of the batch.
    """
    places = tf.where(served)[:, 0]
    count = tf.size(places)
    _, own = switch(places, count)
    mask = attention_mask(tf.gather(ids, own), padding_id)
    computed = branch_answers(tf.gather(x, own), mask, branch, manifest.config)
    targets = tf.cast(tf.gather(rows, own), tf.int32)[:, None]
    return {name: _scattered(values, targets, batch, count) for name, values in computed.items()}


def _scattered(values: tf.Tensor, targets: tf.Tensor, batch: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """The values at their rows of the batch, "", 0 or False at all others."""
    shape = tf.concat([batch, tf.constant(values.shape[1:].as_list(), tf.int32)], 0)
    none, _ = switch(tf.zeros(shape, values.dtype), count)
    return tf.ensure_shape(merge(none, tf.scatter_nd(targets, values, shape)), values.shape)
