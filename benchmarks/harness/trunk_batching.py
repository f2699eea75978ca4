"""The other way to fill batches across tasks: TensorFlow batches the trunk inside the graph.

`nondifferentiable_batch_function` collects the texts of concurrent session runs, whatever task each is for,
and runs the trunk once for them; every run then computes its own branch alone. Every task leaves the trunk at
its own depth, but the batch has one depth, so all go to the deepest.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from centrabert.export.graph.branch_answers import branch_answers
from centrabert.merge.manifest import Manifest
from centrabert.merge.merged_folder import CHECKPOINT, read_manifest
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.tokenization.tokenizer import Tokenizer
from centrabert.modeling.tokenization.tokenizer_files import read_tokenizer
from centrabert.modeling.tokenization.vocabulary import vocabulary_file


class TrunkBatching:
    """A merged model whose trunk is batched in the graph. `ask` may be called by many threads at once."""

    def __init__(self, merged: Path, threads: int, rows: int, microseconds: int) -> None:
        manifest = read_manifest(merged)
        tokenizer = read_tokenizer(vocabulary_file(merged), manifest.do_lower_case)
        with tf.Graph().as_default() as graph:
            self._text_a, self._text_b = (tf.placeholder(tf.string, [None]) for _ in range(2))
            weights = {
                name: tf.get_variable(name, shape, trainable=False)
                for name, shape in manifest.plan.shapes().items()
            }
            batch = tf.nondifferentiable_batch_function(
                num_batch_threads=threads,
                max_batch_size=rows,
                batch_timeout_micros=microseconds,
                allowed_batch_sizes=None,
                max_enqueued_batches=1000,
            )
            trunk = batch(_trunk(manifest, tokenizer, weights))
            mask, *reached = trunk(self._text_a, self._text_b)
            depths = _depths(manifest)
            self._fetches = {}
            with tf.variable_scope("", custom_getter=_known(weights)):
                for branch in manifest.plan.branches:
                    x = reached[depths.index(branch.frozen)]
                    x.set_shape([None, None, manifest.config.hidden_size])
                    answers = branch_answers(x, mask, branch, manifest.config)
                    self._fetches[branch.task.name] = list(answers.values())
            self._session = tf.Session(graph=graph)
            tf.train.Saver(weights).restore(self._session, str(merged / CHECKPOINT))
        self._callables = {
            task: self._session.make_callable(fetches, [self._text_a, self._text_b])
            for task, fetches in self._fetches.items()
        }

    def ask(self, task: str, text_a: str, text_b: str) -> list[np.ndarray]:
        """The task's answers to one row."""
        return self._callables[task]([text_a.encode()], [text_b.encode()])


def _depths(manifest: Manifest) -> list[int]:
    return sorted({branch.frozen for branch in manifest.plan.branches})


def _trunk(
    manifest: Manifest, tokenizer: Tokenizer, weights: dict[str, tf.Variable]
) -> Callable[..., list[tf.Tensor]]:
    """The function that is batched: from texts to the mask and to what branches read, at every depth."""

    def trunk(text_a: tf.Tensor, text_b: tf.Tensor) -> list[tf.Tensor]:
        ids, segments = tokenizer.encode(text_a, text_b, manifest.max_seq_length)
        mask = attention_mask(ids, tokenizer.padding_id)
        with tf.variable_scope("", custom_getter=_known(weights)):
            reached = [embed(ids, segments, manifest.config)]
            for layer in range(manifest.plan.trunk_depth):
                reached.append(encode(reached[-1], mask, manifest.config, [layer]))
        return [mask, *(reached[depth] for depth in _depths(manifest))]

    return trunk


def _known(weights: dict[str, tf.Variable]) -> Callable[..., tf.Variable]:
    """Makes get_variable find what is there, inside a function too."""

    def find(getter: Callable[..., tf.Variable], name: str, **arguments: Any) -> tf.Variable:
        return weights[name]

    return find
