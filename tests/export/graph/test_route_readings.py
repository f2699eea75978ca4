"""Which readings the rows of `route` need: as many as their tasks read them differently, and no more."""

import pytest
import tensorflow.compat.v1 as tf
import tiny

from centrabert.export.graph.route_readings import route_readings

SPLIT = "whitespace"
TAGGING = tiny.task("tags", "tagging", split=SPLIT)
PAIR, SINGLE = tiny.task("pair"), tiny.task("single", pair=False)
TEXT_B = ("", "b", "b", "b", " ", "b")
WANTED = {PAIR: (True, True, False, True, True, False), SINGLE: (True, True, True, False, True, False)}


def read(
    text_b: tuple[str, ...],
    wanted: dict[tiny.TaskSpec, tuple[bool, ...]],
    same_pieces: tuple[bool, ...] = (True,) * 6,
) -> dict[str, list[object]]:
    with tf.Graph().as_default(), tf.Session() as session:
        rows = {task: tf.constant(each) for task, each in wanted.items()}
        readings = route_readings(
            rows, tf.constant(text_b, tf.string, [len(text_b)]), {SPLIT: tf.constant(same_pieces)}
        )
        found = {
            "rows": readings.rows,
            "both": readings.pair,
            "words": readings.are(TAGGING.reading),
            **{task.name: each for task, each in readings.serving(rows).items()},
        }
        return {name: array.tolist() for name, array in session.run(found).items()}


def test_a_row_is_read_twice_only_for_tasks_of_both_kinds_and_two_texts() -> None:
    """Here the second alone; the blank text of the fifth has no pieces, so one reading serves both."""
    found = read(TEXT_B, WANTED)
    assert found["rows"] == [0, 1, 2, 3, 4, 5, 1]
    assert found["both"] == [False, True, False, True, False, False, False]
    assert found[PAIR.name] == [True, True, False, True, True, False, False]
    assert found[SINGLE.name] == [True, False, True, False, True, False, True]


@pytest.mark.parametrize("text_b", [(), ("",) * 6])
def test_without_second_texts_every_row_is_read_once(text_b: tuple[str, ...]) -> None:
    """As are rows of ids, beside which no text is fed."""
    found = read(text_b, WANTED)
    assert found["rows"] == [0, 1, 2, 3, 4, 5]
    assert (found[PAIR.name], found[SINGLE.name]) == (list(WANTED[PAIR]), list(WANTED[SINGLE]))


@pytest.mark.parametrize("task", [PAIR, SINGLE])
def test_tasks_of_one_kind_read_every_row_once(task: tiny.TaskSpec) -> None:
    found = read(TEXT_B, {task: (True,) * 6})
    pair = [task.pair and bool(text.strip()) for text in TEXT_B]
    assert (found["rows"], found["both"]) == ([0, 1, 2, 3, 4, 5], pair)
    assert found[task.name] == [True] * 6


def test_words_are_read_on_their_own_only_where_their_pieces_differ() -> None:
    """A row for all three kinds is read up to three times, and one for a tagging alone once."""
    wanted = {**WANTED, TAGGING: (True, True, False, True, False, True)}
    found = read(TEXT_B, wanted, (True, False, False, True, False, False))
    assert found["rows"] == [0, 1, 2, 3, 4, 5, 1, 3, 1]
    assert found["both"] == [False, True, False, True, False, False, False, False, False]
    assert found["words"] == [False, False, False, False, False, True, False, False, True]
    assert found[TAGGING.name] == [True, False, False, False, False, True, False, True, True]
    assert found[SINGLE.name] == [True, False, True, False, True, False, True, False, False]
    assert found[PAIR.name] == [True, True, False, True, True, False, False, False, False]
