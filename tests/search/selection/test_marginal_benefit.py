"""The paper's rule with look-ahead: by hand, against its definition, and on families that are not tidy."""

import re
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_candidates import PAPER, student, teacher

from centrabert.search.selection.candidate import BranchCandidate
from centrabert.search.selection.marginal_benefit import marginal_benefit
from centrabert.search.selection.serving_cost import LAYERS

# Two layers bring next to nothing, three bring 3 points; the teacher 1.5 more for 5 layers more.
LATE_GAIN = [
    student("rte", 8, 1, 80.0),
    student("rte", 8, 2, 80.2),
    student("rte", 8, 3, 83.0),
    teacher("rte", 8, 84.5),
]


def tuned(candidates: Sequence[BranchCandidate], threshold: float) -> int:
    (chosen,) = marginal_benefit(candidates, threshold)
    return chosen.tuned


def greedy(candidates: Sequence[BranchCandidate], threshold: float) -> int:
    """What the rule is not: one step at a time, for as long as each one pays."""
    here, *larger = sorted(candidates, key=lambda candidate: candidate.tuned)
    for candidate in larger:
        if (candidate.quality - here.quality) / (candidate.tuned - here.tuned) < threshold:
            break
        here = candidate
    return here.tuned


@pytest.mark.parametrize(
    ("threshold", "ahead", "step_by_step"),
    [(0.1, 8, 8), (0.3, 8, 1), (0.301, 3, 1), (1.0, 3, 1), (1.5, 3, 1), (1.501, 1, 1), (100.0, 1, 1)],
)
def test_it_looks_beyond_the_next_layer(threshold: float, ahead: int, step_by_step: int) -> None:
    assert tuned(LATE_GAIN, threshold) == ahead
    assert greedy(LATE_GAIN, threshold) == step_by_step


def test_a_gain_of_exactly_the_threshold_is_enough() -> None:
    """Though in floats 64.1 - 63.1 is below 1."""
    assert tuned([student("rte", 5, 1, 63.1), student("rte", 5, 2, 64.1), teacher("rte", 5, 64.2)], 1.0) == 2


def test_it_never_pays_for_a_loss() -> None:
    assert tuned([student("rte", 5, 1, 80.0), student("rte", 5, 2, 79.0), teacher("rte", 5, 80.0)], 1e-9) == 1


@given(
    qualities=st.lists(st.integers(780, 820).map(lambda tenth: tenth / 10), min_size=4, max_size=4),
    layers=st.integers(4, 10),
    threshold=st.integers(1, 30).map(lambda tenth: tenth / 10),
)
def test_it_ends_where_quality_less_the_price_of_layers_is_greatest(
    qualities: list[float], layers: int, threshold: float
) -> None:
    """The upper convex hull, walked while it is steep enough; the larger of two that are worth alike."""
    students = [student("rte", layers, size, quality) for size, quality in enumerate(qualities[:3], 1)]
    candidates = [*students, teacher("rte", layers, qualities[3])]
    price = Fraction(str(threshold))
    worth = {
        candidate.tuned: Fraction(str(candidate.quality)) - price * candidate.tuned
        for candidate in candidates
    }
    assert tuned(candidates, threshold) == max(size for size in worth if worth[size] == max(worth.values()))


def test_the_best_teacher_and_its_students() -> None:
    """The smaller L on a tie; students of another cut do not count, however good."""
    candidates = [
        teacher("rte", 7, 84.0),
        teacher("rte", 5, 84.0),
        teacher("rte", 4, 83.9),
        student("rte", 7, 1, 90.0),
        student("rte", 5, 1, 70.0),
        student("rte", 5, 2, 80.0),
    ]
    assert marginal_benefit(candidates, 5.0) == (candidates[5],)
    assert marginal_benefit(candidates, 1.0) == (candidates[1],)
    assert marginal_benefit(candidates, 11.0) == (candidates[4],)


def test_a_student_as_large_as_its_teacher() -> None:
    """Of one size the better serves; of equals the teacher, which needs no distillation."""
    small, large = student("rte", 2, 1, 70.0), student("rte", 2, 2, 80.0)
    assert marginal_benefit([small, large, teacher("rte", 2, 79.0)], 1.0) == (large,)
    equal = teacher("rte", 2, 80.0)
    assert marginal_benefit([small, large, equal], 1.0) == (equal,)
    assert marginal_benefit([small, student("rte", 2, 2, 79.9), equal], 1.0) == (equal,)


def test_several_runs_of_one_size() -> None:
    """As of several learning rates: the best, and the first by folder among equals."""
    runs = [
        student("rte", 5, 1, quality, folder) for quality, folder in ((70.0, "c"), (71.0, "b"), (71.0, "a"))
    ]
    assert marginal_benefit([*runs, teacher("rte", 5, 72.0)], 1.0) == (runs[2],)


def test_missing_students() -> None:
    """Where l = 1 failed, the climb starts at the smallest there is."""
    assert tuned([student("rte", 5, 2, 60.0), teacher("rte", 5, 61.0)], 1.0) == 2
    assert tuned([teacher("rte", 5, 61.0)], 1.0) == 5


@pytest.mark.parametrize(("gain", "layers"), [(0.0, 15), (3.0, 67)])
def test_overheads_of_the_paper(gain: float, layers: int) -> None:
    """KD-1, where layers bring nothing, and no distillation, where each brings more than the threshold."""
    candidates = [
        candidate
        for task, depth in PAPER.items()
        for candidate in (
            *(student(task, depth, size, 60 + gain * size) for size in (1, 2, 3)),
            teacher(task, depth, 60 + gain * depth),
        )
    ]
    chosen = marginal_benefit(reversed(candidates), 1.0)
    assert [candidate.task for candidate in chosen] == sorted(PAPER)
    assert LAYERS.total(chosen) == layers


@pytest.mark.parametrize(
    ("candidates", "threshold", "message"),
    [
        (LATE_GAIN, 0.0, "threshold 0.0 is not a number above 0"),
        (LATE_GAIN, -1.0, "threshold -1.0 is not"),
        (LATE_GAIN, float("nan"), "threshold nan is not"),
        (LATE_GAIN, float("inf"), "threshold inf is not"),
        ([], 1.0, "there is no candidate to choose from"),
        ([*LATE_GAIN, student("stsb", 8, 1, 80.0)], 1.0, "task stsb: no teacher among its candidates"),
    ],
)
def test_refusals(candidates: list[BranchCandidate], threshold: float, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        marginal_benefit(candidates, threshold)
