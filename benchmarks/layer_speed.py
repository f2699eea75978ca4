"""The time of BERT's layers over that of their matrix products alone, in one process and in turn.

The products have the layers' shapes and depend on each other as there; everything else (bias, activation,
layer norm, softmax, transposition) is what the ratio is about.
"""

import math
from typing import TYPE_CHECKING

from absl import flags

from benchmarks.harness.alternation import alternate, median, ratio
from centrabert import command

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

FLAGS = flags.FlagValues()
flags.DEFINE_list(
    "models", ["minilm", "bert-base"], "Shapes of the BERTs: minilm, bert-base, or both.", flag_values=FLAGS
)
flags.DEFINE_list("forms", ["8x128", "32x32"], "Shapes of the batches, as ROWSxLENGTH.", flag_values=FLAGS)
flags.DEFINE_integer("layers", 4, "Number of layers that run one after the other.", flag_values=FLAGS)
flags.DEFINE_integer("rounds", 21, "Number of times that each side is measured.", flag_values=FLAGS)


def main() -> None:
    for shape in FLAGS.models:
        for form in FLAGS.forms:
            batch, length = (int(number) for number in form.split("x"))
            found = _measure(shape, batch, length)
            print(
                f"{shape} {form}: a layer takes {ratio(found, 'layers', 'products'):.3f} times its matrix "
                f"products ({median(found, 'layers') / FLAGS.layers:.2f} ms)",
                flush=True,
            )


def _measure(shape: str, batch: int, length: int) -> dict[str, list[float]]:
    import numpy as np
    import tensorflow.compat.v1 as tf

    from benchmarks.harness.random_models import config_of
    from centrabert.modeling.layers.attention import attention_mask
    from centrabert.modeling.layers.encoder import encode

    config = config_of(shape, vocab_size=100)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, None, config.hidden_size])
        ids = tf.placeholder(tf.int32, [None, None])
        layers = encode(x, attention_mask(ids, padding_id=0), config, range(FLAGS.layers))
        products = _products(x, FLAGS.layers, config.hidden_size, config.num_attention_heads)
        session.run(tf.global_variables_initializer())
        feeds = [
            np.random.default_rng(0).standard_normal([batch, length, config.hidden_size], np.float32),
            np.ones([batch, length], np.int32),
        ]
        runs = {
            "layers": session.make_callable(layers.op, [x, ids]),
            "products": session.make_callable(products.op, [x, ids]),
        }
        return alternate({name: lambda run=run: run(*feeds) for name, run in runs.items()}, FLAGS.rounds)


def _products(x: "tf.Tensor", layers: int, hidden: int, heads: int) -> "tf.Tensor":
    """The matrix products of so many layers, with weights that keep values away from 0 and infinity."""
    import tensorflow.compat.v1 as tf

    shape = tf.shape(x)
    split = tf.stack([shape[0], heads, shape[1], hidden // heads])

    def dense(rows: tf.Tensor, inputs: int, outputs: int, name: str) -> tf.Tensor:
        initializer = tf.random_normal_initializer(stddev=1 / math.sqrt(inputs), seed=0)
        return rows @ tf.get_variable(name, [inputs, outputs], tf.float32, initializer, use_resource=True)

    rows = tf.reshape(x, [-1, hidden])
    for layer in range(layers):
        with tf.variable_scope(f"products_{layer}"):
            query, key, value = (
                tf.reshape(dense(rows, hidden, hidden, name), split) for name in ("query", "key", "value")
            )
            context = tf.matmul(tf.matmul(query, key, transpose_b=True), value)
            rows = dense(tf.reshape(context, [-1, hidden]), hidden, hidden, "output")
            rows = dense(dense(rows, hidden, 4 * hidden, "wide"), 4 * hidden, hidden, "narrow")
    return rows


if __name__ == "__main__":
    command.run(main, FLAGS)
