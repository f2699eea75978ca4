"""What serving costs in time, measured on this machine: embeddings, a layer, and a layer for [CLS] alone."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow.compat.v1 as tf

from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.task import TaskSpec
from centrabert.search.selection.candidate import BranchCandidate
from centrabert.search.selection.serving_cost import Cost

BATCH, LENGTH = 8, 64  # what a busy server computes at a time; ratios of layers hardly depend on it
ROUNDS, WARM_UP = 15, 3


@dataclass(frozen=True)
class ServingTime:
    """Milliseconds for a batch of BATCH rows of LENGTH tokens.

    Attributes:
      embedding: The trunk without a layer.
      layer: One layer for all tokens.
      last_layer: One layer for [CLS] alone, the last of a branch that reads nothing else.
    """

    embedding: float
    layer: float
    last_layer: float

    def cost(self, tasks: Mapping[str, TaskSpec]) -> Cost:
        """Milliseconds for all tasks at once: the trunk once, then every branch.

        Args:
          tasks: By name, every task that a candidate may be of.
        """

        def branch(candidate: BranchCandidate) -> float:
            last = self.last_layer if tasks[candidate.task].pooling == "cls" else self.layer
            return (candidate.tuned - 1) * self.layer + last

        return Cost("milliseconds", lambda depth: self.embedding + depth * self.layer, branch)


def measure(config: BertConfig) -> ServingTime:
    """Runs a BERT with random weights, ROUNDS times each way in turn; medians."""
    layers, shape = config.num_hidden_layers, (BATCH, min(LENGTH, config.max_position_embeddings))
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(0)
        ids = tf.constant(np.random.default_rng(0).integers(1, config.vocab_size, shape), tf.int32)
        ids = tf.placeholder_with_default(ids, [None, None])  # else it is all computed once, as a constant
        mask = attention_mask(ids, padding_id=-1)  # no id is padding
        x = embed(ids, tf.zeros_like(ids), config)
        top = encode(x, mask, config, range(layers))
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            first = encode(x, mask, config, range(1), first_only=True)
        session.run(tf.global_variables_initializer())
        bottom, whole, short = _medians([partial(session.run, each.op) for each in (x, top, first)])
    return ServingTime(bottom, max(0.0, whole - bottom) / layers, max(0.0, short - bottom))


def _medians(runs: list[Callable[[], object]]) -> list[float]:
    """Milliseconds of each; they take turns, so that a busy machine is busy for all."""
    rounds = [[_milliseconds(run) for run in runs] for _ in range(WARM_UP + ROUNDS)]
    return [statistics.median(each) for each in zip(*rounds[WARM_UP:], strict=True)]


def _milliseconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)
