"""Every method with every kind of task: a row's loss is its own, and padding and equal states add nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny
from kind_examples import EXAMPLES

from centrabert.distill.methods.method import TeacherStates
from centrabert.distill.methods.registry import METHODS
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.distill.state_file import Axes, logits_axes, state_axes
from centrabert.modeling.branch import Branch
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.layers.layer_states import LayerState
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.objective import ModelStates
from centrabert.modeling.words.word_places import COLUMNS, FIRST_PIECE, PADDING

RANDOM = np.random.default_rng(9)
# Each text begins with [CLS], and each of its words is a piece.
TEXTS = ("a tree on a river road", "house", "the old dog")
LENGTHS, PADDED, PADDING_ID = [len(text.split()) + 2 for text in TEXTS], 10, 1
TASKS = {example.task.name: example.task for example in EXAMPLES}
LABELS = {
    example.task.name: KINDS[example.task.kind].encode_labels(
        [example.label(row, text) for row, text in enumerate(TEXTS)], example.task.labels
    )
    for example in EXAMPLES
}
Rows = list[tiny.Array]


def rows(axes: Axes) -> Rows:
    """Random numbers for each text, without padding."""
    return [RANDOM.standard_normal([length if axis is None else axis for axis in axes]) for length in LENGTHS]


@dataclass(frozen=True)
class Model:
    """What a model says of all texts."""

    logits: Rows
    states: dict[LayerState, Rows]
    variables: dict[str, tiny.Array]


def random_model(task: TaskSpec, states: tuple[LayerState, ...]) -> Model:
    shapes = KINDS[task.kind].head_shapes(task.labels, tiny.CONFIG.hidden_size)
    return Model(
        rows(logits_axes(task)),
        {state: rows(state_axes(state, tiny.CONFIG)) for state in states},
        {name: RANDOM.normal(0, 0.1, shape) for name, shape in shapes.items()},
    )


def batch(of_rows: Rows, chosen: list[int], axes: Axes, length: int) -> tf.Tensor:
    """[batch, ...]; at padding stands what nobody may read."""
    shape = [length if axis is None else axis for axis in axes]
    numbers = RANDOM.normal(0, 50, [len(chosen), *shape])
    for index, row in enumerate(chosen):
        numbers[(index, *map(slice, of_rows[row].shape))] = of_rows[row]
    return tf.constant(numbers, tf.float32)


def losses(
    method: Any, task: TaskSpec, student: Model, teacher: Model, chosen: list[int], length: int
) -> tiny.Array:
    """The loss of each of the chosen rows, in a batch of that length."""
    lengths = np.array(LENGTHS)[chosen]
    real = np.arange(length) < lengths[:, None]
    pieces = np.arange(1, lengths.max() - 1)  # of words: all but [CLS] and [SEP]
    places = np.full([len(chosen), len(pieces), COLUMNS], PADDING, np.int32)
    places[:, :, FIRST_PIECE] = np.where(pieces < lengths[:, None] - 1, pieces, PADDING)
    logits, layers, variables = (
        [batch(each.logits, chosen, logits_axes(task), length) for each in (student, teacher)],
        [
            {s: batch(of, chosen, state_axes(s, tiny.CONFIG), length) for s, of in each.states.items()}
            for each in (student, teacher)
        ],
        [{n: tf.constant(v, tf.float32) for n, v in each.variables.items()} for each in (student, teacher)],
    )
    head = Head(logits[0], variables[0], tf.constant(real), tf.constant(places), task.labels)
    features = {
        "input_ids": tf.constant(np.where(real, 7, PADDING_ID), tf.int32),
        "labels": tf.constant(LABELS[task.name][chosen]),
    }
    own = ModelStates(head, layers[0], padding_id=PADDING_ID)
    return method.loss(task, own, TeacherStates(logits[1], layers[1], variables[1]), features).numpy()


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> Any:
    return METHODS[request.param]()


@pytest.fixture(params=TASKS)
def task(request: pytest.FixtureRequest) -> TaskSpec:
    return TASKS[request.param]


@pytest.fixture
def pair(task: TaskSpec, method: Any) -> tuple[Model, Model]:
    """A student and a teacher with the states that the method compares."""
    compared = method.compared_states(Branch(task, 1, 6), Branch(task, 1, 3))
    return random_model(task, compared.student), random_model(task, compared.teacher)


def test_a_loss_is_the_rows_own(method: Any, task: TaskSpec, pair: tuple[Model, Model]) -> None:
    """The same alone and without padding as in a batch whose padding holds rubbish."""
    alone = [losses(method, task, *pair, [row], length)[0] for row, length in enumerate(LENGTHS)]
    assert losses(method, task, *pair, [0, 1, 2], PADDED) == pytest.approx(alone, rel=1e-4)


@pytest.mark.parametrize(
    "method", [name for name, method in METHODS.items() if issubclass(method, VanillaKD)], indirect=True
)
def test_states_decide_and_equal_ones_add_nothing(
    method: Any, task: TaskSpec, pair: tuple[Model, Model]
) -> None:
    """To vanilla's loss, which compares the answers alone; TinyBERT's first stage has no such part."""
    student, teacher = pair
    vanilla = VanillaKD(method.temperature, method.soft_weight, method.hard_weight)
    expected = losses(vanilla, task, student, student, [0, 1, 2], PADDED)
    if method.name == "tinybert":
        expected = 0 * expected
    states = dict(zip(sorted(teacher.states), map(student.states.get, sorted(student.states)), strict=True))
    twin = Model(student.logits, states, student.variables)
    found = losses(method, task, student, twin, [0, 1, 2], PADDED)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)
    if method.name != "vanilla_kd":
        other = Model(student.logits, teacher.states, student.variables)
        assert (losses(method, task, student, other, [0, 1, 2], PADDED) > found + 1e-3).all()
