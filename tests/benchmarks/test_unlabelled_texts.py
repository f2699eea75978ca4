"""Texts without a label for the students of the paper's tables."""

from benchmarks.paper.unlabelled_texts import Texts, unlabelled_lines

OWN = Texts(("a", "b", "c", "d"), ("1", "2", "3", "3"))
TRAINED = Texts(("a", "c"), ("1", "3"))
PAIRS = Texts(("x", "b", "a"), ("y", "2", "1"))
SINGLE = Texts(("s", "x", "s"), ("", "", ""))


def test_the_rows_beyond_those_trained_on_come_first() -> None:
    lines = unlabelled_lines(TRAINED, OWN, [PAIRS, SINGLE], pair=True, most=10)
    assert sorted(lines[:2]) == ["b\t2", "d\t3"]
    assert lines[2:] == ["x\ty"]  # the pair b, 2 is the task's own, and a, 1 has a label
    assert unlabelled_lines(TRAINED, OWN, [PAIRS], pair=True, most=2) == lines[:2]


def test_a_task_of_single_texts_reads_both_of_a_pair() -> None:
    trained = Texts(("s",), ("",))
    lines = unlabelled_lines(trained, SINGLE, [OWN, PAIRS], pair=False, most=100)
    assert lines[0] == "x"
    assert sorted(lines[1:]) == ["1", "2", "3", "a", "b", "c", "d", "y"]


def test_a_sample_is_the_same_every_time_and_not_the_first() -> None:
    many = Texts([f"text {row:03}" for row in range(200)], [""] * 200)
    none = Texts((), ())
    sample = unlabelled_lines(none, many, [], pair=False, most=20)
    assert sample == unlabelled_lines(none, many, [], pair=False, most=20)
    assert len(set(sample)) == 20
    assert max(sample) > "text 100"
