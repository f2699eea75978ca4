"""What strategies decide, on tables of scores: the paper's search, halving, what halving saves and risks."""

import math
import statistics

import numpy as np
import pytest
import tiny_search

from centrabert.search.candidate import Candidate, Standing, seed_noise, standings
from centrabert.search.forecast import at_least, at_most
from centrabert.search.job import JobSpec
from centrabert.search.space import EXHAUSTIVE, HALVING, SearchSpace, students, teachers
from centrabert.search.strategy import survivors, wanted, winner

ONE = {"tasks": ("rte",)}
PRECISE = {"rte": 10**6, "cola": 10**6}


def standing(layers: int, *qualities: float) -> Standing:
    return Standing(Candidate(layers, 3.0, 5e-5), qualities)


def by_layers(**qualities: float | None):  # type: ignore[no-untyped-def]
    """The score of a teacher by its L, as in L2=0.6; students get 0.5."""
    return lambda spec: 0.5 if spec.student_layers else qualities[f"L{spec.fine_tuning_layers}"]


def trained(scores: object) -> list[str]:
    return [spec.title for spec in scores if not spec.student_layers]  # type: ignore[attr-defined]


def test_exhaustive_is_the_papers_search() -> None:
    """All teachers with all seeds; then, for the best L of each task, all students with all seeds."""
    given = tiny_search.space(strategy=EXHAUSTIVE)
    scores, turns = tiny_search.searched(given, PRECISE)
    assert turns[0] == list(teachers(given))
    best = {spec for spec in teachers(given) if spec.fine_tuning_layers == 5}
    assert set(turns[1]) == {student for teacher in best for student in students(teacher, given)}
    assert len(turns) == 2
    assert len(scores) == 2 * 3 * 3 + 2 * 3 * 3


def test_the_best_is_by_the_mean_and_the_smaller_on_a_tie() -> None:
    given = tiny_search.space(**ONE, strategy=EXHAUSTIVE)
    table = {2: (0.6, 0.7, 0.8), 3: (0.9, 0.6, 0.6), 5: (0.8, 0.7, 0.6)}
    scores, _ = tiny_search.searched(
        given, PRECISE, lambda spec: table[spec.fine_tuning_layers][spec.seed] if not spec.teacher else 0.5
    )
    assert winner(given, "rte", scores, 10**6) == Candidate(2, 3.0, 5e-5)
    assert {spec.fine_tuning_layers for spec in scores if spec.student_layers} == {2}


def test_students_that_run_together_have_different_teachers() -> None:
    given = tiny_search.space(**ONE, strategy=EXHAUSTIVE)
    _, turns = tiny_search.searched(given, PRECISE)
    assert [(spec.student_layers, spec.seed) for spec in turns[1]] == [
        (layers, seed) for layers in (1, 2, 3) for seed in (0, 1, 2)
    ]


def test_tasks_are_searched_one_after_the_other_and_baselines_last() -> None:
    given = tiny_search.space(baseline="padded")
    jobs = wanted(given, {}, PRECISE)
    assert [spec.task for spec in jobs[:6]] == ["rte"] * 3 + ["cola"] * 3
    assert {spec.kind for spec in jobs[6:]} == {"full"} and len(jobs) == 12
    known = {spec: tiny_search.quality(spec) for spec in jobs[:3]}
    assert wanted(given, known, PRECISE)[3].title == "rte L=5 lr=5e-05 epochs=3 seed=1"


def test_halving_doubles_the_seeds_of_the_better_half() -> None:
    given = tiny_search.space(**ONE, fine_tuning_layers=(2, 3, 4, 5), seeds=(0, 1, 2, 3, 4))
    score = by_layers(L2=0.60, L3=0.62, L4=0.63, L5=0.65)
    _, turns = tiny_search.searched(given, {"rte": 200}, score)  # the noise is 3.4 points
    assert [sorted({spec.seed for spec in turn}) for turn in turns] == [
        [0],
        [1],
        [2, 3],
        [4],
        [0, 1, 2, 3, 4],
    ]
    layers = [sorted({spec.fine_tuning_layers for spec in turn}) for turn in turns]
    assert layers[0] == [2, 3, 4, 5]
    assert layers[1] == [3, 4, 5]  # 3 is within the noise of the best and cheaper
    assert layers[-1] == [5]


def test_without_noise_the_first_rung_decides() -> None:
    given = tiny_search.space(**ONE)
    scores, turns = tiny_search.searched(given, PRECISE)
    assert trained(scores) == [
        "rte L=2 lr=5e-05 epochs=3 seed=0",
        "rte L=3 lr=5e-05 epochs=3 seed=0",
        "rte L=5 lr=5e-05 epochs=3 seed=0",
        "rte L=5 lr=5e-05 epochs=3 seed=1",
        "rte L=5 lr=5e-05 epochs=3 seed=2",
    ]
    assert len(turns) == 4


def test_one_seed_is_one_rung() -> None:
    given = tiny_search.space(**ONE, seeds=(4,))
    scores, turns = tiny_search.searched(given, {"rte": 10})
    assert len(turns) == 2 and len(scores) == 3 + 3


@pytest.mark.parametrize(
    ("ranked", "noise", "left"),
    [
        # Bounds that do not touch.
        ([standing(5, 0.9), standing(3, 0.8), standing(2, 0.7)], 0.01, [5]),
        # The second reaches the best, but half of three is one.
        ([standing(2, 0.9), standing(3, 0.89), standing(5, 0.88)], 0.01, [2]),
        # Within the noise of the best, and cheaper: kept beyond the half.
        ([standing(5, 0.9), standing(3, 0.895), standing(2, 0.891)], 0.01, [5, 3, 2]),
        # Two noises away: the bounds touch, so the better half keeps it; beyond the half nothing does.
        ([standing(5, 0.9), standing(4, 0.88), standing(3, 0.88), standing(2, 0.88)], 0.01, [5, 4]),
        # With four seeds the noise is half as large.
        (
            [standing(5, *[0.9] * 4), standing(4, *[0.889] * 4), standing(3, 0.7), standing(2, 0.7)],
            0.01,
            [5],
        ),
        ([standing(3, 0.9)], 0.01, [3]),
    ],
)  # fmt: skip
def test_survivors(ranked: list[Standing], noise: float, left: list[int]) -> None:
    assert [each.candidate.fine_tuning_layers for each in survivors(ranked, noise)] == left


def test_noise_is_pooled_over_the_candidates_and_never_below_that_of_the_rows() -> None:
    spread = [standing(3, 0.70, 0.74, 0.78), standing(2, 0.60, 0.62), standing(5, 0.5)]
    pooled = math.sqrt((2 * 0.04**2 + 0.01**2 * 2) / 3)
    assert seed_noise(spread, 10**6) == pytest.approx(pooled)
    assert seed_noise(spread, 100) == pytest.approx(math.sqrt(0.74 * 0.26 / 100))
    assert seed_noise([standing(3, 0.8)], 400) == pytest.approx(0.02)
    low, perfect = seed_noise([standing(3, 0.1)], 100), seed_noise([standing(3, 1.0)], 100)
    assert low == pytest.approx(0.05)  # a correlation of 0.1 is not known better than one of 0.5
    assert perfect == pytest.approx(math.sqrt(0.99 * 0.01 / 100))


def test_one_that_failed_is_left_out_while_another_did_not() -> None:
    given = tiny_search.space(**ONE, strategy=EXHAUSTIVE, fine_tuning_layers=(2, 3))
    table: dict[tuple[int, int], float | None] = {(3, 0): 0.9, (3, 1): None, (3, 2): 0.9}
    scores, _ = tiny_search.searched(
        given, PRECISE, lambda spec: table.get((spec.fine_tuning_layers, spec.seed), 0.6)
    )
    assert winner(given, "rte", scores, 10**6) == Candidate(2, 3.0, 5e-5)
    half: dict[JobSpec, float | None] = {spec: 0.9 if spec.seed else None for spec in teachers(given)}
    assert [each.qualities for each in standings(teachers(given), half)] == [(0.9, 0.9)] * 2


def test_a_failed_teacher_has_no_students_and_others_go_on() -> None:
    given = tiny_search.space(strategy=EXHAUSTIVE, fine_tuning_layers=(2,))
    scores, _ = tiny_search.searched(
        given, PRECISE, lambda spec: None if spec.task == "rte" and spec.seed != 1 else 0.7
    )
    distilled = [spec for spec in scores if spec.student_layers]
    assert {spec.seed for spec in distilled if spec.task == "rte"} == {1}
    assert {spec.seed for spec in distilled if spec.task == "cola"} == {0, 1, 2}


def test_a_task_whose_teachers_all_failed_is_over() -> None:
    given = tiny_search.space(**ONE)
    scores, turns = tiny_search.searched(given, PRECISE, lambda spec: None)
    assert len(turns) == 1 and len(scores) == 3
    assert winner(given, "rte", scores, 10**6) is None


@pytest.mark.parametrize("strategy", [HALVING, EXHAUSTIVE])
def test_no_job_is_ever_taken_back(strategy: str) -> None:
    """Whatever the order in which scores come in."""
    given = tiny_search.space(strategy=strategy, fine_tuning_layers=(2, 3, 4, 5))
    random = np.random.default_rng(5)
    scores: dict[JobSpec, float | None] = {}
    before: set[JobSpec] = set()
    while open_jobs := [
        spec for spec in wanted(given, scores, {"rte": 300, "cola": 900}) if spec not in scores
    ]:
        now = {*open_jobs, *scores}
        assert before <= now
        before = now
        spec = open_jobs[random.integers(len(open_jobs))]
        scores[spec] = None if random.random() < 0.1 else tiny_search.quality(spec)


def noisy(given: SearchSpace, noise: float, seed: int) -> dict[JobSpec, float]:
    """A score for every teacher: a truth that rises with L and falls off, and noise from seed to seed."""
    random = np.random.default_rng(seed)
    rise, bend = random.uniform(0, 0.06), random.uniform(0, 0.01)
    truth = {layers: 0.65 + rise * layers - bend * layers**2 for layers in given.fine_tuning_layers}
    return {
        spec: truth[spec.fine_tuning_layers] + noise * random.standard_normal() for spec in teachers(given)
    }


# (rows of dev, noise of a seed): as of RTE, of CoLA, and of a large task.
@pytest.mark.parametrize(("rows", "noise"), [(277, 0.02), (1000, 0.014), (10000, 0.005)])
def test_halving_saves_and_never_selects_worse_than_the_noise(rows: int, noise: float) -> None:
    """200 searches each way on the same scores; the loss is in the mean over all seeds, which halving did not
    see, and in units of the standard deviation of one seed."""
    halving = tiny_search.space(**ONE, fine_tuning_layers=(2, 3, 4, 5), student_layers=(1,))
    exhaustive = tiny_search.space(
        **ONE, fine_tuning_layers=(2, 3, 4, 5), student_layers=(1,), strategy=EXHAUSTIVE
    )
    losses, costs = [], []
    for seed in range(200):
        table = noisy(halving, noise, seed)
        means = {
            layers: statistics.fmean(table[spec] for spec in table if spec.fine_tuning_layers == layers)
            for layers in halving.fine_tuning_layers
        }
        spent, chosen = [], []
        for given in (halving, exhaustive):
            scores, _ = tiny_search.searched(
                given, {"rte": rows}, lambda spec, table=table: table.get(spec, 0.5)
            )
            best = winner(given, "rte", scores, rows)
            assert best is not None
            chosen.append(means[best.fine_tuning_layers])
            spent.append(sum(spec.fine_tuning_layers for spec in scores if spec in table))
        losses.append((chosen[1] - chosen[0]) / noise)
        costs.append(spent[0] / spent[1])
    assert min(losses) >= 0
    # 1.96 standard deviations of the difference of two means of three seeds.
    assert max(losses) < 1.96 * math.sqrt(2 / 3)
    assert statistics.fmean(losses) < 0.1
    assert statistics.fmean(costs) < 0.75


def test_forecasts_enclose_the_search() -> None:
    for strategy in (HALVING, EXHAUSTIVE):
        given = tiny_search.space(strategy=strategy)
        for rows in (100, 1000, 10**6):
            dev_rows = dict.fromkeys(given.tasks, rows)
            scores, turns = tiny_search.searched(given, dev_rows)
            least, most = (forecast(given, {}, dev_rows) for forecast in (at_least, at_most))
            assert len(least) <= len(scores) <= len(most)
            for turn in turns:
                known = {spec: scores[spec] for spec in scores if spec not in turn}
                assert set(turn) <= set(wanted(given, known, dev_rows))
            assert (
                set(at_most(given, scores, dev_rows)) == set(scores) == set(at_least(given, scores, dev_rows))
            )
