"""The merged model as one flat graph, from text to every task's answers.

Flat, because only then does TensorFlow run just what a request asks for: no function, no table, no Keras.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.export.contract.model_description import write_description
from centrabert.export.contract.signature_names import DEFAULT, DESCRIPTION, ROUTE, ROUTE_IDS
from centrabert.export.graph.model_pieces import branch_answers, trunk_outputs
from centrabert.export.graph.request_texts import Ids, RequestTexts, fed_ids, request_texts
from centrabert.export.graph.routing import Routed, route, route_ids
from centrabert.export.graph.separate_readings import separate_answers
from centrabert.export.graph.text_pieces import packed_words
from centrabert.merge.manifest import Manifest
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.words.word_packing import PackedWords
from centrabert.modeling.words.word_places import BY_CHARACTERS, BY_WHITESPACE


@dataclass(frozen=True)
class ServingGraph:
    """The tensors that signatures are made of.

    Attributes:
      text_a: string [batch].
      text_b: string [batch]; [0] where it is not fed, and then there is no second text.
      words: string [batch, words], padded with "", instead of `text_a`, for `of_words`; None where no task
        tags words.
      ids: `input_ids` and `segment_ids`, int32 [batch, length], padded with the tokenizer's padding id and
        with 0: the tokenizer's, or fed instead of it; for `answers` of tasks that do not tag words. None
        where there are no others.
      tasks: string [batch], for `routed` alone.
      answers: By task, then by the name of the answer, see `TaskKind.outputs`; to both texts where both are
        fed.
      of_words: Alike, of tasks that tag words, to `words`.
      every: As `answers`, but a task of single texts reads text_a alone; for several tasks in one request.
      routed: Alike, computed for the rows that want them; see `routing.route`.
      routed_ids: Alike, for ids; None where all tasks tag words.
      description: string [batch], the same for every row; see `model_description`.
    """

    text_a: tf.Tensor
    text_b: tf.Tensor
    words: tf.Tensor | None
    ids: Ids | None
    tasks: tf.Tensor
    answers: dict[str, dict[str, tf.Tensor]]
    of_words: dict[str, dict[str, tf.Tensor]]
    every: dict[str, dict[str, tf.Tensor]]
    routed: Routed
    routed_ids: Routed | None
    description: tf.Tensor


def build(manifest: Manifest, tokenizer: Tokenizer) -> ServingGraph:
    """Builds the model in the default graph, with variables named as in the merged checkpoint."""
    branches = manifest.plan.branches
    readings = {branch.task.reading for branch in branches}
    text_a = tf.placeholder(tf.string, [None], name="text_a")
    # Empty where it is not fed: `request_texts` knows what that means, and what reads ids needs no text_a.
    text_b = tf.placeholder_with_default(tf.zeros([0], tf.string), [None], name="text_b")
    tasks = tf.placeholder(tf.string, [None], name="tasks")
    with tf.name_scope("text"):
        texts = request_texts(tokenizer, manifest.max_seq_length, readings, text_a, text_b)
    plain = [branch for branch in branches if not branch.task.split]
    ids, answers = _answers_to_ids(texts, plain, manifest) if plain else (None, {})
    for split, packed in texts.words.items():
        with tf.name_scope(split):
            own = [branch for branch in branches if branch.task.split == split]
            answers.update(_answers_to_words(packed, own, manifest, tokenizer))
    tagging = [branch for branch in branches if branch.task.split]
    words, of_words = _answers_to_given_words(tagging, manifest, tokenizer) if tagging else (None, {})
    with tf.name_scope(DEFAULT):
        every = answers if len(readings) == 1 else separate_answers(manifest, texts)
    with tf.name_scope(ROUTE):
        routed = route(manifest, texts, text_b, tasks)
    with tf.name_scope(ROUTE_IDS):
        by_ids = route_ids(manifest, tokenizer.padding_id, tasks) if tagging and plain else None
    text = write_description(branch.task for branch in branches)
    description = tf.fill(tf.shape(text_a), text, DESCRIPTION)
    return ServingGraph(
        text_a,
        text_b,
        words,
        ids,
        tasks,
        answers,
        of_words,
        every,
        routed,
        by_ids if tagging else routed,
        description,
    )


def _answers_to_ids(
    texts: RequestTexts, branches: Sequence[Branch], manifest: Manifest
) -> tuple[Ids, dict[str, dict[str, tf.Tensor]]]:
    """The ids of the texts, which may be fed instead, and the answers to them."""
    with tf.name_scope("text"):
        pairs = texts.pairs()
    fed = fed_ids(pairs)
    # TensorFlow knows nothing of the shape of a tensor that is fed, and how it rewrites the graph, so the
    # last bits of an answer, depends on what it knows: told here, texts and ids answer alike.
    input_ids, segment_ids = (tf.ensure_shape(tensor, [None, None]) for tensor in fed)
    return fed, _answers(input_ids, segment_ids, None, branches, manifest, texts.tokenizer)


def _answers_to_given_words(
    branches: Sequence[Branch], manifest: Manifest, tokenizer: Tokenizer
) -> tuple[tf.Tensor, dict[str, dict[str, tf.Tensor]]]:
    """What is fed for words that are split already, and the answers to them."""
    words = tf.placeholder(tf.string, [None, None], name="words")
    with tf.name_scope("given_words"):
        answers = {}
        for split in (BY_WHITESPACE, BY_CHARACTERS):  # words of BERT are read as those between white space
            is_own = split == BY_CHARACTERS
            own = [branch for branch in branches if (branch.task.split == BY_CHARACTERS) == is_own]
            if own:
                packed = packed_words(tokenizer, words, split, manifest.max_seq_length, given=True)
                answers.update(_answers_to_words(packed, own, manifest, tokenizer))
        return words, answers


def _answers_to_words(
    words: PackedWords, branches: Sequence[Branch], manifest: Manifest, tokenizer: Tokenizer
) -> dict[str, dict[str, tf.Tensor]]:
    ids, segments = (tf.ensure_shape(tensor, [None, None]) for tensor in (words.input_ids, words.segment_ids))
    return _answers(ids, segments, words.places, branches, manifest, tokenizer)


def _answers(
    input_ids: tf.Tensor,
    segment_ids: tf.Tensor,
    places: tf.Tensor | None,
    branches: Sequence[Branch],
    manifest: Manifest,
    tokenizer: Tokenizer,
) -> dict[str, dict[str, tf.Tensor]]:
    """The answers of the branches, by task and then by name, from one pass through the trunk."""
    mask = attention_mask(input_ids, tokenizer.padding_id)
    depth = max(branch.frozen for branch in branches)
    trunk = trunk_outputs(input_ids, segment_ids, mask, manifest.config, depth)
    return {
        branch.task.name: branch_answers(trunk[branch.frozen], mask, branch, manifest.config, places)
        for branch in branches
    }
