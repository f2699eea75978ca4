"""Which readings of its texts each row of `route` needs: one, or more where its tasks read it differently."""

from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.modeling.task import TaskSpec, TextReading

ALONE = TextReading()  # the first text, as a text


@dataclass(frozen=True)
class RouteReadings:
    """One reading for each row of the batch, and behind them further ones for those rows that need them.

    A row is read as a pair if one of its tasks is, and there is a second text; as words if one of its tasks
    is, and their pieces are not those of the text; and else as its first text alone.

    Attributes:
      rows: int64 [readings], of which row each is.
      kind: int32 [readings], which of `kinds` it is.
      kinds: All that there may be.
      own: int32 [batch] for each reading of a task, which of `kinds` it comes to in every row.
    """

    rows: tf.Tensor
    kind: tf.Tensor
    kinds: tuple[TextReading, ...]
    own: Mapping[TextReading, tf.Tensor]

    @property
    def pair(self) -> tf.Tensor:
        """bool [readings], whether both texts are read."""
        return self.are(TextReading(pair=True))

    def are(self, reading: TextReading) -> tf.Tensor:
        """bool [readings], which of them are such."""
        if reading not in self.kinds:
            return tf.fill(tf.shape(self.rows), False)
        return tf.equal(self.kind, self.kinds.index(reading))

    def serving(self, wanted: Mapping[TaskSpec, tf.Tensor]) -> dict[TaskSpec, tf.Tensor]:
        """bool [readings] for each task, which of them are for it; `wanted` is bool [batch], by task."""
        own = {
            reading: tf.equal(self.kind, tf.gather(kinds, self.rows)) for reading, kinds in self.own.items()
        }
        return {task: own[task.reading] & tf.gather(rows, self.rows) for task, rows in wanted.items()}


def route_readings(
    wanted: Mapping[TaskSpec, tf.Tensor], text_b: tf.Tensor, same_pieces: Mapping[str, tf.Tensor]
) -> RouteReadings:
    """Decides them.

    Args:
      wanted: bool [batch] for each task.
      text_b: string [batch], or [0] where there is none.
      same_pieces: bool [batch] for each split, where the words have the pieces of the text.
    """
    some = next(iter(wanted.values()))
    given = tf.not_equal(tf.strings.strip(text_b), "")
    has_second = tf.concat([given, tf.fill([tf.size(some) - tf.size(given)], False)], 0)
    readings = dict.fromkeys(task.reading for task in wanted)
    pairs, splits = [each for each in readings if each.pair], [each for each in readings if each.split]
    kinds = (*pairs, ALONE, *sorted(splits, key=lambda each: each.split))
    own = {
        each: tf.where_v2(
            has_second if each.pair else ~same_pieces[each.split] if each.split else tf.zeros_like(some),
            kinds.index(each),
            kinds.index(ALONE),
        )
        for each in readings
    }
    any_wants = {
        each: tf.reduce_any([rows for task, rows in wanted.items() if task.reading == each], 0)
        for each in own
    }
    needed = [
        tf.reduce_any([rows & tf.equal(own[each], kind) for each, rows in any_wants.items()], 0)
        for kind in range(len(kinds))
    ]
    first = tf.fill(tf.shape(some), kinds.index(ALONE))  # of a row that wants nothing
    for kind in reversed(range(len(kinds))):
        first = tf.where_v2(needed[kind], kind, first)
    further = [tf.where(needed[kind] & tf.not_equal(first, kind))[:, 0] for kind in range(1, len(kinds))]
    rows = tf.concat([tf.range(tf.size(some, out_type=tf.int64)), *further], 0)
    of_further = [tf.fill(tf.shape(each), kind) for kind, each in enumerate(further, 1)]
    return RouteReadings(rows, tf.concat([first, *of_further], 0), kinds, own)
