"""The encoder's graph against NumPy, tf-models-official and finite differences."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy_bert
import pytest
import tensorflow.compat.v1 as tf
from bert_graph import Array, BertGraph, RecordedDropout

from centrabert.modeling import scopes
from centrabert.modeling.config import BertConfig
from centrabert.modeling.convert.conversion import Source
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import embed, encode, pool_first, pool_mean
from centrabert.modeling.layers.gelu import activation

TOLERANCE = 1e-5
TINY = BertConfig(
    vocab_size=99,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=37,
    hidden_act="gelu",
    hidden_dropout_prob=0.11,
    attention_probs_dropout_prob=0.13,
    max_position_embeddings=13,
    type_vocab_size=7,
    initializer_range=0.02,
)
CONFIGS = [
    dataclasses.replace(TINY, **keys)
    for keys in (
        {},
        {"hidden_act": "gelu_exact", "hidden_size": 15, "num_attention_heads": 3, "num_hidden_layers": 2},
        {"hidden_act": "relu", "hidden_size": 10, "num_attention_heads": 1, "type_vocab_size": 1},
        {"hidden_size": 6, "num_attention_heads": 6, "intermediate_size": 29, "num_hidden_layers": 5},
        {"hidden_act": "gelu_exact", "vocab_size": 11, "intermediate_size": 5, "num_hidden_layers": 1},
    )
]


def furthest(one: dict[str, Array], other: dict[str, Array]) -> float:
    """The largest difference over all outputs; of activations, at tokens that are not padding."""
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


def without_padding(outputs: dict[str, Array], ids: Array) -> dict[str, Array]:
    return {**outputs, "depths": outputs["depths"][:, ids != 0]}


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
@pytest.mark.parametrize("training", [False, True], ids=["serving", "training"])
def test_equals_numpy(config: BertConfig, training: bool) -> None:
    weights = numpy_bert.random_weights(config, seed=7)
    graph = BertGraph(config, weights, training)
    for batch, length in ((1, 13), (5, 7)):
        ids, segments = numpy_bert.random_ids(config, batch, length, seed=batch)
        expected = numpy_bert.forward(config, weights, ids, segments)
        assert furthest(graph.run(ids, segments), expected) < TOLERANCE


@pytest.mark.parametrize("hidden_act", numpy_bert.ACTIVATIONS)
@pytest.mark.parametrize("training", [False, True], ids=["serving", "training"])
def test_activation_and_its_gradient(hidden_act: str, training: bool) -> None:
    # An even number: no point at 0, where relu has no gradient. Rounded to what float32 can hold.
    points = np.linspace(-6, 6, 998, dtype=np.float32).astype(np.float64)
    function = numpy_bert.ACTIVATIONS[hidden_act]
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(points, tf.float32)
        y = activation(hidden_act, training)(x)
        values, gradients = session.run([y, tf.gradients(y, x)[0]])
    assert np.abs(values - function(points)).max() < 2e-6
    slopes = (function(points + 1e-6) - function(points - 1e-6)) / 2e-6
    assert np.abs(gradients - slopes).max() < 1e-5  # tanh of float32 saturates early


@pytest.mark.filterwarnings("ignore:Input dict contained keys")
@pytest.mark.parametrize("network", ["BertEncoder", "BertEncoderV2", "BertPretrainerV2"])
def test_equals_tf_models_official(network: str, tmp_path: Path) -> None:
    """Through the official checkpoint and our converter, with random weights everywhere."""
    encoder, prefix = _official(TINY, network, tmp_path)
    (tmp_path / "bert_config.json").write_text(json.dumps(TINY.to_json()))
    (tmp_path / "vocab.txt").write_text(_vocabulary(TINY.vocab_size))
    pretrained = Source(str(prefix)).read()
    ids, segments = numpy_bert.random_ids(TINY, 5, 11, seed=3)
    theirs = encoder(
        {"input_word_ids": ids, "input_mask": (ids != 0).astype(np.int32), "input_type_ids": segments}
    )
    ours = BertGraph(TINY, pretrained.tensors).run(ids, segments)
    official = {"depths": np.stack(theirs["encoder_outputs"]), "first": theirs["pooled_output"].numpy()}
    ours = {"depths": ours["depths"][1:], "first": ours["first"]}
    assert furthest(without_padding(ours, ids), without_padding(official, ids)) < TOLERANCE


def _official(config: BertConfig, network: str, folder: Path) -> tuple[Any, Path]:
    """tf-models-official's encoder with random weights, and the checkpoint that it wrote."""
    import tensorflow as tf2
    from official.nlp.modeling import models, networks

    sizes = {
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "num_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "max_sequence_length": config.max_position_embeddings,
        "type_vocab_size": config.type_vocab_size,
    }
    kind = networks.BertEncoderV2 if network == "BertEncoderV2" else networks.BertEncoder
    encoder = kind(**sizes, intermediate_size=config.intermediate_size, dict_outputs=True)
    model = models.BertPretrainerV2(encoder_network=encoder) if network == "BertPretrainerV2" else encoder
    model(model.inputs)
    random = np.random.default_rng(1)
    for variable in model.trainable_variables:
        around = "gamma" in variable.name
        variable.assign(0.2 * random.standard_normal(variable.shape) + around)
    saved = tf2.train.Checkpoint(model=model)
    return encoder, Path(saved.save(str(folder / network)))


def _vocabulary(size: int) -> str:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return "".join(f"{token}\n" for token in [*special, *(f"w{i}" for i in range(size - len(special)))])


@pytest.mark.parametrize("hidden_act", numpy_bert.ACTIVATIONS)
@pytest.mark.parametrize("training", [False, True], ids=["serving", "training"])
def test_gradients_equal_finite_differences(hidden_act: str, training: bool) -> None:
    """Every variable, along random directions: our float32 gradient against NumPy's central differences.

    The differences are taken on the NumPy pass in double precision, so that a step of 1e-6 carries no
    noise to speak of; what remains is the float32 of our gradient, below 1e-4 of its length.
    """
    config = dataclasses.replace(TINY, hidden_act=hidden_act, num_hidden_layers=1, vocab_size=17)
    weights = numpy_bert.random_weights(config, seed=5)
    ids, segments = numpy_bert.random_ids(config, 3, 7, seed=2)
    random = np.random.default_rng(9)
    slopes = {  # the loss is a random linear form of all outputs but those at padding
        name: random.standard_normal(output.shape) * ((ids != 0)[:, :, None] if name == "depths" else 1)
        for name, output in numpy_bert.forward(config, weights, ids, segments).items()
    }
    gradients = _gradients(BertGraph(config, weights, training), ids, segments, slopes)
    assert gradients.keys() == scopes.base_shapes(config).keys()
    for name, gradient in gradients.items():
        for _ in range(3):
            direction = random.standard_normal(gradient.shape)
            expected = _difference(config, weights, ids, segments, slopes, name, direction)
            scale = np.linalg.norm(gradient) * np.linalg.norm(direction) / np.sqrt(gradient.size)
            error = abs(np.sum(gradient * direction) - expected)
            assert error <= 1e-4 * max(scale, 1), (name, error, scale)


def _gradients(graph: BertGraph, ids: Array, segments: Array, slopes: dict[str, Array]) -> dict[str, Array]:
    with graph.graph.as_default():
        outputs = {"depths": tf.stack(graph.depths), "first": graph.first, "mean": graph.mean}
        loss = tf.add_n([tf.reduce_sum(outputs[n] * tf.constant(slopes[n], tf.float32)) for n in outputs])
        gradients = tf.gradients(loss, list(graph.variables.values()))
        fetches = {name: tf.convert_to_tensor(g) for name, g in zip(graph.variables, gradients, strict=True)}
    found: dict[str, Array] = graph.session.run(fetches, {graph.ids: ids, graph.segments: segments})
    return found


def _difference(
    config: BertConfig,
    weights: dict[str, Array],
    ids: Array,
    segments: Array,
    slopes: dict[str, Array],
    name: str,
    direction: Array,
    step: float = 1e-6,
) -> float:
    """The loss's central difference along `direction` of the variable `name`."""
    losses = []
    for sign in (1, -1):
        moved = {**weights, name: np.float64(weights[name]) + sign * step * direction}
        outputs = numpy_bert.forward(config, moved, ids, segments)
        losses.append(sum(float(np.sum(slopes[n] * outputs[n])) for n in outputs))
    return (losses[0] - losses[1]) / (2 * step)


def test_padding_changes_nothing() -> None:
    weights = numpy_bert.random_weights(TINY, seed=4)
    graph = BertGraph(TINY, weights)
    ids, segments = numpy_bert.random_ids(TINY, 5, 9, seed=6)
    longer = [np.pad(x, [(0, 0), (0, 4)]) for x in (ids, segments)]
    padded = graph.run(*longer)
    assert np.array_equal(longer[0][:, :9], ids)
    trimmed = {**padded, "depths": padded["depths"][:, :, :9]}
    assert furthest(without_padding(trimmed, ids), without_padding(graph.run(ids, segments), ids)) < TOLERANCE


def test_mask_hides_padding_alone() -> None:
    """The segment of a padding position, its only other input, reaches no token."""
    weights = numpy_bert.random_weights(TINY, seed=4)
    graph = BertGraph(TINY, weights)
    ids, segments = numpy_bert.random_ids(TINY, 5, 9, seed=6)
    other = np.where(ids == 0, 1, segments)
    assert not np.array_equal(other, segments)
    one, two = (without_padding(graph.run(ids, kinds), ids) for kinds in (segments, other))
    assert furthest(one, two) == 0


def test_graph_has_no_dead_op() -> None:
    """Every op but the variables' own bookkeeping serves an output (BERT's modeling_test.py)."""
    graph = BertGraph(TINY, numpy_bert.random_weights(TINY, seed=0))
    bookkeeping = re.compile(
        r".+/(Initializer/.+|Assign|IsInitialized/VarIsInitializedOp|Read/ReadVariableOp)"
    )
    reached = _ancestors([graph.depths[-1].op, graph.first.op, graph.mean.op])
    dead = [op.name for op in graph.graph.get_operations() if op.name not in reached]
    assert [name for name in dead if not bookkeeping.fullmatch(name)] == []


def _ancestors(ops: list[tf.Operation]) -> set[str]:
    reached: set[str] = set()
    while ops:
        op = ops.pop()
        if op.name not in reached:
            reached.add(op.name)
            ops += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
    return reached


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
def test_variables_are_those_of_scopes(config: BertConfig) -> None:
    graph = BertGraph(config, numpy_bert.random_weights(config, seed=0))
    made = {name: tuple(variable.shape.as_list()) for name, variable in graph.variables.items()}
    assert made == scopes.base_shapes(config)


def test_a_branch_makes_its_layers_in_its_scope() -> None:
    with tf.Graph().as_default():
        ids = tf.placeholder(tf.int32, [None, None])
        x = tf.placeholder(tf.float32, [None, None, TINY.hidden_size])
        mask = attention_mask(ids, padding_id=0)
        with tf.variable_scope("rte"):
            pool_first(encode(x, mask, TINY, [2, 1]), TINY)
        pool_mean(x, mask)
        made = {v.op.name: tuple(v.shape.as_list()) for v in tf.global_variables()}
    owned = [scopes.layer_shapes(TINY, 1), scopes.layer_shapes(TINY, 2), scopes.pooler_shapes(TINY)]
    assert made == {f"rte/{name}": shape for shapes in owned for name, shape in shapes.items()}


def test_dropout_stands_where_bert_has_it() -> None:
    dropout = RecordedDropout()
    with tf.Graph().as_default():
        ids = tf.placeholder(tf.int32, [None, None])
        encode(embed(ids, ids, TINY, dropout), attention_mask(ids, padding_id=0), TINY, range(2), dropout)
    hidden, attention = TINY.hidden_dropout_prob, TINY.attention_probs_dropout_prob
    assert [rate for rate, _ in dropout.asked] == [hidden, *[attention, hidden, hidden] * 2]
    # Attention drops weights, [batch, heads, length, length].
    assert [rank for rate, rank in dropout.asked if rate == attention] == [4, 4]


@pytest.mark.parametrize(
    ("vocab_size", "hidden_size", "layers", "heads", "parameters"),
    [
        (30522, 768, 12, 12, 109_482_240),  # uncased_L-12_H-768_A-12
        (28996, 768, 12, 12, 108_310_272),  # cased_L-12_H-768_A-12
        (30522, 1024, 24, 16, 335_141_888),  # uncased_L-24_H-1024_A-16
        (30522, 384, 6, 12, 22_713_216),  # MiniLM
        (30522, 128, 2, 2, 4_385_920),  # uncased_L-2_H-128_A-2, BERT-Tiny
    ],
)
def test_parameter_counts(
    vocab_size: int, hidden_size: int, layers: int, heads: int, parameters: int
) -> None:
    config = dataclasses.replace(
        TINY,
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden_size,
        max_position_embeddings=512,
        type_vocab_size=2,
    )
    assert sum(int(np.prod(shape)) for shape in scopes.base_shapes(config).values()) == parameters


def test_a_row_of_padding_alone_has_a_mean() -> None:
    """0, and the other rows are what they are; a server's batch holds rows of many clients."""
    with tf.Graph().as_default(), tf.Session() as session:
        ids = tf.constant([[1, 1, 1], [0, 7, 1]])
        x = tf.reshape(tf.range(12, dtype=tf.float32), [2, 3, 2])
        mean = session.run(pool_mean(x, attention_mask(ids, padding_id=1)))
    assert mean.tolist() == [[0, 0], [7, 8]]
