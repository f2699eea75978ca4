"""Both taggings: losses against NumPy, outputs against the tag scheme, and what must not matter."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow.compat.v1 as tf

from centrabert.errors import UserError
from centrabert.modeling.kinds.crf_tagging import ENDS, SCALE, STARTS, TRANSITIONS
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.tag_scheme import scheme_of, spans, strict_spans, tag_labels
from centrabert.modeling.kinds.tagging import NO_TAG, Entity, Tagging
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.words.word_places import (
    CHARACTER_END,
    CHARACTER_START,
    COLUMNS,
    FIRST_PIECE,
    PADDING,
)

Array = npt.NDArray[Any]
LABELS = {scheme: tag_labels(["city", "x"], scheme) for scheme in ("bio", "iobes")}
TAGGINGS = (("tagging", "bio"), ("crf_tagging", "iobes"))
PIECES = 12
WORDS = (6, 1, 0, 4, 6)  # of each row
WITHOUT_PIECES = ((0, 2), (3, 0))  # row, word


def table(words: tuple[int, ...] = WORDS) -> npt.NDArray[np.int32]:
    """Places of words, every second piece the first of one; word w of a text stands at 3w to 3w + 2."""
    places = np.full([len(words), max(words), COLUMNS], PADDING, np.int32)
    for row, count in enumerate(words):
        for word in range(count):
            piece = 0 if (row, word) in WITHOUT_PIECES else 1 + word * 2
            places[row, word] = (piece, 3 * word, 3 * word + 2, 5 * word, 5 * word + 4)
    return places


def scores(labels: tuple[str, ...], seed: int) -> tuple[Array, dict[str, Array]]:
    """Logits of pieces, and the variables of a chain, scaled down as the kind scales them up."""
    random, tags = np.random.default_rng(seed), len(labels)
    logits = random.normal(0, 2, [len(WORDS), PIECES, tags]).astype(np.float32)
    shapes = {TRANSITIONS: (tags, tags), STARTS: (tags,), ENDS: (tags,)}
    return logits, {
        name: random.normal(0, 1, shape).astype(np.float32) / SCALE for name, shape in shapes.items()
    }


@cache
def graph(kind: str, scheme: str) -> Callable[..., Mapping[str, Array]]:
    """Loss, soft loss and outputs, in one graph for any batch."""
    labels, tags = LABELS[scheme], len(LABELS[scheme])
    with tf.Graph().as_default() as built:
        places = tf.placeholder(tf.int32, [None, None, COLUMNS])
        gold = tf.placeholder(tf.int32, [None, None])
        heads = []
        for _ in range(2):
            logits = tf.placeholder(tf.float32, [None, None, tags])
            shapes = {TRANSITIONS: (tags, tags), STARTS: (tags,), ENDS: (tags,)}
            variables = {name: tf.placeholder(tf.float32, shape) for name, shape in shapes.items()}
            heads.append(Head(logits, variables, None, places, labels))
        own, teacher = heads
        found = {
            "loss": KINDS[kind].loss(own, gold),
            "soft": KINDS[kind].soft_loss(own, teacher, 2.0),
            "logit_error": KINDS[kind].logit_error(own, teacher),
            "gradient": tf.gradients(KINDS[kind].loss(own, gold), own.logits)[0],
            **KINDS[kind].output_tensors(own, labels),
        }
    session = tf.Session(graph=built)

    def run(places_: Array, gold_: Array, *given: tuple[Array, dict[str, Array]]) -> Mapping[str, Array]:
        feeds = {places: places_, gold: gold_}
        for head, (logits, variables) in zip(heads, given, strict=True):
            feeds[head.logits] = logits
            feeds.update({head.variables[name]: value for name, value in variables.items()})
        answers: Mapping[str, Array] = session.run(found, feeds)
        return answers

    return run


def gold(labels: tuple[str, ...]) -> Array:
    """O everywhere but for some spans, which obey either scheme."""
    named = {"bio": ("O", "B-x", "I-x", "O", "B-city", "O"), "iobes": ("O", "B-x", "E-x", "O", "S-city", "O")}
    rows = [named[scheme_of(labels)][:count] for count in WORDS]
    return KINDS["tagging"].encode_labels(rows, labels)


def log_softmax(logits: Array) -> Array:
    return np.asarray(logits - np.logaddexp.reduce(logits, -1, keepdims=True))


def test_the_loss_of_softmax_is_the_cross_entropy_of_first_pieces() -> None:
    """Of words that have one; summed, so that every word weighs the same."""
    labels = LABELS["bio"]
    own, teacher = scores(labels, 1), scores(labels, 2)
    found = graph("tagging", "bio")(table(), gold(labels), own, teacher)
    for row, count in enumerate(WORDS):
        words = [word for word in range(count) if (row, word) not in WITHOUT_PIECES]
        pieces = [1 + 2 * word for word in words]
        own_log, soft = log_softmax(own[0][row, pieces]), log_softmax(own[0][row, pieces] / 2)
        target = np.exp(log_softmax(teacher[0][row, pieces] / 2))
        hard = -own_log[range(len(words)), gold(labels)[row, words]].sum()
        assert found["loss"][row] == pytest.approx(hard, abs=1e-4)
        assert found["soft"][row] == pytest.approx(-4 * (target * soft).sum(), abs=1e-4)
        error = ((own[0][row, pieces] - teacher[0][row, pieces]) ** 2).mean(1).sum()
        assert found["logit_error"][row] == pytest.approx(error, rel=1e-5)


@pytest.mark.parametrize(("kind", "scheme"), TAGGINGS)
def test_padding_and_further_pieces_change_nothing(kind: str, scheme: str) -> None:
    labels = LABELS[scheme]
    own, teacher = scores(labels, 3), scores(labels, 4)
    wanted = graph(kind, scheme)(table(), gold(labels), own, teacher)
    used = np.zeros([len(WORDS), PIECES], bool)
    for row, count in enumerate(WORDS):
        used[row, [1 + 2 * word for word in range(count) if (row, word) not in WITHOUT_PIECES]] = True
    noise = 100 * np.random.default_rng(5).normal(size=own[0].shape).astype(np.float32)
    other = [(np.where(used[:, :, None], logits, noise), chain) for logits, chain in (own, teacher)]
    longer = np.pad(table(), ((0, 0), (0, 2), (0, 0)), constant_values=PADDING)
    found = graph(kind, scheme)(longer, np.pad(gold(labels), ((0, 0), (0, 3)), constant_values=-1), *other)
    assert not wanted["gradient"][~used].any()
    assert not found["gradient"][~used].any()
    for name in ("loss", "soft", "logit_error", *(output.name for output in KINDS[kind].outputs)):
        same = found[name] if wanted[name].ndim == 1 else found[name][:, : wanted[name].shape[1]]
        if wanted[name].dtype == np.float32:  # a sum over more zeros is rounded otherwise
            np.testing.assert_allclose(same, wanted[name], 1e-6, 1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(same, wanted[name], err_msg=name)
        assert wanted[name].ndim == 1 or not any(found[name][:, max(WORDS) :].ravel().tolist())


@pytest.mark.parametrize(("kind", "scheme"), TAGGINGS)
def test_outputs_are_what_the_tags_say(kind: str, scheme: str) -> None:
    """Entities as `tag_scheme.spans` reads them, where their words are, with the mean of the scores."""
    labels = LABELS[scheme]
    for seed in range(10):
        found = graph(kind, scheme)(table(), gold(labels), scores(labels, seed), scores(labels, 2))
        assert list(found)[4:] == [output.name for output in KINDS[kind].outputs]
        tags = found["tags"].tolist()
        for row, count in enumerate(WORDS):
            own = [tag.decode() for tag in tags[row][:count]]
            assert tags[row][count:] == [b""] * (max(WORDS) - count)
            wanted = spans(own)
            if kind == "crf_tagging":
                assert wanted == strict_spans(own, scheme)
            count_found = sum(label != b"" for label in found["entity_labels"][row])
            assert [label.decode() for label in found["entity_labels"][row][:count_found]] == [
                span.type for span in wanted
            ]
            for place, span in enumerate(wanted):
                assert found["entity_words"][row, place].tolist() == [span.start, span.end]
                assert found["entity_characters"][row, place].tolist() == [3 * span.start, 3 * span.end - 1]
                assert found["entity_bytes"][row, place].tolist() == [5 * span.start, 5 * span.end - 1]
                mean = found["tag_scores"][row, span.start : span.end].mean()
                assert found["entity_scores"][row, place] == pytest.approx(mean, abs=1e-6)
            assert not found["entity_words"][row, count_found:].any()


@pytest.mark.parametrize(
    ("scheme", "tags", "wanted"),
    [  # without pieces are "-", which stands directly behind the word before it, and "_", which does not
        ("bio", "B-x - I-x - O -", "B-x I-x I-x I-x O O"),
        ("bio", "- B-x B-x - B-city -", "O B-x B-x I-x B-city I-city"),
        ("bio", "B-x - I-city - - I-x", "B-x I-x I-city I-city I-city I-x"),
        ("bio", "B-x _ I-x _ O _", "B-x I-x I-x O O O"),
        ("bio", "B-x - _ - O -", "B-x I-x O O O O"),
        ("bio", "B-x _ - I-x - _", "B-x I-x I-x I-x I-x O"),
        ("iobes", "B-x - E-x - O -", "B-x I-x I-x E-x O O"),
        ("iobes", "B-x I-x - S-x - B-x", "B-x I-x E-x B-x E-x B-x"),
        ("iobes", "- - B-x I-city - -", "O O B-x I-city I-city E-city"),
        ("iobes", "B-x - - I-x - E-x", "B-x I-x I-x I-x I-x E-x"),
        ("iobes", "B-x - I-city - O S-x", "B-x E-x I-city E-city O S-x"),
        ("iobes", "S-x _ S-city - _ -", "S-x O B-city E-city O O"),
        ("iobes", "B-x _ E-x _ S-x -", "B-x I-x E-x O B-x E-x"),
    ],
)
def test_a_word_without_pieces_belongs_to_the_span_that_it_is_part_of(
    scheme: str, tags: str, wanted: str
) -> None:
    """In the second of three rows: what stands in the others is of no concern."""
    labels, given = LABELS[scheme], tags.split()
    places = table((1, len(given), 1))
    pieceless = [tag in "-_" for tag in given]
    places[1, :, FIRST_PIECE] = [0 if lacks else 1 + word for word, lacks in enumerate(pieceless)]
    for word, tag in enumerate(given):
        if tag == "-" and word:
            places[1, word, CHARACTER_START] = places[1, word - 1, CHARACTER_END]
    logits = np.zeros([3, PIECES, len(labels)], np.float32)
    logits[[0, 2], :, labels.index("I-x")] = 5.0
    for word, tag in enumerate(given):
        if not pieceless[word]:
            logits[1, 1 + word, labels.index(tag)] = 1.0 + word
    own = logits, scores(labels, 1)[1]
    found = graph("tagging", scheme)(places, np.zeros([3, len(given)], np.int32), own, own)
    assert [tag.decode() for tag in found["tags"][1]] == wanted.split()
    of_pieces = np.exp(log_softmax(logits[1, 1 : 1 + len(given)])).max(1)
    before = 0
    for word, tag in enumerate(wanted.split()):
        before = before if pieceless[word] else word
        expected = 1 / len(labels) if pieceless[word] and tag == "O" else of_pieces[before]
        assert found["tag_scores"][1, word] == pytest.approx(expected, rel=1e-5)


def test_a_crf_learns_the_end_of_a_span_that_was_cut() -> None:
    """Of IOBES: its last word that was read is taken for the end, or no sequence would be possible."""
    labels = LABELS["iobes"]
    encoded = KINDS["crf_tagging"].encode_labels([("O", "B-x", "I-x", "E-x"), ("B-x", "E-x")], labels)
    closed = KINDS["crf_tagging"].encode_labels([("O", "B-x", "E-x"), ("S-x",)], labels)
    logits, chain = scores(labels, 1)
    both = [(logits[:2], chain)] * 2
    places = table((3, 1))
    run = graph("crf_tagging", "iobes")
    np.testing.assert_array_equal(run(places, encoded, *both)["loss"], run(places, closed, *both)["loss"])
    assert (run(places, encoded, *both)["loss"] < 100).all()


def test_labels_and_decisions_have_numbers() -> None:
    labels = LABELS["bio"]
    encoded = KINDS["tagging"].encode_labels([("O", "B-x"), (), ("I-city",)], labels)
    assert encoded.tolist() == [[0, 3], [NO_TAG, NO_TAG], [2, NO_TAG]]
    tags = np.array([[b"O", b"B-x"], [b"", b""], [b"I-city", b""]], np.object_)
    assert KINDS["tagging"].decide({"tags": tags}, labels).tolist() == encoded.tolist()
    with pytest.raises(UserError, match="tag 'B-y' of word 1 of row 0 is none of O, B-city"):
        KINDS["tagging"].encode_labels([("O", "B-y")], labels)


@pytest.mark.parametrize(
    "labels", [(), ("O",), ("B-x", "O"), ("O", "city"), ("O", "B-x", "B-x"), ("O", "B-")]
)
def test_labels_that_are_no_tags_are_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(UserError):
        KINDS["tagging"].check_labels(labels)


def test_answers_of_clients() -> None:
    """Without padding, and with the texts of the entities once the text is known."""
    columns = {
        "tags": np.array([["B-x", "I-x", "O"], ["O", "", ""]], object),
        "tag_scores": np.array([[0.1, 0.7, 0.2], [0.5, 0, 0]], np.float32),
        "word_characters": np.array([[[0, 2], [3, 6], [7, 8]], [[1, 2], [0, 0], [0, 0]]]),
        "entity_labels": np.array([["x"], [""]], object),
        "entity_scores": np.array([[0.4], [0]], np.float32),
        "entity_characters": np.array([[[0, 6]], [[0, 0]]]),
    }
    first, second = KINDS["tagging"].answers(columns, LABELS["bio"])
    assert second == Tagging(("O",), (0.5,), ((1, 2),), ())
    assert first.with_text("né yor k").entities == (Entity("x", "né yor", 0, 6, 0.4),)
    assert KINDS["tagging"].answer_json(first.with_text("né yor k"), ()) == {
        "tags": ["B-x", "I-x", "O"],
        "scores": [0.1, 0.7, 0.2],
        "words": [[0, 2], [3, 6], [7, 8]],
        "entities": [{"label": "x", "text": "né yor", "start": 0, "end": 6, "score": 0.4}],
        "cut": False,
    }


@pytest.mark.parametrize(
    ("text", "words", "cut"),
    [
        ("né 北京 x", ((0, 2), (3, 5)), True),
        ("né 北京", ((0, 2), (3, 5)), False),
        ("né 北京 \u3000\n\x07", ((0, 2), (3, 5)), False),
        ("a", (), True),
        (" ", (), False),
    ],
)
def test_a_text_is_cut_if_words_stand_behind_the_last_that_was_read(
    text: str, words: tuple[tuple[int, int], ...], cut: bool
) -> None:
    answer = Tagging(("O",) * len(words), (0.5,) * len(words), words, ())
    assert answer.with_text(text).cut == cut


def test_cells_of_types_with_spaces_are_a_list() -> None:
    answer = Tagging(("B-New York", "O"), (0.5, 0.25), ((0, 1), (2, 3)), ())
    spaced, plain = (KINDS["tagging"].table_cells(answer, labels) for labels in (["O", "B-New York"], ["O"]))
    assert spaced == {"prediction": '["B-New York", "O"]', "probability": "0.5 0.25"}
    assert plain["prediction"] == "B-New York O"
