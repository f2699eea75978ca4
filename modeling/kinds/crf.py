"""A linear-chain conditional random field as TensorFlow ops (Lafferty et al. 2001; Lample et al. 2016).

The score of tags y of n words is start[y_1] + sum_t emissions[t, y_t] + sum_t transitions[y_t-1, y_t] +
end[y_n]. Rows are of unequal length, padded behind their end: what stands at padding changes no value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from centrabert.modeling.kinds.tag_scheme import OUTSIDE, follows, scheme_of

# The score of what the tag scheme forbids: far below any other, and finite, so that nothing becomes NaN.
IMPOSSIBLE = -1e4
LEAST_POWER = 1e-37  # its logarithm is -85; a smaller one loses digits, or is 0
LEAST_WORDS = 2  # a scan over no step at all has no shape


@dataclass(frozen=True)
class Chain:
    """The scores between tags.

    Attributes:
      start: float32 [tags], of a tag at the first word.
      transitions: float32 [tags, tags], of a tag (column) behind another (row).
      end: float32 [tags], of a tag at the last word.
    """

    start: tf.Tensor
    transitions: tf.Tensor
    end: tf.Tensor

    def obeying(self, labels: Sequence[str]) -> "Chain":
        """The chain of these tags, in which what their scheme forbids is impossible."""
        scheme = scheme_of(labels)

        def penalty(allowed: Sequence[Any]) -> tf.Tensor:
            return tf.constant(np.where(allowed, 0, IMPOSSIBLE).astype(np.float32))

        between = [[follows(before, after, scheme) for after in labels] for before in labels]
        return Chain(
            self.start + penalty([follows(OUTSIDE, label, scheme) for label in labels]),
            self.transitions + penalty(between),
            self.end + penalty([follows(label, OUTSIDE, scheme) for label in labels]),
        )

    def softened(self, temperature: float) -> "Chain":
        """All scores divided by the temperature."""
        return Chain(self.start / temperature, self.transitions / temperature, self.end / temperature)


def log_likelihood(chain: Chain, emissions: tf.Tensor, tags: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """The log-probability of the tags, float32 [batch]; 0 for a row without words.

    Args:
      emissions: float32 [batch, words, tags].
      tags: int32 [batch, words]; any tag at padding.
      lengths: int32 [batch], words of each row.
    """
    score = sequence_score(chain, emissions, tags, lengths) - log_partition(chain, emissions, lengths)
    return tf.where_v2(lengths > 0, score, 0.0)


def sequence_score(chain: Chain, emissions: tf.Tensor, tags: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """The score of the tags, not normalised: float32 [batch]; means nothing for a row without words."""
    emissions, tags = _long_enough(emissions), _long_enough(tags)
    inside = tf.sequence_mask(lengths, tf.shape(tags)[1], tf.float32)
    emitted = tf.reduce_sum(tf.gather(emissions, tags, batch_dims=2) * inside, 1)
    pairs = tf.gather_nd(chain.transitions, tf.stack([tags[:, :-1], tags[:, 1:]], 2))
    moved = tf.reduce_sum(pairs * inside[:, 1:], 1)
    last = tf.gather(tags, tf.maximum(lengths - 1, 0), batch_dims=1)
    return tf.gather(chain.start, tags[:, 0]) + emitted + moved + tf.gather(chain.end, last)


def log_partition(chain: Chain, emissions: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """The logarithm of the sum of exp(score) over all tag sequences: float32 [batch]; 0 without words."""
    forward = _forward(chain, *_by_word(emissions, lengths))
    return tf.where_v2(lengths > 0, tf.reduce_logsumexp(forward[-1] + chain.end, -1), 0.0)


def log_marginals(chain: Chain, emissions: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """The logarithm of the probability of each tag at each word: float32 [batch, words, tags].

    What stands at padding is finite and means nothing.
    """
    by_word, inside = _by_word(emissions, lengths)
    joint = _forward(chain, by_word, inside) + _backward(chain, by_word, inside)
    return tf.transpose(tf.nn.log_softmax(joint), [1, 0, 2])[:, : tf.shape(emissions)[1]]


def viterbi(chain: Chain, emissions: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """The most probable tags, of equals the first: int32 [batch, words]; 0 at padding."""
    by_word, inside = _by_word(emissions, lengths)

    def step(
        state: tuple[tf.Tensor, tf.Tensor], word: tuple[tf.Tensor, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        scores, _ = state
        emission, here = word
        candidates = scores[:, :, None] + chain.transitions  # [batch, from, to]
        origin = tf.argmax(candidates, 1, output_type=tf.int32)
        stay = tf.broadcast_to(tf.range(tf.shape(scores)[1])[None], tf.shape(scores))
        reached = tf.reduce_max(candidates, 1) + emission
        return tf.where_v2(here[:, None], reached, scores), tf.where_v2(here[:, None], origin, stay)

    first = chain.start + by_word[0]
    scores, origins = tf.scan(step, (by_word[1:], inside[1:]), (first, tf.zeros_like(first, tf.int32)))
    last = tf.argmax(scores[-1] + chain.end, -1, output_type=tf.int32)
    before = tf.scan(lambda tag, origin: tf.gather(origin, tag, batch_dims=1), origins, last, reverse=True)
    path = tf.transpose(tf.concat([before, last[None]], 0))[:, : tf.shape(emissions)[1]]
    return path * tf.sequence_mask(lengths, tf.shape(path)[1], tf.int32)


def _forward(chain: Chain, by_word: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    """float32 [words, batch, tags]: log-sums over all beginnings that end in a tag; constant at padding."""
    moves = _Moves(chain.transitions)

    def step(state: tf.Tensor, word: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        emission, here = word
        return tf.where_v2(here[:, None], moves.log_sum(state) + emission, state)

    first = chain.start + by_word[0]
    return tf.concat([first[None], tf.scan(step, (by_word[1:], inside[1:]), first)], 0)


def _backward(chain: Chain, by_word: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    """float32 [words, batch, tags]: log-sums over all that may follow a tag; the end's at padding."""
    moves = _Moves(tf.transpose(chain.transitions))

    def step(state: tf.Tensor, word: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        emission, here = word
        return tf.where_v2(here[:, None], moves.log_sum(state + emission), state)

    last = tf.broadcast_to(chain.end, tf.shape(by_word[0]))
    return tf.concat([tf.scan(step, (by_word[1:], inside[1:]), last, reverse=True), last[None]], 0)


class _Moves:
    """The scores from tags to tags, float32 [from, to], as powers: so sums over tags are matrix products.

    With 127 tags that is ten times as fast as log-sums over [batch, from, to]. Those are taken where a power
    is too small for float32: where what leads to a tag is e^85 times less likely than another beginning.
    """

    def __init__(self, transitions: tf.Tensor) -> None:
        self._transitions = transitions
        self._largest = tf.stop_gradient(tf.reduce_max(transitions))
        self._powers = tf.exp(transitions - self._largest)

    def log_sum(self, scores: tf.Tensor) -> tf.Tensor:
        """The logarithm of the sum of exp(score + move) over all tags to come from: float32 [batch, to]."""
        largest = tf.stop_gradient(tf.reduce_max(scores, 1, keepdims=True))
        total = tf.matmul(tf.exp(scores - largest), self._powers)
        scale = largest + self._largest
        scaled = tf.cond(
            tf.reduce_min(total) < LEAST_POWER,
            lambda: tf.reduce_logsumexp(scores[:, :, None] + self._transitions, 1) - scale,
            lambda: tf.math.log(total),
        )
        return scaled + scale


def _by_word(emissions: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Emissions [words, batch, tags], and whether a word is one of its row: bool [words, batch]."""
    emissions = _long_enough(emissions)
    inside = tf.sequence_mask(lengths, tf.shape(emissions)[1])
    return tf.transpose(emissions, [1, 0, 2]), tf.transpose(inside)


def _long_enough(tensor: tf.Tensor) -> tf.Tensor:
    """[batch, words, ...], padded to LEAST_WORDS."""
    missing = tf.maximum(LEAST_WORDS - tf.shape(tensor)[1], 0)
    return tf.pad(tensor, [[0, 0], [0, missing], *[[0, 0]] * (tensor.shape.rank - 2)])
