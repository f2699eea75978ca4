"""Tagging with a linear-chain CRF: the tags of a text are chosen together, and obey their scheme."""

from typing import TYPE_CHECKING

from centrabert.modeling.kinds.tag_scheme import split_tag
from centrabert.modeling.kinds.tagging import TaggingKind
from centrabert.modeling.kinds.task_kind import Head, Labels

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.kinds.crf import Chain

TRANSITIONS, STARTS, ENDS = "output_transitions", "output_starts", "output_ends"
CLOSING = {"B": "S", "I": "E"}  # of IOBES
# How much BERT's optimiser changes in a step depends on the learning rate alone, which suits weights of 0.02.
# So that scores between tags get as far as logits do, they are multiplied.
SCALE = 10.0


class CrfTaggingKind(TaggingKind):
    """A CRF over the logits at the first piece of every word (Lafferty et al. 2001; Lample et al. 2016).

    A word without pieces is tagged by its neighbours alone.
    """

    name = "crf_tagging"

    def head_shapes(self, labels: Labels, hidden: int) -> dict[str, tuple[int, ...]]:
        tags = len(labels)
        between = {TRANSITIONS: (tags, tags), STARTS: (tags,), ENDS: (tags,)}
        return {**super().head_shapes(labels, hidden), **between}

    def loss(self, head: Head, labels: "tf.Tensor") -> "tf.Tensor":
        """Minus the log-probability of the tags; labels are int32 [batch, words]."""
        from centrabert.modeling.kinds.crf import log_likelihood
        from centrabert.modeling.kinds.word_logits import gold_tags, word_counts, word_logits

        tags = self._closed(head, gold_tags(head, labels)[0], labels)
        return -log_likelihood(_chain(head), word_logits(head), tags, word_counts(head))

    def _closed(self, head: Head, tags: "tf.Tensor", labels: "tf.Tensor") -> "tf.Tensor":
        """The tags, of which the last ends its span where the text was cut within one; BIO marks no end."""
        import tensorflow.compat.v1 as tf

        from centrabert.modeling.kinds.word_logits import word_counts

        counts = word_counts(head)
        was_cut = tf.reduce_sum(tf.cast(labels >= 0, tf.int32), 1) > counts
        last = tf.equal(tf.range(tf.shape(tags)[1]), counts[:, None] - 1)
        closing = [_closing(label, head.labels) for label in head.labels]
        return tf.where_v2(last & was_cut[:, None], tf.gather(tf.constant(closing), tags), tags)

    def soft_loss(self, head: Head, teacher: Head, temperature: float) -> "tf.Tensor":
        """temperature^2 times the cross-entropy of the softened marginals, summed over the words."""
        import tensorflow.compat.v1 as tf

        from centrabert.modeling.kinds.crf import log_marginals
        from centrabert.modeling.kinds.word_logits import is_word, word_counts, word_logits

        target, own = (
            log_marginals(
                _chain(each).softened(temperature), word_logits(each) / temperature, word_counts(each)
            )
            for each in (teacher, head)
        )
        of_words = -tf.reduce_sum(tf.exp(target) * own, 2)
        return temperature**2 * tf.reduce_sum(of_words * tf.cast(is_word(head), tf.float32), 1)

    def tagged(self, head: Head) -> "tuple[tf.Tensor, tf.Tensor]":
        import tensorflow.compat.v1 as tf

        from centrabert.modeling.kinds.crf import log_marginals, viterbi
        from centrabert.modeling.kinds.word_logits import word_counts, word_logits

        chain, logits, counts = _chain(head), word_logits(head), word_counts(head)
        tags = viterbi(chain, logits, counts)
        return tags, tf.gather(log_marginals(chain, logits, counts), tags, batch_dims=2)


def _closing(label: str, labels: Labels) -> int:
    """The place of the label that ends a span where this one goes on with it."""
    prefix, of_type = split_tag(label)
    ending = f"{CLOSING.get(prefix)}-{of_type}"
    return list(labels).index(ending if ending in labels else label)


def _chain(head: Head) -> "Chain":
    import tensorflow.compat.v1 as tf

    from centrabert.modeling.kinds.crf import Chain

    scores = (SCALE * tf.convert_to_tensor(head.variables[name]) for name in (STARTS, TRANSITIONS, ENDS))
    return Chain(*scores).obeying(head.labels)
