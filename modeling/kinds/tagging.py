"""Tagging: a tag for each word of a text, and the entities that the tags mark."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from centrabert.errors import UserError
from centrabert.modeling.kinds.label_names import check_label_names
from centrabert.modeling.kinds.python_values import decimals
from centrabert.modeling.kinds.tag_scheme import OUTSIDE, split_tag, unseen_tags
from centrabert.modeling.kinds.task_kind import (
    BIAS,
    RANGE,
    SPAN,
    TOKENS,
    WEIGHTS,
    WORD,
    Answer,
    Arrays,
    Head,
    Labels,
    Output,
    TaskKind,
)

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

TOLERANCE = 1e-4  # as for a classification's probabilities
NO_TAG = -1  # of a numeric label, behind the last word


@dataclass(frozen=True)
class Entity:
    """Words of a text that together bear a label.

    Attributes:
      text: The part of the text; "" where the text is not known.
      start, end: Its first character, and the one behind its last.
      score: The mean of its words' scores.
    """

    label: str
    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Tagging(Answer):
    """The answer of a tagging, to those words of the text for which there was room.

    Attributes:
      tags: Of the words.
      scores: The probability of each word's tag.
      words: Where each word stands: its first character, and the one behind its last.
      entities: In the text's order.
      cut: Whether words of the text had no room: letters or digits stand behind the last one that had. False
        where the text is not known.
    """

    tags: tuple[str, ...]
    scores: tuple[float, ...]
    words: tuple[tuple[int, int], ...]
    entities: tuple[Entity, ...]
    cut: bool = False

    def with_text(self, text: str) -> "Tagging":
        quoted = [replace(entity, text=text[entity.start : entity.end]) for entity in self.entities]
        behind = text[self.words[-1][1] :] if self.words else text
        return replace(self, entities=tuple(quoted), cut=any(map(str.isalnum, behind)))


class TaggingKind(TaskKind):
    """Softmax over the tags at the first piece of every word (Devlin et al. 2019, section 5.3).

    A word without pieces has no logits, all 0: it goes on with the span of the word before it, else it is O.
    """

    name = "tagging"
    reads = TOKENS
    outputs = (
        Output("tags", "string", (WORD,)),
        Output("tag_scores", "float32", (WORD,), absolute=TOLERANCE),
        Output("word_characters", "int32", (WORD, RANGE)),
        Output("word_bytes", "int32", (WORD, RANGE)),
        Output("entity_labels", "string", (SPAN,)),
        Output("entity_scores", "float32", (SPAN,), absolute=TOLERANCE),
        Output("entity_words", "int32", (SPAN, RANGE)),
        Output("entity_characters", "int32", (SPAN, RANGE)),
        Output("entity_bytes", "int32", (SPAN, RANGE)),
    )
    label_dtype = np.int32
    metrics = frozenset({"entity_f1", "strict_entity_f1", "tag_accuracy"})

    def check_labels(self, labels: Labels) -> None:
        if len(labels) < 2 or labels[0] != OUTSIDE:
            raise UserError(f"a tagging needs the label {OUTSIDE!r}, which comes first, and others: {labels}")
        check_label_names(labels)
        for label in labels:
            split_tag(label)

    def encode_labels(self, values: Sequence[Any], labels: Labels) -> npt.NDArray[Any]:
        """int32 [rows, words of the longest], positions in `labels`, NO_TAG behind the last word of a row.

        Those of `unseen_tags`, which only rows to evaluate on may have, follow those of `labels`.

        Raises:
          UserError: A tag is none of them.
        """
        positions = {label: position for position, label in enumerate([*labels, *unseen_tags(labels)])}
        encoded = np.full((len(values), max(map(len, values), default=0)), NO_TAG, np.int32)
        for row, tags in enumerate(values):
            for word, tag in enumerate(tags):
                if tag not in positions:
                    raise UserError(f"tag {tag!r} of word {word} of row {row} is none of {', '.join(labels)}")
                encoded[row, word] = positions[tag]
        return encoded

    def head_shapes(self, labels: Labels, hidden: int) -> dict[str, tuple[int, ...]]:
        return {WEIGHTS: (len(labels), hidden), BIAS: (len(labels),)}

    def decide(self, predictions: Arrays, labels: Labels) -> npt.NDArray[Any]:
        """int64 [rows, words], positions of the tags, NO_TAG behind the last word that was read."""
        positions = {label.encode(): position for position, label in enumerate(labels)} | {b"": NO_TAG}
        tags = predictions["tags"]
        decided = [positions[tag] for tag in tags.ravel().tolist()]
        return np.array(decided, np.int64).reshape(tags.shape)

    def answers(self, columns: Arrays, labels: Labels) -> list[Tagging]:
        del labels
        names = ("tags", "word_characters", "entity_labels", "entity_characters")
        lists = [columns[name].tolist() for name in names]
        numbers = [decimals(columns[name]) for name in ("tag_scores", "entity_scores")]
        return [_answer(*row) for row in zip(*lists, *numbers, strict=True)]

    def answer_json(self, answer: Tagging, labels: Labels) -> dict[str, Any]:
        del labels
        return {
            "tags": list(answer.tags),
            "scores": list(answer.scores),
            "words": [list(each) for each in answer.words],
            "entities": [vars(entity) for entity in answer.entities],
            "cut": answer.cut,
        }

    def table_cells(self, answer: Tagging, labels: Labels) -> dict[str, str]:
        """The tags as a data file has them, and the probability of each.

        They are parted by spaces, or a list in JSON if a type holds white space.
        """
        listed = any(len(label.split()) > 1 for label in labels)
        tags = json.dumps(answer.tags, ensure_ascii=False) if listed else " ".join(answer.tags)
        return {"prediction": tags, "probability": " ".join(map(str, answer.scores))}

    def logits(self, x: "tf.Tensor", variables: "Mapping[str, tf.Variable]") -> "tf.Tensor":
        """float32 [batch, length, tags], of every piece."""
        import tensorflow.compat.v1 as tf

        flat = super().logits(tf.reshape(x, [-1, x.shape[-1]]), variables)
        return tf.reshape(flat, [*tf.unstack(tf.shape(x)[:2]), flat.shape[1]])

    def loss(self, head: Head, labels: "tf.Tensor") -> "tf.Tensor":
        """Cross-entropy, summed over the words that have a piece; labels are int32 [batch, words]."""
        import tensorflow.compat.v1 as tf

        from centrabert.modeling.kinds.word_logits import gold_tags, has_piece, word_logits

        tags, known = gold_tags(head, labels)
        of_words = tf.nn.sparse_softmax_cross_entropy_with_logits(tags, word_logits(head))
        return tf.reduce_sum(of_words * tf.cast(known & has_piece(head), tf.float32), 1)

    def soft_loss(self, head: Head, teacher: Head, temperature: float) -> "tf.Tensor":
        """temperature^2 times the cross-entropy of the softened answers, summed alike."""
        import tensorflow.compat.v1 as tf

        from centrabert.modeling.kinds.word_logits import has_piece, word_logits

        target = tf.nn.softmax(word_logits(teacher) / temperature)
        softened = word_logits(head) / temperature
        of_words = tf.nn.softmax_cross_entropy_with_logits_v2(labels=target, logits=softened)
        return temperature**2 * tf.reduce_sum(of_words * tf.cast(has_piece(head), tf.float32), 1)

    def logit_error(self, head: Head, teacher: Head) -> "tf.Tensor":
        """The mean squared difference of the logits of a word, summed over the words that have a piece."""
        import tensorflow.compat.v1 as tf

        from centrabert.modeling.kinds.word_logits import word_logits

        difference = word_logits(head) - word_logits(teacher)  # 0 where there is no piece
        return tf.reduce_sum(tf.reduce_mean(tf.square(difference), 2), 1)

    def output_tensors(self, head: Head, labels: Labels) -> "dict[str, tf.Tensor]":
        from centrabert.modeling.kinds.entity_tensors import tagging_outputs

        tags, log_probabilities = self.tagged(head)
        return tagging_outputs(head, tags, log_probabilities, labels)

    def tagged(self, head: Head) -> "tuple[tf.Tensor, tf.Tensor]":
        """The tags, int32 [batch, words], and the log-probability of each, float32 [batch, words]."""
        import tensorflow.compat.v1 as tf

        from centrabert.modeling.kinds.pieceless_words import with_pieceless_words
        from centrabert.modeling.kinds.word_logits import word_logits

        logits = word_logits(head)
        return with_pieceless_words(
            head, tf.argmax(logits, 2, output_type=tf.int32), tf.reduce_max(tf.nn.log_softmax(logits), 2)
        )


def _answer(
    tags: list[str],
    words: list[list[int]],
    entity_labels: list[str],
    characters: list[list[int]],
    tag_scores: list[float],
    entity_scores: list[float],
) -> Tagging:
    """The answer to a row, without what pads it."""
    of_words = [each for each in zip(tags, tag_scores, words, strict=True) if each[0]]
    entities = [
        Entity(label, "", start, end, score)
        for label, (start, end), score in zip(entity_labels, characters, entity_scores, strict=True)
        if label
    ]
    return Tagging(
        tuple(tag for tag, _, _ in of_words),
        tuple(score for _, score, _ in of_words),
        tuple((start, end) for _, _, (start, end) in of_words),
        tuple(entities),
    )
