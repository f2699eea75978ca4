"""The signature `route`: a batch of rows that each name the tasks they want.

One pass through the trunk serves all rows, whatever they ask, so a server's batches fill up across tasks. A
row leaves the trunk at the depth of its deepest wanted task, and a branch runs on the rows that want it.
Layers and branches without rows are not executed: what they read passes a Switch, which the executor
follows one way only.
"""

from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf

from centrabert.export.contract.signature_names import ASKED
from centrabert.export.graph.branch_answers import branch_answers
from centrabert.merge.manifest import Manifest
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import embed, encode


def routed(
    manifest: Manifest, input_ids: tf.Tensor, segment_ids: tf.Tensor, tasks: tf.Tensor, padding_id: int
) -> tuple[dict[str, dict[str, tf.Tensor]], tf.Tensor]:
    """The answers of every task, by task and then by name, and what was not understood.

    Besides what the task's own signature answers there is `asked`, bool [batch]. Where it is False the label
    is "" and every number 0.

    Args:
      input_ids, segment_ids: int32 [batch, length], padded with `padding_id` and with 0.
      tasks: string [batch]; names separated by commas, or "*" for all. A row with anything else in it asks
        for nothing: it must not fail the rows of other clients in the same batch.

    Returns:
      The answers; and string [batch], what such a row said, "" of all others.
    """
    branches = manifest.plan.branches
    wanted, known = _wanted(tasks, [branch.task.name for branch in branches])
    depths = tf.reduce_max([each.frozen * tf.cast(wanted[each.task.name], tf.int32) for each in branches], 0)
    order = tf.nn.top_k(depths, tf.size(depths)).indices  # stable
    ids, segments = (tf.gather(tensor, order) for tensor in (input_ids, segment_ids))
    reached = _trunk(ids, segments, depths, manifest, padding_id)
    answers = {
        branch.task.name: {
            **_answers(
                branch, manifest, reached[branch.frozen], ids, padding_id, wanted[branch.task.name], order
            ),
            ASKED: wanted[branch.task.name],
        }
        for branch in branches
    }
    return answers, tf.where(known, tf.fill(tf.shape(tasks), ""), tasks)


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
        none, some = _switch(reached[-1][:count], count)
        mask = attention_mask(ids[:count], padding_id)
        reached.append(_merge(none, encode(some, mask, manifest.config, [layer])))
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
    wanted: tf.Tensor,
    order: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """A branch's answers in the order of the batch, computed on the rows that want them, if there are any.

    Args:
      x: float32 [rows, length, hidden], the first rows of `ids`; whoever wants the task is among them.
      ids: int32 [batch, length], the rows that go deepest first.
      wanted: bool [batch], in the order of the batch.
      order: int32 [batch], for each row of `ids` where it stands in the batch.
    """
    places = tf.where(tf.gather(wanted, order))[:, 0]
    count = tf.size(places)
    _, own = _switch(places, count)
    mask = attention_mask(tf.gather(ids, own), padding_id)
    computed = branch_answers(tf.gather(x, own), mask, branch, manifest.config)
    batch, targets = tf.shape(order), tf.gather(order, own)[:, None]
    return {name: _scattered(values, targets, batch, count) for name, values in computed.items()}


def _scattered(values: tf.Tensor, targets: tf.Tensor, batch: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """The values at their rows of the batch, "" or 0 at all others."""
    shape = tf.concat([batch, tf.constant(values.shape[1:].as_list(), tf.int32)], 0)
    nothing = tf.constant("" if values.dtype == tf.string else 0, values.dtype)
    none, _ = _switch(tf.fill(shape, nothing), count)
    return tf.ensure_shape(_merge(none, tf.scatter_nd(targets, values, shape)), values.shape)


def _switch(tensor: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The tensor for what runs if `count` is 0, and for what runs if it is not."""
    none, some = tf.raw_ops.Switch(data=tensor, pred=count > 0)
    return none, some


def _merge(none: tf.Tensor, some: tf.Tensor) -> tf.Tensor:
    """Whichever was computed."""
    return tf.raw_ops.Merge(inputs=[none, some]).output
