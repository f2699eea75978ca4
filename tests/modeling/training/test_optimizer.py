"""BERT's optimiser against NumPy and tf-models-official, and its learning rate against BERT's formula."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow.compat.v1 as tf

from centrabert.errors import UserError
from centrabert.modeling.training import optimizer

Array = npt.NDArray[Any]
Arrays = dict[str, Array]
TABLE = "bert/embeddings/word_embeddings"
DECAYED = {
    TABLE: (11, 3),
    "bert/encoder/layer_2/output/dense/kernel": (3, 5),
    "bert/encoder/layer_2/attention/output/dense/kernel": (5, 2),
    "output_weights": (7, 3),
}
UNDECAYED = {
    "bert/encoder/layer_2/output/dense/bias": (5,),
    "bert/encoder/layer_2/output/LayerNorm/gamma": (3,),
    "bert/encoder/layer_2/output/LayerNorm/beta": (3,),
    "output_bias": (7,),
}
SHAPES = {**DECAYED, **UNDECAYED}
ROWS = np.array([4, 1, 4, 9, 4])  # of the table that a batch looks up; one of them three times


def random_arrays(seed: int, scale: float = 1.0) -> Arrays:
    """Elements between 1e-6 and 1 times `scale`, so that epsilon counts in some."""
    random = np.random.default_rng(seed)
    shapes = {**SHAPES, TABLE: (len(ROWS), 3)}
    return {
        name: (scale * random.choice([-1, 1], shape) * 10 ** random.uniform(-6, 0, shape)).astype(np.float32)
        for name, shape in shapes.items()
    }


def first_weights() -> Arrays:
    random = np.random.default_rng(5)
    return {name: random.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}


class NumpyAdam:
    """AdamWeightDecayOptimizer of BERT's optimization.py, in double precision.

    With bias correction the step is Adam's (Kingma and Ba 2015, before section 2.1), the decay the same.
    """

    def __init__(self, weights: Arrays, bias_correction: bool = False) -> None:
        self.bias_correction, self.steps = bias_correction, 0
        self.weights: Arrays = {name: array.astype(np.float64) for name, array in weights.items()}
        self.m = {name: np.zeros(array.shape) for name, array in weights.items()}
        self.v = {name: np.zeros(array.shape) for name, array in weights.items()}

    def step(self, gradients: Arrays, rate: float) -> None:
        """The norm counts each looked-up row on its own, as tf.clip_by_global_norm does in BERT."""
        self.steps += 1
        correction = _bias_correction(self.steps) if self.bias_correction else 1.0
        norm = np.sqrt(sum((gradient.astype(np.float64) ** 2).sum() for gradient in gradients.values()))
        for name, gradient in gradients.items():
            clipped = gradient.astype(np.float64) / max(norm, 1.0)
            if name == TABLE:
                clipped = np.stack([clipped[row == ROWS].sum(0) for row in range(len(self.weights[TABLE]))])
            self.m[name] = 0.9 * self.m[name] + 0.1 * clipped
            self.v[name] = 0.999 * self.v[name] + 0.001 * clipped**2
            update = correction * self.m[name] / (np.sqrt(self.v[name]) + 1e-6)
            if name in DECAYED:
                update = update + 0.01 * self.weights[name]
            self.weights[name] = self.weights[name] - rate * update


class Training:
    """A graph whose gradients are fed: the loss is a linear form of all variables."""

    def __init__(
        self, weights: Arrays, trained: Sequence[str] = tuple(SHAPES), bias_correction: bool = False
    ) -> None:
        self.variables = {
            name: tf.get_variable(name, initializer=array, use_resource=True)
            for name, array in weights.items()
        }
        read = {name: tf.convert_to_tensor(v) for name, v in self.variables.items() if name != TABLE}
        read[TABLE] = tf.gather(self.variables[TABLE], ROWS)
        self.gradients = {name: tf.placeholder(tf.float32, tensor.shape) for name, tensor in read.items()}
        loss = tf.add_n([tf.reduce_sum(tensor * self.gradients[name]) for name, tensor in read.items()])
        self.rate = tf.placeholder(tf.float32, [])
        self.global_step = tf.train.get_or_create_global_step()
        self.train_op = optimizer.train_op(
            loss, [self.variables[name] for name in trained], self.global_step, self.rate, bias_correction
        )
        self.session = tf.Session()
        self.session.run(tf.global_variables_initializer())

    def step(self, gradients: Arrays, rate: float) -> Arrays:
        feeds = {self.gradients[name]: gradient for name, gradient in gradients.items()}
        self.session.run(self.train_op, {**feeds, self.rate: rate})
        weights: Arrays = self.session.run(self.variables)
        return weights


def furthest(one: Arrays, other: Arrays) -> float:
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


# The first is not clipped, the second is; the third is one after the other.
SCALES = {"small": [0.01] * 4, "large": [30.0] * 4, "mixed": [0.01, 50.0, 1.0, 1e-4, 5.0]}


@pytest.mark.parametrize("bias_correction", [False, True])
@pytest.mark.parametrize("scales", SCALES.values(), ids=SCALES)
def test_steps_equal_numpy(scales: list[float], bias_correction: bool) -> None:
    numpy_adam = NumpyAdam(first_weights(), bias_correction)
    with tf.Graph().as_default():
        training = Training(first_weights(), bias_correction=bias_correction)
        for number, scale in enumerate(scales):
            gradients, rate = random_arrays(number, scale), 0.1 / (number + 1)
            numpy_adam.step(gradients, rate)
            # TensorFlow's 1 - 0.999 is off by 1.3e-5 of itself in single precision, and a step is up to 0.3.
            assert furthest(training.step(gradients, rate), numpy_adam.weights) < 1e-5, number


@pytest.mark.parametrize("scales", SCALES.values(), ids=SCALES)
def test_steps_equal_tf_models_official(scales: list[float]) -> None:
    """Their AdamWeightDecay with its bias correction undone.

    At step t theirs is  w -= r d w  and then  w -= r c m / (sqrt(v) + e),  c = sqrt(1 - b2^t) / (1 - b1^t),
    where r is its learning rate and d its weight decay rate. BERT's has neither c: with r = rate / c and
    d = 0.01 c the first is rate 0.01 w and the second rate m / (sqrt(v) + e), which is BERT's step, as m, v
    and e have no correction of their own.
    """
    import tensorflow as tf2
    from official.nlp.optimization import AdamWeightDecay

    official = AdamWeightDecay(
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-6,
        weight_decay_rate=0.01,
        exclude_from_weight_decay=["LayerNorm", "layer_norm", "bias"],
    )
    theirs = {name: tf2.Variable(array, name=name) for name, array in first_weights().items()}
    with tf.Graph().as_default():
        training = Training(first_weights())
    for number, scale in enumerate(scales):
        gradients, rate = random_arrays(number, scale), 0.1 / (number + 1)
        correction = _bias_correction(number + 1)
        official.learning_rate, official.weight_decay_rate = rate / correction, 0.01 * correction
        official.apply_gradients([(_official(name, gradients[name]), theirs[name]) for name in SHAPES])
        ours = training.step(gradients, rate)
        assert furthest(ours, {name: variable.numpy() for name, variable in theirs.items()}) < 2e-6, number


def _bias_correction(t: int) -> float:
    """With the betas as single precision has them, since theirs is computed from those."""
    beta_1, beta_2 = float(np.float32(0.9)), float(np.float32(0.999))
    return float(np.sqrt(1 - beta_2**t) / (1 - beta_1**t))


def _official(name: str, gradient: Array) -> Any:
    """The gradient of a look-up as TensorFlow gives it: the rows that were looked up."""
    import tensorflow as tf2

    if name != TABLE:
        return tf2.constant(gradient)
    return tf2.IndexedSlices(tf2.constant(gradient), tf2.constant(ROWS), tf2.constant(SHAPES[TABLE]))


def test_decay_alone() -> None:
    """With gradients of 0 a step is the decay: 1 % of the learning rate, and no bit of what has none."""
    before = first_weights()
    nothing = {name: np.zeros_like(array) for name, array in random_arrays(0).items()}
    with tf.Graph().as_default():
        after = Training(before).step(nothing, 0.5)
    for name in UNDECAYED:
        assert np.array_equal(after[name], before[name]), name
    for name in DECAYED:
        np.testing.assert_allclose(after[name], before[name] * (1 - 0.5 * 0.01), rtol=1e-6)


def test_only_the_given_variables_move() -> None:
    given = [TABLE, "output_bias", "bert/encoder/layer_2/output/LayerNorm/gamma"]
    before = first_weights()
    with tf.Graph().as_default():
        training = Training(before, given)
        after = training.step(random_arrays(0), 0.1)
        names = {variable.op.name for variable in tf.global_variables()}
    assert {name for name in SHAPES if not np.array_equal(before[name], after[name])} == set(given)
    slots = {f"{name}/{slot}" for name in given for slot in ("adam_m", "adam_v")}
    assert names == {*SHAPES, *slots, "global_step"}


def test_global_step_advances_by_one() -> None:
    """BERT's own optimiser leaves it alone, and its train_op adds the one."""
    with tf.Graph().as_default():
        training = Training(first_weights())
        seen = []
        for number in range(3):
            training.step(random_arrays(number), 0.1)
            seen.append(int(training.session.run(training.global_step)))
    assert seen == [1, 2, 3]


def test_optimizer_variables_are_not_trained() -> None:
    with tf.Graph().as_default():
        training = Training(first_weights())
        assert {v.op.name for v in tf.trainable_variables()} == SHAPES.keys()
        training.session.close()


def test_a_variable_out_of_reach_is_a_defect_of_ours() -> None:
    """Which keeps its traceback: no flag or file can be the reason."""
    with tf.Graph().as_default():
        near, far = (tf.get_variable(name, [3], use_resource=True) for name in ("near", "far/away"))
        step = tf.train.get_or_create_global_step()
        with pytest.raises(ValueError, match=r"the loss does not depend on far/away$") as caught:
            optimizer.train_op(tf.reduce_sum(near), [near, far], step, tf.constant(0.1))
    assert not isinstance(caught.value, UserError)


def test_the_loss_is_of_the_variables_before_the_step() -> None:
    """However late the forward pass reads a variable, decay and step wait for it."""
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable("kernel", [3], initializer=tf.ones_initializer(), use_resource=True)
        late = tf.py_function(lambda: time.sleep(0.3), [], [])
        with tf.control_dependencies([late]):
            loss = tf.reduce_sum(variable.read_value() * tf.constant([1.0, 2.0, 4.0]))
        step = tf.train.get_or_create_global_step()
        train_op = optimizer.train_op(loss, [variable], step, tf.constant(1.0))
        session.run(tf.global_variables_initializer())
        assert session.run([loss, train_op])[0] == 7.0


def rates(num_steps: int, num_warmup_steps: int, steps: Sequence[int], rate: float = 5e-5) -> list[float]:
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.placeholder(tf.int64, [])
        learning_rate = optimizer.learning_rate_at(step, rate, num_steps, num_warmup_steps)
        assert learning_rate.dtype == tf.float32
        return [float(session.run(learning_rate, {step: done})) for done in steps]


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (0, 0.0),
        (1, 1 / 7),
        (6, 6 / 7),
        (7, 1 - 7 / 37),  # warm-up ends, and the decay goes on as if it had begun at step 0
        (8, 1 - 8 / 37),
        (20, 1 - 20 / 37),
        (36, 1 / 37),
        (37, 0.0),
        (99, 0.0),
    ],
)
def test_learning_rate(done: int, expected: float) -> None:
    assert rates(37, 7, [done]) == pytest.approx([5e-5 * expected], rel=1e-6, abs=1e-12)


def test_learning_rate_without_warm_up() -> None:
    assert rates(4, 0, range(6)) == pytest.approx(
        [5e-5, 5e-5 * 3 / 4, 5e-5 / 2, 5e-5 / 4, 0, 0], rel=1e-6, abs=1e-12
    )


@pytest.mark.parametrize(("num_steps", "num_warmup_steps"), [(37, 7), (1000, 100), (3, 0), (1, 0), (13, 12)])
def test_learning_rate_equals_tf_models_official(num_steps: int, num_warmup_steps: int) -> None:
    from official.nlp.optimization import create_optimizer

    schedule = create_optimizer(5e-5, num_steps, num_warmup_steps)._hyper["learning_rate"]
    steps = sorted({*range(min(num_steps, 40)), num_warmup_steps, num_steps - 1, num_steps, num_steps + 9})
    expected = [float(schedule(step)) for step in steps]
    assert rates(num_steps, num_warmup_steps, steps) == pytest.approx(expected, rel=1e-5, abs=1e-11)
