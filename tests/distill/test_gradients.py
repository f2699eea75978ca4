"""The loss of every method and its gradient, from the student's weights on, against NumPy."""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import numpy_bert
import pytest
import tensorflow.compat.v1 as tf
import tiny
from all_states import AllStates, at_tokens, paired

from centrabert.distill.methods.bert_pkd import BertPKD
from centrabert.distill.methods.distilbert import DistilBERT
from centrabert.distill.methods.last_layer_kd import LastLayerKD
from centrabert.distill.methods.method import DistillationMethod, TeacherStates
from centrabert.distill.methods.minilm import MiniLM
from centrabert.distill.methods.registry import METHODS
from centrabert.distill.methods.theseus import Theseus
from centrabert.distill.methods.tinybert import TinyBERT
from centrabert.distill.methods.vanilla_kd import VanillaKD
from centrabert.modeling.branch import Branch
from centrabert.modeling.layers.layer_states import STATE_KINDS, LayerState
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.training.branch_model import Optimization, model_fn_builder
from centrabert.modeling.training.estimator import ModeKeys, Tensors
from centrabert.modeling.training.objective import ModelStates

Array = tiny.Array
States = dict[LayerState, Array]
CONFIG = dataclasses.replace(tiny.CONFIG, num_hidden_layers=4, vocab_size=17)
ROWS, LENGTH = 5, 7
RANDOM = np.random.default_rng(4)
TASK, SCORES = tiny.task("rte", labels=("a", "b", "c")), tiny.task("sim", "regression", pooling="mean")
TEACHER_LOGITS = {
    TASK.name: 3 * RANDOM.standard_normal([ROWS, 3]),
    SCORES.name: RANDOM.standard_normal([ROWS, 1]),
}
LABELS = {TASK.name: RANDOM.integers(0, 3, ROWS), SCORES.name: RANDOM.standard_normal(ROWS)}
IDS, SEGMENTS = numpy_bert.random_ids(CONFIG, ROWS, LENGTH, seed=2)


def vanilla_classification(method: Any, logits: Array, states: States, teacher: States) -> Array:
    """[batch]; written from the formula of Hinton, Vinyals and Dean (2015)."""
    t, target = method.temperature, TEACHER_LOGITS[TASK.name]
    soft = -(numpy_bert.softmax(target / t) * np.log(numpy_bert.softmax(logits / t))).sum(1)
    hard = -np.log(numpy_bert.softmax(logits)[np.arange(ROWS), LABELS[TASK.name]])
    return np.asarray(method.soft_weight * t**2 * soft + method.hard_weight * hard)


def vanilla_regression(method: Any, logits: Array, states: States, teacher: States) -> Array:
    soft = (logits - TEACHER_LOGITS[SCORES.name])[:, 0] ** 2
    hard = (logits[:, 0] - LABELS[SCORES.name]) ** 2
    return np.asarray(method.soft_weight * soft + method.hard_weight * hard)


def bert_pkd(method: Any, logits: Array, states: States, teacher: States) -> Array:
    """Sun et al. 2019, equations 6 to 8, with the mean over layers and numbers."""
    loss = vanilla_classification(method, logits, states, teacher)
    pairs = paired(states, teacher)
    for state, other in pairs:
        own, target = (each[:, 0] for each in (states[state], teacher[other]))
        own, target = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (own, target))
        loss = loss + method.patience_weight * ((own - target) ** 2).mean(1) / len(pairs)
    return loss


def tinybert(method: Any, logits: Array, states: States, teacher: States) -> Array:
    """The first stage of Jiao et al. 2020, equations 7, 8 and 10, as means over tokens."""
    return np.sum(
        [
            over_tokens(state, (states[state] - teacher[other]) ** 2)
            for state, other in paired(states, teacher)
        ],
        0,
    )


def minilm(method: Any, logits: Array, states: States, teacher: States) -> Array:
    """Wang et al. 2020, equations 6 to 8."""
    loss = vanilla_classification(method, logits, states, teacher)
    own, target = ({state.kind: values for state, values in each.items()} for each in (states, teacher))
    if "attention_scores" in own:
        loss = loss + method.attention_weight * kl(own["attention_scores"], target["attention_scores"])
    return loss + method.value_weight * kl(*(relation(each["value"]) for each in (own, target)))


def last_layer_kd(method: Any, logits: Array, states: States, teacher: States) -> Array:
    """A regression's, whose soft loss is the squared difference of the logits."""
    loss = vanilla_regression(method, logits, states, teacher)
    loss = loss + method.logit_weight * (logits - TEACHER_LOGITS[SCORES.name])[:, 0] ** 2
    own, target = ({state.kind: values for state, values in each.items()} for each in (states, teacher))
    loss = loss + method.attention_weight * kl(own["attention_scores"], target["attention_scores"])
    loss = loss + method.value_weight * kl(*(relation(each["value"]) for each in (own, target)))
    squares = (own["hidden"] - target["hidden"]) ** 2
    of_all = over_tokens(LayerState("hidden", 1), squares)
    return np.asarray(loss + method.hidden_weight * of_all + method.first_weight * squares[:, 0].mean(1))


def distilbert(method: Any, logits: Array, states: States, teacher: States) -> Array:
    """Sanh et al. 2019, section 2."""
    ((state, other),) = paired(states, teacher)
    own, target = states[state], teacher[other]
    cosine = (own * target).sum(2) / np.linalg.norm(own, axis=2) / np.linalg.norm(target, axis=2)
    distance = np.array([1 - row[ids != 0].mean() for row, ids in zip(cosine, IDS, strict=True)])
    return vanilla_classification(method, logits, states, teacher) + method.cosine_weight * distance


def over_tokens(state: LayerState, numbers: Array) -> Array:
    """[batch], the mean over what is no padding."""
    real = np.broadcast_to(at_tokens(state, IDS != 0), numbers.shape).astype(bool)
    return np.array([row[at].mean() for row, at in zip(numbers, real, strict=True)])


def relation(values: Array) -> Array:
    return np.asarray(values @ values.swapaxes(2, 3) / np.sqrt(values.shape[3]))


def kl(own: Array, target: Array) -> Array:
    """[batch], of distributions over the tokens of each text alone."""
    rows = []
    for row, length in enumerate((IDS != 0).sum(1)):
        p, q = (numpy_bert.softmax(each[row, :, :length, :length]) for each in (target, own))
        rows.append((p * np.log(p / q)).sum(2).mean())
    return np.array(rows)


def label_alone(method: Any, logits: Array, states: States, teacher: States) -> Array:
    return -np.log(numpy_bert.softmax(logits)[np.arange(ROWS), LABELS[TASK.name]])


def all_states(method: Any, logits: Array, states: States, teacher: States) -> Array:
    loss = ((logits - TEACHER_LOGITS[TASK.name]) ** 2).sum(1)
    for state, other in paired(states, teacher):
        real = np.broadcast_to(at_tokens(state, IDS != 0), states[state].shape).astype(bool)
        squares = np.where(real, states[state] - teacher[other], 0) ** 2
        loss = loss + method.weight * squares.reshape(ROWS, -1).sum(1)
    return np.asarray(loss)


@dataclasses.dataclass(frozen=True)
class Case:
    """A method, the task that it is tried on, and its loss in NumPy."""

    method: DistillationMethod
    task: TaskSpec
    loss: Callable[[Any, Array, States, States], Array]
    tuned: int = 2
    full: bool = False

    @property
    def teacher(self) -> Branch:
        return Branch(self.task, 0, 4, True) if self.full else Branch(self.task, 1, 3)


CASES = {
    "vanilla_kd": Case(VanillaKD(3.0, 0.7, 0.4), TASK, vanilla_classification),
    "vanilla_kd by default": Case(VanillaKD(), TASK, vanilla_classification, tuned=1),
    "vanilla_kd of scores": Case(VanillaKD(5.0, 0.25, 2.0), SCORES, vanilla_regression),
    "bert_pkd": Case(BertPKD(3.0, 0.7, 0.4), TASK, bert_pkd, tuned=3, full=True),
    "bert_pkd of the last": Case(BertPKD(patience="last", patience_weight=3.0), TASK, bert_pkd),
    "tinybert": Case(TinyBERT(), TASK, tinybert, tuned=3, full=True),
    "minilm": Case(MiniLM(3.0, 0.7, 0.4, 2.0, 5.0), TASK, minilm),
    "distilbert": Case(DistilBERT(3.0, cosine_weight=20.0), TASK, distilbert),
    "last_layer_kd": Case(LastLayerKD(1.0, 0.5, 0.4, 2.0, 5.0, 0.3, 3.0, 4.0), SCORES, last_layer_kd),
    "theseus": Case(Theseus(), TASK, label_alone, tuned=1),
    "all_states": Case(AllStates(), TASK, all_states),
}


class Student:
    """The student of a case as a graph: its loss, and the gradient by its own variables."""

    def __init__(self, case: Case) -> None:
        self.branch = case.teacher.student(case.tuned)
        self.compared = case.method.compared_states(case.teacher, self.branch)
        self.teacher = {state: _random_state(state) for state in self.compared.teacher}
        self.weights = tiny.tensors(self.branch.shapes(CONFIG), seed=3)
        self._method = case.method
        with tf.Graph().as_default(), tf.Session() as session:
            model_fn = model_fn_builder(CONFIG, self.branch, {}, 0, Optimization(1.0, 9, 0, 0), self)
            spec = model_fn(self._features(), None, ModeKeys.EVAL, {})
            own = {variable.op.name: variable for variable in tf.trainable_variables()}
            gradients = [
                g if g is None else tf.convert_to_tensor(g)
                for g in tf.gradients(spec.loss, list(own.values()))
            ]
            missing = [name for name, gradient in zip(own, gradients, strict=True) if gradient is None]
            named = {n: g for n, g in zip(own, gradients, strict=True) if g is not None}
            variables = tf.global_variables() + tf.local_variables()
            starts = {v.op.name: v.initializer for v in variables}
            session.run(list(starts.values()), {s.inputs[1]: self.weights[n] for n, s in starts.items()})
            self.loss_value, self.gradients = session.run([spec.loss, named])
        self.missing = missing

    def _features(self) -> Tensors:
        labels = LABELS[self.branch.task.name]
        dtype = tf.int32 if self.branch.task.labels else tf.float32
        return {
            "input_ids": tf.constant(IDS),
            "segment_ids": tf.constant(SEGMENTS),
            "labels": tf.constant(labels, dtype),
        }

    # An objective, whose teacher is made of constants.
    @property
    def states(self) -> Collection[LayerState]:
        return self.compared.student

    def annotate(self, train: Any) -> Any:
        return train

    def to_json(self) -> dict[str, Any]:
        return self._method.to_json()

    def loss(self, task: TaskSpec, model: ModelStates, features: Tensors) -> tf.Tensor:
        logits = tf.constant(TEACHER_LOGITS[task.name], tf.float32)
        layers = {state: tf.constant(values, tf.float32) for state, values in self.teacher.items()}
        return self._method.loss(task, model, TeacherStates(logits, layers), features)


def _random_state(state: LayerState) -> Array:
    heads, head = CONFIG.num_attention_heads, CONFIG.head_size
    shape = {"hidden": [ROWS, LENGTH, CONFIG.hidden_size]}.get(state.kind, [ROWS, heads, LENGTH, head])
    if state.kind.startswith("attention"):
        shape = [ROWS, heads, LENGTH, LENGTH]
    return RANDOM.standard_normal(shape)


def numpy_loss(case: Case, student: Student, weights: Mapping[str, Array]) -> float:
    """The mean loss of the batch in double precision."""
    branch, x = student.branch, numpy_bert.embed(CONFIG, weights, IDS, SEGMENTS)
    states = {LayerState("hidden", 0): x}
    for layer in range(branch.depth):
        of_layer = numpy_bert.layer_states(CONFIG, weights, x, IDS, layer)
        states.update({LayerState(kind, layer + 1): of_layer[kind] for kind in STATE_KINDS})
        x = of_layer["hidden"]
    cls = branch.task.pooling == "cls"
    pooled = numpy_bert.pool_first(weights, x) if cls else numpy_bert.pool_mean(x, IDS)
    logits = pooled @ np.float64(weights["output_weights"]).T + weights["output_bias"]
    compared = {state: states[state] for state in student.compared.student}
    return float(case.loss(case.method, logits, compared, student.teacher).mean())


def test_every_method_is_tried() -> None:
    assert METHODS.keys() <= {case.method.name for case in CASES.values()}


@pytest.fixture(scope="module", params=CASES)
def tried(request: pytest.FixtureRequest) -> tuple[Case, Student]:
    case = CASES[request.param]
    return case, Student(case)


def test_loss_equals_numpy(tried: tuple[Case, Student]) -> None:
    case, student = tried
    assert student.loss_value == pytest.approx(numpy_loss(case, student, student.weights), rel=2e-5)


def test_gradients_equal_finite_differences(tried: tuple[Case, Student]) -> None:
    """Of every variable that the student owns, along random directions, and of no frozen one."""
    case, student = tried
    owned = student.branch.owned_shapes(CONFIG).keys()
    # Softmax does not feel the bias of the key, which a last layer that computes [CLS] alone does not read.
    assert [name for name in student.missing if not name.endswith("key/bias")] == []
    assert {*student.gradients, *student.missing} == owned
    largest = max(float(np.abs(gradient).max()) for gradient in student.gradients.values())
    for name, gradient in student.gradients.items():
        direction = RANDOM.standard_normal(gradient.shape)
        losses = [
            numpy_loss(
                case, student, {**student.weights, name: student.weights[name] + sign * 1e-6 * direction}
            )
            for sign in (1, -1)
        ]
        expected = (losses[0] - losses[1]) / 2e-6
        scale = np.linalg.norm(gradient) * np.linalg.norm(direction) / np.sqrt(gradient.size)
        assert abs(np.sum(gradient * direction) - expected) <= 1e-4 * max(scale, largest), name
