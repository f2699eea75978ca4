"""Any mapping of layers, and that the weights land where it says."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.modeling import checkpoint, scopes
from centrabert.modeling.branch import Branch
from centrabert.modeling.training.branch_model import model_fn_builder
from centrabert.modeling.training.estimator import ModeKeys
from centrabert.modeling.training.initialization import PRETRAINED, TEACHER, Initialization, as_pretrained

CONFIG = tiny.CONFIG
BRANCH = Branch(tiny.task("rte"), frozen=1, tuned=3)
MEAN = Branch(tiny.task("sim", "regression", pooling="mean"), frozen=1, tuned=3)
QUERY = "bert/encoder/layer_{}/attention/self/query/kernel"
HEAD = {"output_weights": "output_weights", "output_bias": "output_bias"}
POOLER = {f"bert/pooler/dense/{leaf}": f"bert/pooler/dense/{leaf}" for leaf in ("kernel", "bias")}


def layer(number: int, there: int) -> dict[str, str]:
    pairs = zip(scopes.layer_shapes(CONFIG, number), scopes.layer_shapes(CONFIG, there), strict=True)
    return dict(pairs)


@pytest.mark.parametrize("layers", [(1, 2, 3), (4, 2, 3), (3, 3, 1)])
def test_from_a_teacher(layers: tuple[int, ...]) -> None:
    sources = Initialization(TEACHER, layers).sources(BRANCH, CONFIG)
    first, second, third = layers
    expected = {**layer(1, first), **layer(2, second), **layer(3, third), **POOLER, **HEAD}
    assert sources == {PRETRAINED: {}, TEACHER: expected}
    assert (
        Initialization(TEACHER, layers).sources(MEAN, CONFIG)[TEACHER].keys()
        == expected.keys() - POOLER.keys()
    )


def test_a_teachers_frozen_layer_is_the_pretrained_one() -> None:
    sources = Initialization(TEACHER, (0, 2, 4)).sources(BRANCH, CONFIG)
    assert sources[PRETRAINED] == layer(1, 0)
    assert sources[TEACHER] == {**layer(2, 2), **layer(3, 4), **POOLER, **HEAD}


def test_from_the_pretrained_bert_the_head_is_new() -> None:
    sources = as_pretrained(BRANCH).sources(BRANCH, CONFIG)
    assert sources == {PRETRAINED: {**layer(1, 1), **layer(2, 2), **layer(3, 3), **POOLER}, TEACHER: {}}


def test_full_fine_tuning_starts_from_every_pretrained_variable() -> None:
    full = Branch(tiny.task("rte"), 0, CONFIG.num_hidden_layers, full_fine_tuning=True)
    sources = as_pretrained(full).sources(full, CONFIG)
    assert sources[PRETRAINED] == {name: name for name in scopes.base_shapes(CONFIG)}


def test_the_student_of_full_fine_tuning_starts_from_its_embeddings_too() -> None:
    student = Branch(tiny.task("rte"), 0, CONFIG.num_hidden_layers, full_fine_tuning=True).student(2)
    embeddings = {name: name for name in scopes.embedding_shapes(CONFIG)}
    expected = {**embeddings, **layer(0, 1), **layer(1, 4), **POOLER, **HEAD}
    sources = Initialization(TEACHER, (1, 4)).sources(student, CONFIG)
    assert sources == {PRETRAINED: {}, TEACHER: expected}


@pytest.mark.parametrize(
    ("origin", "layers", "message"),
    [
        (TEACHER, (1, 2), "3 layers start from 2 layers: 1, 2"),
        (TEACHER, (1, 2, 5), r"no layer 5 to start from, only 0\.\.4"),
        (TEACHER, (1, 2, -1), "below 0"),
        ("random", (1, 2, 3), "'random', which is none of pretrained, teacher"),
    ],
)
def test_what_does_not_fit_is_refused(origin: str, layers: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Initialization(origin, layers).sources(BRANCH, CONFIG)


def test_weights_land_where_the_mapping_says(tmp_path: Path) -> None:
    """Every number of both checkpoints is another, so that no swap can hide; one layer is read twice."""
    teacher = _numbered(Branch(BRANCH.task, 1, 4).owned_shapes(CONFIG), 10_000_000)
    base = _numbered(scopes.base_shapes(CONFIG), 1)
    checkpoint.write(tmp_path / "teacher", teacher)
    checkpoint.write(tmp_path / "bert", base)
    sources = Initialization(TEACHER, (4, 0, 4)).sources(BRANCH, CONFIG)
    shared = {name: name for name in BRANCH.shared_names(CONFIG)}
    init = {tmp_path / "bert": {**shared, **sources[PRETRAINED]}, tmp_path / "teacher": sources[TEACHER]}
    with tf.Graph().as_default(), tf.Session() as session:
        ids = tf.placeholder(tf.int32, [None, None])
        model_fn = model_fn_builder(CONFIG, BRANCH, init, padding_id=0)
        model_fn({"input_ids": ids, "segment_ids": ids}, None, ModeKeys.PREDICT, {})
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        found = session.run({v.op.name: v for v in tf.global_variables() + tf.local_variables()})
    expected = {
        **{name: base[name] for name in shared},
        **{name: teacher[there] for name, there in {**layer(1, 4), **layer(3, 4), **POOLER, **HEAD}.items()},
        **{name: base[there] for name, there in layer(2, 0).items()},
    }
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def _numbered(shapes: dict[str, scopes.Shape], start: int) -> checkpoint.Tensors:
    tensors, number = {}, start
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        tensors[name] = np.arange(number, number + size, dtype=np.float32).reshape(shape)
        number += size
    assert number <= 2**24  # float32 cannot tell larger numbers apart
    return tensors
