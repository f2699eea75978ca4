"""BERT-of-Theseus: its schedule, which layers it computes and trains at a step, and what it refuses."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.distill.methods.method import TEACHER_SCOPE, ComparedStates
from centrabert.distill.methods.theseus import Theseus
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.dropout import Dropout
from centrabert.modeling.layers.encoder import encode
from centrabert.modeling.layers.layer_states import NO_STATES

CONFIG = dataclasses.replace(tiny.CONFIG, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
TEACHER = Branch(tiny.task("rte"), frozen=1, tuned=4)
STUDENT = TEACHER.student(2)
IDS = np.array([[7, 8, 9, 0, 0], [7, 8, 9, 4, 5]])
STEPS = 40


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (Theseus(0.3, 0.5), {0.0: 0.3, 0.25: 0.65, 0.5: 1.0}),
        (Theseus(0.0, 1.0), {0.0: 0.0, 0.125: 0.125, 1.0: 1.0}),
        (Theseus(1.0, 0.5), {0.0: 1.0, 0.5: 1.0}),
        (Theseus(0.2, 0.0), {0.0: 1.0, 0.5: 1.0}),
    ],
)
def test_the_probability_rises_linearly(method: Theseus, expected: dict[float, float]) -> None:
    assert {progress: method.rate(progress) for progress in expected} == pytest.approx(expected)


class Modules:
    """The encoder of a student of two layers, each of which stands for two of the teacher's.

    Beside it, with the same variables: every mixture of both, by which modules are the student's.
    """

    def __init__(self) -> None:
        x = np.random.default_rng(3).standard_normal([2, 5, 32])
        self.x, self.mask = tf.constant(x, tf.float32), attention_mask(tf.constant(IDS), 0)
        self.progress, self.step = tf.placeholder(tf.float32, []), tf.placeholder(tf.int64, [])
        self.dropout = Dropout(3, self.step)
        encoder = Theseus(0.0, 1.0).encoder(TEACHER, STUDENT, self.progress)
        top = encoder(self.x, self.mask, CONFIG, [1, 2], self.dropout, True, NO_STATES)
        variables = {v.op.name: v for v in tf.global_variables()}
        own = {name: v for name, v in variables.items() if not name.startswith(TEACHER_SCOPE)}
        mixtures = {}
        with tf.variable_scope("", reuse=True):
            for first in (False, True):
                for second in (False, True):
                    between = self._module(self.x, 0, first)
                    mixtures[first, second] = self._module(between, 1, second)
        self.fetches = {
            "top": top,
            "chances": self.dropout.chances(2),
            "gradients": _gradients(top, own),
            "mixtures": mixtures,
            "plain": _gradients(mixtures[True, True], own),
        }
        self.names = list(variables)
        shapes = {name: tuple(v.shape.as_list()) for name, v in variables.items()}
        self.session = tf.Session()
        tiny.load(self.session, tiny.tensors(shapes, seed=1))

    def _module(self, x: tf.Tensor, place: int, own: bool) -> tf.Tensor:
        if own:
            return encode(x, self.mask, CONFIG, [1 + place], self.dropout, first_only=place == 1)
        with tf.variable_scope(TEACHER_SCOPE):
            layers = range(1 + 2 * place, 3 + 2 * place)
            return encode(x, self.mask, CONFIG, layers, self.dropout, first_only=place == 1)

    def at(self, progress: float, step: int) -> dict[str, Any]:
        found: dict[str, Any] = self.session.run(self.fetches, {self.progress: progress, self.step: step})
        return found


def _gradients(top: tf.Tensor, variables: dict[str, Any]) -> dict[str, tf.Tensor]:
    return dict(zip(variables, tf.gradients(tf.square(top), list(variables.values())), strict=True))


@pytest.fixture(scope="module")
def modules() -> Any:
    with tf.Graph().as_default():
        found = Modules()
        yield found
        found.session.close()


def test_the_teachers_layers_have_a_scope(modules: Modules) -> None:
    layers = {name.rpartition("bert/encoder/")[0::2] for name in modules.names}
    assert {(scope, name.split("/")[0]) for scope, name in layers} == {
        *((f"{TEACHER_SCOPE}/", f"layer_{layer}") for layer in (1, 2, 3, 4)),
        *(("", f"layer_{layer}") for layer in (1, 2)),
    }


def test_with_probability_0_it_is_the_teacher(modules: Modules) -> None:
    found = modules.at(0.0, 5)
    np.testing.assert_allclose(found["top"], found["mixtures"][False, False], atol=1e-6)
    assert not any(gradient.any() for gradient in found["gradients"].values())


def test_with_probability_1_it_is_the_student(modules: Modules) -> None:
    found = modules.at(1.0, 5)
    np.testing.assert_allclose(found["top"], found["mixtures"][True, True], atol=1e-6)
    for name, gradient in found["gradients"].items():
        np.testing.assert_allclose(gradient, found["plain"][name], rtol=1e-4, atol=1e-4, err_msg=name)
        assert gradient.any() or name.endswith("key/bias"), name


def test_every_step_draws_each_module_anew(modules: Modules) -> None:
    """With the probability of the schedule; what is not computed has a gradient of zero."""
    seen = []
    for step in range(STEPS):
        found = modules.at(0.6, step)
        drawn = tuple(bool(chance < 0.6) for chance in found["chances"])
        np.testing.assert_allclose(found["top"], found["mixtures"][drawn], atol=1e-6)
        for layer, taken in zip((1, 2), drawn, strict=True):
            kernel = f"bert/encoder/layer_{layer}/output/dense/kernel"
            assert found["gradients"][kernel].any() == taken, step
        seen.append(drawn)
    assert set(seen) == {(first, second) for first in (False, True) for second in (False, True)}
    assert np.mean(seen) == pytest.approx(0.6, abs=0.15)
    again = tuple(bool(chance < 0.6) for chance in modules.at(0.6, 7)["chances"])
    assert again == seen[7]


def test_each_layer_stands_for_as_many_of_the_teacher() -> None:
    message = r"--student_layers=3: with --method=theseus each layer .* teacher's 4; give one of 1, 2, 4$"
    with pytest.raises(ValueError, match=message):
        Theseus().compared_states(TEACHER, TEACHER.student(3))
    assert Theseus().compared_states(TEACHER, STUDENT) == ComparedStates()


@pytest.mark.parametrize("name", ["replacing_rate", "replacing_share"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_settings_are_checked(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^--{name}={value} is not in \[0, 1\]$"):
        Theseus(**{name: value})
