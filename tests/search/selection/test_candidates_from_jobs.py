"""From finished jobs to candidates: means over seeds, errors, and which setting stands for a size."""

import math
import re
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_jobs import LAYERS, finished, full, students, teachers

from centrabert.search.jobs.job_result import FinishedJob
from centrabert.search.selection.candidate import BranchCandidate
from centrabert.search.selection.candidates_from_jobs import branch_candidates
from centrabert.search.selection.rules import by_marginal_benefit
from centrabert.search.selection.seed_group import SeedGroup, seed_groups

TEACHERS = teachers("rte", 4, 60.0, 66.0, 63.0)


def test_an_option_is_the_mean_over_seeds() -> None:
    """Deviations -3, 3, 0: their standard deviation is 3, that of the mean 3 / sqrt(3)."""
    (candidate,) = branch_candidates(TEACHERS, LAYERS)
    error = candidate.standard_error
    folder = f"{TEACHERS[1].folder}/branch"
    assert candidate == BranchCandidate("rte", 2, 4, "teacher", 63.0, error, 3, folder)
    assert error == pytest.approx(math.sqrt(3))


def test_teachers_and_students() -> None:
    """A student shares what its teacher shares; sizes and kinds are candidates of their own."""
    jobs = [*TEACHERS, *students("rte", 4, 1, 50.0), *students("rte", 4, 4, 61.0), *teachers("mrpc", 6, 70.0)]
    found = [
        (each.task, each.kind, each.frozen, each.tuned, each.quality)
        for each in branch_candidates(jobs, LAYERS)
    ]
    assert found == [
        ("mrpc", "teacher", 0, 6, 70.0),
        ("rte", "student", 2, 1, 50.0),
        ("rte", "student", 2, 4, 61.0),
        ("rte", "teacher", 2, 4, 63.0),
    ]


def test_what_cannot_be_chosen() -> None:
    jobs = [
        *full("rte", 90.0),
        *students("rte", 4, 1, 91.0, start="pretrained"),
        finished("teacher", "rte", math.nan, tuned=3),
        finished("teacher", "rte", math.inf, tuned=5),
    ]
    assert branch_candidates(jobs, LAYERS) == ()
    assert branch_candidates([*jobs, *TEACHERS], LAYERS) == branch_candidates(TEACHERS, LAYERS)


def test_the_best_learning_rate_and_epochs_by_mean() -> None:
    """Not by the maximum; the cheaper of equals."""
    high = teachers("rte", 4, 50.0, 70.0, 61.0, learning_rate=1e-4)
    equal = teachers("rte", 4, 62.0, 63.0, 64.0, num_train_epochs=4.0)
    longer = teachers("rte", 4, 62.0, 63.0, 64.1, num_train_epochs=5.0)
    assert branch_candidates([*high, *TEACHERS], LAYERS) == branch_candidates(TEACHERS, LAYERS)
    assert branch_candidates([*equal, *TEACHERS], LAYERS) == branch_candidates(TEACHERS, LAYERS)
    assert branch_candidates([*equal, *TEACHERS, *longer], LAYERS) == branch_candidates(longer, LAYERS)


def test_a_teacher_that_was_given_up_does_not_win_by_a_lucky_seed() -> None:
    """Halving left L = 5 behind after one seed and distilled from L = 4; else L = 5 would stand alone."""
    jobs = [*teachers("rte", 5, 64.0), *TEACHERS, *students("rte", 4, 1, 62.5)]
    (chosen,) = by_marginal_benefit(branch_candidates(jobs, LAYERS), 1.0).chosen
    assert (chosen.frozen, chosen.tuned) == (2, 1)
    lucky = teachers("rte", 4, 80.0, learning_rate=1e-4)
    assert branch_candidates([*lucky, *TEACHERS], LAYERS) == branch_candidates(TEACHERS, LAYERS)


def test_a_student_with_fewer_seeds_stays() -> None:
    """Its siblings failed, but it was not given up; nor does another task's number of seeds count."""
    found = branch_candidates([*TEACHERS, *students("rte", 4, 1, 62.5), *teachers("mrpc", 3, 70.0)], LAYERS)
    assert [(each.task, each.seeds, each.standard_error > 0) for each in found] == [
        ("mrpc", 1, False),
        ("rte", 1, False),
        ("rte", 3, True),
    ]


@pytest.mark.parametrize(
    ("percents", "rows", "error"),
    [
        ([64.0], {"rte": 100}, 4.8),  # sqrt(0.64 * 0.36 / 100) = 0.048
        ([64.0, 64.0], {"rte": 100}, 4.8 / math.sqrt(2)),
        ([60.0, 66.0, 63.0], {"rte": 10_000}, math.sqrt(3)),  # what is seen is more
        ([20.0], {"rte": 100}, 5.0),  # no share of right answers is below a guess: 0.5 * 0.5
        ([100.0], {"rte": 99}, 1.0),  # nor is any certain: 0.99 * 0.01
        ([64.0], {"mrpc": 100}, 0.0),
        ([64.0], None, 0.0),
    ],
)
def test_the_least_error_that_dev_rows_allow(
    percents: list[float], rows: dict[str, int] | None, error: float
) -> None:
    (candidate,) = branch_candidates(teachers("rte", 4, *percents), LAYERS, rows)
    assert candidate.standard_error == pytest.approx(error)


@pytest.mark.parametrize(
    ("percents", "errors", "expected"),
    [
        ([64.0], [0.03], 3.0),
        ([60.0, 66.0, 63.0], [0.01, 0.02, 0.03], math.sqrt(3)),  # what is seen is more
        ([63.0, 63.0], [0.04, 0.02], 3.0 / math.sqrt(2)),
        ([64.0, 64.0], [0.03, None], 4.8 / math.sqrt(2)),  # one of an older version: of the rows
    ],
)
def test_the_error_that_a_job_has_measured(
    percents: list[float], errors: list[float | None], expected: float
) -> None:
    jobs = [
        replace(job, result=replace(job.result, metric_error=error))
        for job, error in zip(teachers("rte", 4, *percents), errors, strict=True)
    ]
    (candidate,) = branch_candidates(jobs, LAYERS, {"rte": 100})
    assert candidate.standard_error == pytest.approx(expected)


@given(st.randoms(use_true_random=False))
def test_the_order_of_jobs_is_of_no_account(random: Random) -> None:
    jobs = [
        *TEACHERS,
        *teachers("rte", 4, 63.0, 63.0, 63.0, learning_rate=1e-4),
        *students("rte", 4, 2, 1.0, 2.0),
    ]
    shuffled = random.sample(jobs, len(jobs))
    assert branch_candidates(shuffled, LAYERS) == branch_candidates(jobs, LAYERS)


def test_refusals() -> None:
    with pytest.raises(ValueError, match=re.escape("rte L=4 lr=5e-05 epochs=3 seed=0: L is above 3")):
        branch_candidates(TEACHERS, 3)
    with pytest.raises(ValueError, match="folder '' names no job folder"):
        FinishedJob(TEACHERS[0].spec, TEACHERS[0].result, "")
    with pytest.raises(ValueError, match="2 jobs of 2 settings"):
        SeedGroup((TEACHERS[0], *full("rte", 1.0)))
    with pytest.raises(ValueError, match="0 jobs of 0 settings"):
        SeedGroup(())


def test_settings() -> None:
    """Seeds of one setting together and in order, students though their teachers differ."""
    one, other = (
        finished("student", "rte", 60.0, fine_tuning_layers=6, seed=seed, teacher=f"{seed:016x}")
        for seed in (1, 0)
    )
    (group,) = seed_groups([one, other])
    assert group.jobs == (other, one)
    assert (group.mean, group.deviation, group.maximum, group.best) == (60.0, 0.0, 60.0, other)


def test_a_seed_counts_once_and_by_the_student_of_its_own_teacher() -> None:
    """As of halving, whose students have one teacher, and then exhaustive, in one folder."""
    of_one = [
        finished(
            "student", "rte", 50.0, tuned=1, fine_tuning_layers=4, seed=seed, teacher=TEACHERS[0].spec.digest
        )
        for seed in (1, 2)
    ]
    own = [
        finished(
            "student",
            "rte",
            60.0,
            tuned=1,
            fine_tuning_layers=4,
            seed=seed,
            teacher=TEACHERS[seed].spec.digest,
        )
        for seed in (0, 1)
    ]
    found = {(each.kind, each.tuned): each for each in branch_candidates([*TEACHERS, *of_one, *own], LAYERS)}
    student = found["student", 1]
    assert (student.seeds, student.quality) == (3, pytest.approx((60.0 + 60.0 + 50.0) / 3))


def test_a_teacher_with_students_stays_whatever_its_seeds() -> None:
    """As of a second search in the folder, which found another L with its one seed."""
    (chosen,) = teachers("rte", 3, 70.0)
    student = finished("student", "rte", 69.5, tuned=1, fine_tuning_layers=3, teacher=chosen.spec.digest)
    found = branch_candidates([*TEACHERS, chosen, student, *teachers("rte", 5, 99.0)], LAYERS)
    assert [(each.kind, each.frozen) for each in found] == [("student", 3), ("teacher", 3), ("teacher", 2)]
    (selected,) = by_marginal_benefit(found, 1.0).chosen
    assert (selected.kind, selected.frozen, selected.tuned) == ("student", 3, 1)
