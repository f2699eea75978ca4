"""The CRF against all tag sequences one by one, against hmmlearn, and against what must not matter."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow.compat.v1 as tf
from hmmlearn import _hmmc as hmm

from centrabert.modeling.kinds import crf
from centrabert.modeling.kinds.tag_scheme import OUTSIDE, follows, tag_labels

Array = npt.NDArray[np.float32]
LENGTHS = np.array([5, 1, 0, 2, 4], np.int32)
WORDS, LABELS = 5, tag_labels(["x", "y"], "bio")
TAGS = len(LABELS)


@dataclass(frozen=True)
class Problem:
    """Scores of a chain, and a batch."""

    start: Array
    transitions: Array
    end: Array
    emissions: Array
    tags: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]


def problem(
    seed: int, words: int = WORDS, lengths: npt.NDArray[np.int32] = LENGTHS, tags: int = TAGS
) -> Problem:
    random = np.random.default_rng(seed)
    shapes = ((tags,), (tags, tags), (tags,), (len(lengths), words, tags))
    scores = [random.normal(0, 2, shape).astype(np.float32) for shape in shapes]
    return Problem(*scores, random.integers(0, tags, (len(lengths), words)).astype(np.int32), lengths)


@cache
def graph(labels: tuple[str, ...]) -> Callable[[Problem], dict[str, npt.NDArray[np.generic]]]:
    """Everything that the CRF computes, in one graph for any batch and, without labels, for any tags."""
    with tf.Graph().as_default() as built:
        scores = [tf.placeholder(tf.float32, [None] * axes) for axes in (1, 2, 1)]
        chain = crf.Chain(*scores).obeying(labels) if labels else crf.Chain(*scores)
        emissions = tf.placeholder(tf.float32, [None, None, None])
        gold, lengths = tf.placeholder(tf.int32, [None, None]), tf.placeholder(tf.int32, [None])
        likelihood = crf.log_likelihood(chain, emissions, gold, lengths)
        found = {
            "likelihood": likelihood,
            "partition": crf.log_partition(chain, emissions, lengths),
            "marginals": tf.exp(crf.log_marginals(chain, emissions, lengths)),
            "best": crf.viterbi(chain, emissions, lengths),
            "gradient": tf.gradients(likelihood, emissions)[0],
        }
    session = tf.Session(graph=built)
    feeds = [*scores, emissions, gold, lengths]
    return lambda given: session.run(found, dict(zip(feeds, vars(given).values(), strict=True)))


def computed(given: Problem, labels: tuple[str, ...] = ()) -> dict[str, npt.NDArray[np.generic]]:
    return graph(labels)(given)


def enumerated(given: Problem, row: int, labels: tuple[str, ...] = ()) -> dict[tuple[int, ...], float]:
    """The score of every tag sequence of the row that the scheme of `labels` allows."""
    words, tags = int(given.lengths[row]), given.emissions.shape[-1]
    scores = {}
    for path in itertools.product(range(tags), repeat=words):
        named = [OUTSIDE, *(labels[tag] for tag in path), OUTSIDE] if labels else []
        if all(follows(*pair, scheme="bio") for pair in itertools.pairwise(named)):
            emitted = sum(float(given.emissions[row, word, tag]) for word, tag in enumerate(path))
            moved = sum(float(given.transitions[pair]) for pair in itertools.pairwise(path))
            scores[path] = float(given.start[path[0]]) + emitted + moved + float(given.end[path[-1]])
    return scores


@pytest.mark.parametrize("labels", [(), LABELS])
def test_equals_the_enumeration_of_all_sequences(labels: tuple[str, ...]) -> None:
    """With every transition, and with those of BIO alone; a row without words has one empty sequence."""
    given = problem(seed=1)
    found = computed(given, labels)
    for row, words in enumerate(given.lengths):
        if not words:
            assert (found["likelihood"][row], found["partition"][row]) == (0, 0)
            continue
        scores = enumerated(given, row, labels)
        partition = np.logaddexp.reduce(list(scores.values()))
        assert found["partition"][row] == pytest.approx(partition, abs=1e-4)
        assert tuple(found["best"][row, :words]) == max(scores, key=lambda path: scores[path])
        path = tuple(given.tags[row, :words])
        if path in scores:
            assert found["likelihood"][row] == pytest.approx(scores[path] - partition, abs=1e-4)
        else:
            assert found["likelihood"][row] < crf.IMPOSSIBLE / 2
        marginals = np.zeros((words, TAGS))
        for path, score in scores.items():
            marginals[range(words), path] += np.exp(score - partition)
        np.testing.assert_allclose(found["marginals"][row, :words], marginals, atol=1e-5)
    assert not found["best"][~(np.arange(WORDS) < LENGTHS[:, None])].any()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("scale", [0.01, 1, 10, 80])
@pytest.mark.parametrize("tags", [2, 9, 80])
def test_equals_hmmlearn(tags: int, scale: float, masked: bool) -> None:
    """Partition, marginals, best tags and their score, be scores alike or e^hundreds apart."""
    given = peer_problem(tags, scale, masked)
    found = computed(given)
    best = computed(replace(given, tags=found["best"]))["likelihood"] + found["partition"]
    for row, words in enumerate(given.lengths):
        if words:
            partition, marginals, path, score = of_hmmlearn(given, row)
            assert found["partition"][row] == pytest.approx(partition, rel=2e-6, abs=1e-4)
            np.testing.assert_allclose(found["marginals"][row, :words], marginals, atol=1e-3)
            assert found["best"][row, :words].tolist() == path.tolist()
            assert best[row] == pytest.approx(score, rel=2e-6, abs=1e-4)
    assert np.isfinite(found["gradient"]).all()


def peer_problem(tags: int, scale: float, masked: bool) -> Problem:
    """Rows of up to 40 words; masked, half of all moves and first tags are impossible, but none to itself."""
    random = np.random.default_rng(tags)
    given = problem(7, 40, random.integers(0, 41, 5).astype(np.int32), tags)
    start, transitions, end, emissions = (scale / 2 * each for each in list(vars(given).values())[:4])
    if masked:
        start[random.permutation(tags)[: tags // 2]] = crf.IMPOSSIBLE
        transitions[(random.random((tags, tags)) < 0.5) & ~np.eye(tags, dtype=bool)] = crf.IMPOSSIBLE
    return Problem(start, transitions, end, emissions, given.tags, given.lengths)


def of_hmmlearn(given: Problem, row: int) -> tuple[float, Array, npt.NDArray[np.int64], float]:
    """Partition, marginals, best tags and their score, in float64.

    It computes hidden Markov models, whose probabilities are weights like any; it knows of no end.
    """
    words = given.lengths[row]
    emissions = given.emissions[row, :words].astype(np.float64)
    emissions[-1] += given.end
    largest = float(given.start.max()), float(given.transitions.max())
    start = np.exp(given.start.astype(np.float64) - largest[0])
    moves = np.exp(given.transitions.astype(np.float64) - largest[1])
    partition, forward = hmm.forward_log(start, moves, emissions)
    score, path = hmm.viterbi(start, moves, emissions)
    marginals = np.exp(forward + hmm.backward_log(start, moves, emissions) - partition)
    left_out = largest[0] + (words - 1) * largest[1]
    return partition + left_out, marginals, path, score + left_out


def test_the_gradient_is_tag_minus_marginal() -> None:
    """So of a likelihood: an identity that knows nothing of how either is computed."""
    given = problem(seed=2)
    found = computed(given)
    inside = np.arange(WORDS) < LENGTHS[:, None]
    wanted = np.where(inside[:, :, None], np.eye(TAGS)[given.tags] - found["marginals"], 0)
    np.testing.assert_allclose(found["gradient"], wanted, atol=1e-5)


def test_padding_changes_no_value() -> None:
    """Neither what stands there, nor how much of it there is."""
    given, other = problem(seed=3), problem(seed=4, words=WORDS + 3)
    inside = np.arange(WORDS + 3) < LENGTHS[:, None]
    behind = ((0, 0), (0, 3))
    longer = Problem(
        given.start,
        given.transitions,
        given.end,
        np.where(inside[:, :, None], np.pad(given.emissions, (*behind, (0, 0))), 50 * other.emissions),
        np.where(inside, np.pad(given.tags, behind), other.tags),
        LENGTHS,
    )
    found, wanted = computed(longer), computed(given)
    inside = inside[:, :WORDS]
    for name in ("likelihood", "partition"):
        np.testing.assert_array_equal(found[name], wanted[name])
    for name in ("marginals", "best", "gradient"):
        np.testing.assert_array_equal(found[name][:, :WORDS][inside], wanted[name][inside])
    assert not found["gradient"][:, WORDS:].any()


@pytest.mark.parametrize("words", [0, 1, 2])
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_short_rows_and_few(words: int, rows: int) -> None:
    """Of one word the tags are those of a softmax over what is known of it."""
    given = problem(5, words, np.full(rows, words, np.int32))
    found = computed(given)
    assert found["best"].shape == (rows, words)
    assert found["marginals"].shape == (rows, words, TAGS)
    if words == 1:
        scores = given.start + given.emissions[:, 0] + given.end
        powers = np.exp(scores - scores.max(1, keepdims=True))
        np.testing.assert_allclose(found["marginals"][:, 0], powers / powers.sum(1, keepdims=True), atol=1e-6)
        assert found["best"][:, 0].tolist() == scores.argmax(1).tolist()


@pytest.mark.parametrize("scheme", ["bio", "iobes"])
def test_what_the_scheme_forbids_is_never_the_best(scheme: str) -> None:
    """However much the scores ask for it."""
    labels = tag_labels(["x", "y"], scheme)
    lengths = np.arange(1, 30, dtype=np.int32)
    given = problem(6, 29, lengths, len(labels))
    found = computed(Problem(*(30 * each for each in vars(given).values() if each.dtype == np.float32),
                             given.tags, lengths), labels)  # fmt: skip
    for row, words in enumerate(lengths):
        named = [OUTSIDE, *(labels[tag] for tag in found["best"][row, :words]), OUTSIDE]
        assert all(follows(*pair, scheme=scheme) for pair in itertools.pairwise(named)), named
    assert np.isfinite(found["gradient"]).all()
