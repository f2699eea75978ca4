"""What a smaller BERT minimises on texts, and where it starts: loss and gradient against NumPy."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping

import numpy as np
import numpy_bert
import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.distill.text.text_model import starting_names, text_model_fn
from centrabert.distill.text.text_objectives import OBJECTIVES
from centrabert.modeling import scopes
from centrabert.modeling.bert_folder import BertFolder
from centrabert.modeling.training.branch_model import Optimization

Array = tiny.Array
States = list[dict[str, Array]]  # by depth, the embeddings first
CONFIG = dataclasses.replace(
    tiny.CONFIG, num_hidden_layers=4, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
)
SMALLER = dataclasses.replace(CONFIG, num_hidden_layers=2)
ROWS, LENGTH = 5, 7
IDS, SEGMENTS = numpy_bert.random_ids(CONFIG, ROWS, LENGTH, seed=2)
LENGTHS = (IDS != 0).sum(1)
# Other weights than those it starts with, so that its embeddings differ from the teacher's.
STUDENT = tiny.tensors(scopes.encoder_shapes(SMALLER, 2), seed=7)
DIRECTIONS = np.random.default_rng(1)


def distilbert(student: States, teacher: States) -> list[float]:
    """Sanh et al. 2019, section 2: 1 - the cosine of the last hidden states."""
    return [
        1 - np.mean([own @ other / np.sqrt((own @ own) * (other @ other)) for own, other in pairs])
        for pairs in (list(zip(*row, strict=True)) for row in rows(student[2], teacher[4], "hidden"))
    ]


def minilm(student: States, teacher: States) -> list[float]:
    """Wang et al. 2020, equations 6 to 8: the KL divergences of the last layers."""
    attention = [divergences(*row) for row in rows(student[2], teacher[4], "attention_scores")]
    values = [
        divergences(*(np.einsum("hid,hjd->hij", each, each) / np.sqrt(each.shape[2]) for each in row))
        for row in rows(student[2], teacher[4], "value")
    ]
    return [one + other for one, other in zip(attention, values, strict=True)]


def tinybert(student: States, teacher: States) -> list[float]:
    """Jiao et al. 2020, equations 7 to 9: squared errors, of layer j and layer 2 j."""
    compared = [("hidden", 0, 0), *(("hidden", own, 2 * own) for own in (1, 2))]
    compared += [("attention_scores", own, 2 * own) for own in (1, 2)]
    errors = [
        [np.mean((own - other) ** 2) for own, other in rows(student[depth], teacher[higher], kind)]
        for kind, depth, higher in compared
    ]
    return list(np.sum(errors, 0))


LOSSES: dict[str, Callable[[States, States], list[float]]] = {
    "distilbert": distilbert,
    "minilm": minilm,
    "tinybert": tinybert,
}


def rows(student: Mapping[str, Array], teacher: Mapping[str, Array], kind: str) -> list[list[Array]]:
    """The states of student and teacher of each text, without what is at padding."""
    found = []
    for row, length in enumerate(LENGTHS):
        of_row = [each[kind][row] for each in (student, teacher)]
        if kind == "hidden":
            found.append([each[:length] for each in of_row])
        elif kind == "value":
            found.append([each[:, :length] for each in of_row])
        else:
            found.append([each[:, :length, :length] for each in of_row])
    return found


def divergences(own: Array, target: Array) -> float:
    """The mean over heads and tokens of sum p log(p / q), p the teacher's; [heads, length, length] each."""
    total = []
    for head, token in np.ndindex(*own.shape[:2]):
        p, q = (np.exp(each[head, token]) / np.exp(each[head, token]).sum() for each in (target, own))
        total.append(np.sum(p * np.log(p / q)))
    return float(np.mean(total))


def states(layers: int, weights: Mapping[str, Array]) -> States:
    x = numpy_bert.embed(CONFIG, weights, IDS, SEGMENTS)
    found: States = [{"hidden": x}]
    for layer in range(layers):
        found.append(numpy_bert.layer_states(CONFIG, weights, found[-1]["hidden"], IDS, layer))
    return found


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> BertFolder:
    return BertFolder.at(tiny.bert_folder(tmp_path_factory.mktemp("text") / "bert", seed=3, config=CONFIG))


@pytest.fixture(scope="module")
def of_teacher(bert: BertFolder) -> States:
    return states(4, bert.read())


def built(bert: BertFolder, objective: str, layers: int) -> tf.Tensor:
    """The loss of the batch, in the default graph."""
    features = {"input_ids": tf.constant(IDS), "segment_ids": tf.constant(SEGMENTS)}
    comparisons = OBJECTIVES[objective](layers, CONFIG.num_hidden_layers)
    optimization = Optimization(1e-3, 10, 1, 0)
    return text_model_fn(CONFIG, layers, comparisons, bert.checkpoint, 0, optimization)(
        features, None, "train", {}
    ).loss


def test_every_objective_is_tried() -> None:
    assert LOSSES.keys() == OBJECTIVES.keys()


@pytest.mark.parametrize("objective", LOSSES)
def test_loss_and_gradient_equal_numpy(bert: BertFolder, of_teacher: States, objective: str) -> None:
    """The gradient along a random direction of every variable that the loss depends on, and of no other."""
    with tf.Graph().as_default(), tf.Session() as session:
        loss = built(bert, objective, 2)
        own = {variable.op.name: variable for variable in tf.trainable_variables()}
        assert own.keys() == STUDENT.keys()
        found = dict(zip(own, tf.gradients(loss, list(own.values())), strict=True))
        tensors = {name: tf.convert_to_tensor(each) for name, each in found.items() if each is not None}
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        for name, variable in own.items():
            variable.load(STUDENT[name], session)
        value, gradients = session.run([loss, tensors])

    def expected(weights: Mapping[str, Array]) -> float:
        return float(np.mean(LOSSES[objective](states(2, weights), of_teacher)))

    assert value == pytest.approx(expected(STUDENT), rel=2e-5)
    largest = max(float(np.abs(gradient).max()) for gradient in gradients.values())
    for name, weights in STUDENT.items():
        direction = DIRECTIONS.standard_normal(weights.shape)
        up, down = (expected({**STUDENT, name: weights + sign * 1e-6 * direction}) for sign in (1, -1))
        gradient = gradients.get(name, np.zeros(weights.shape))
        scale = np.linalg.norm(gradient) * np.linalg.norm(direction) / np.sqrt(gradient.size)
        difference = abs(np.sum(gradient * direction) - (up - down) / 2e-6)
        assert difference <= 1e-4 * max(scale, largest), name


@pytest.mark.parametrize(("layers", "start"), [(1, [0]), (2, [0, 2]), (3, [0, 1, 2])])
def test_a_smaller_bert_starts_as_evenly_spaced_layers(
    bert: BertFolder, layers: int, start: list[int]
) -> None:
    """Every variable, by its bits; the embeddings are the teacher's."""
    with tf.Graph().as_default(), tf.Session() as session:
        built(bert, "minilm", layers)
        own = {variable.op.name: variable for variable in tf.trainable_variables()}
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        values = session.run(own)
    pretrained = bert.read()
    for name, value in values.items():
        there = name
        for own_layer, other in enumerate(start):
            if f"/layer_{own_layer}/" in name:
                there = name.replace(f"/layer_{own_layer}/", f"/layer_{other}/")
        np.testing.assert_array_equal(value, pretrained[there], err_msg=name)


def test_starting_names_of_every_second_layer() -> None:
    """As DistilBERT starts: 6 of 12. The embeddings keep their names, and nothing else is named."""
    twelve = dataclasses.replace(CONFIG, num_hidden_layers=12)
    names = starting_names(twelve, 6)
    query = "bert/encoder/layer_{}/attention/self/query/kernel"
    assert [names[query.format(own)] for own in range(6)] == [query.format(2 * own) for own in range(6)]
    of_layers = [name for name in names if "/layer_" in name]
    assert all(
        names[name] == name.replace(f"/layer_{own}/", f"/layer_{2 * own}/")
        for name, own in itertools.product(of_layers, range(6))
        if f"/layer_{own}/" in name
    )
    embeddings = {name: there for name, there in names.items() if "/layer_" not in name}
    assert set(embeddings) == {
        *(f"bert/embeddings/{kind}_embeddings" for kind in ("word", "token_type", "position")),
        *(f"bert/embeddings/LayerNorm/{name}" for name in ("gamma", "beta")),
    }
    assert all(name == there for name, there in embeddings.items())
    assert len(of_layers) == 6 * 16
