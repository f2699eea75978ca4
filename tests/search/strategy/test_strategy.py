"""What strategies decide, on tables of scores: the paper's search, halving, what halving saves and risks."""

import math
import statistics

import numpy as np
import pytest
import tiny_result
import tiny_search

from centrabert.search.jobs.job_spec import JobSpec, TrainingSetting
from centrabert.search.selection.seed_group import SeedGroup
from centrabert.search.strategy.search_space import EXHAUSTIVE, HALVING, SearchSpace, students, teachers
from centrabert.search.strategy.setting_ranking import Ranked, Score, ScoredSpec, rank_settings, seed_noise
from centrabert.search.strategy.strategy import best_case_jobs, wanted, worst_case_jobs

ONE = {"tasks": ("rte",)}
PRECISE = {"rte": 10**6, "cola": 10**6}


def group(layers: int, *qualities: float, error: float | None = None) -> Ranked:
    """The seeds of a teacher."""
    specs = [spec for spec in teachers(tiny_search.space(**ONE)) if spec.fine_tuning_layers == layers]
    return SeedGroup(tuple(ScoredSpec(*each, error) for each in zip(specs, qualities, strict=False)))


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
    table = {2: (60, 70, 80), 3: (90, 60, 60), 5: (80, 70, 60)}
    scores, _ = tiny_search.searched(
        given, PRECISE, lambda spec: table[spec.fine_tuning_layers][spec.seed] if not spec.teacher else 50
    )
    assert tiny_search.distilled(scores) == {TrainingSetting(2, 3.0, 5e-5)}
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
    assert [spec.task for spec in jobs[:4]] == ["rte"] * 2 + ["cola"] * 2
    assert {spec.kind for spec in jobs[4:]} == {"full"} and len(jobs) == 10
    known = {spec: Score(tiny_result.quality(spec)) for spec in jobs[:2]}
    assert wanted(given, known, PRECISE)[2].title == "rte L=3 lr=5e-05 epochs=3 seed=0"


def test_noise_is_pooled_over_the_candidates_and_never_below_that_of_the_rows() -> None:
    spread = [group(3, 70, 74, 78), group(2, 60, 62), group(5, 50)]
    pooled = math.sqrt((2 * 4**2 + 1**2 * 2) / 3)
    assert seed_noise(spread, 10**6) == pytest.approx(pooled)
    assert seed_noise(spread, 100) == pytest.approx(100 * math.sqrt(0.74 * 0.26 / 100))
    assert seed_noise([group(3, 80)], 400) == pytest.approx(2)
    low, perfect = seed_noise([group(3, 10)], 100), seed_noise([group(3, 100)], 100)
    assert low == pytest.approx(5)  # a correlation of 0.1 is not known better than one of 0.5
    assert perfect == pytest.approx(100 * math.sqrt(0.99 * 0.01 / 100))


def test_noise_is_not_below_the_sampling_error_of_the_best() -> None:
    """The mean of its seeds; where one does not know it, that of the rows."""
    assert seed_noise([group(3, 80, error=1.5)], 400) == 1.5
    best = SeedGroup((*group(3, 80, error=1).jobs, ScoredSpec(group(3, 0, 80).jobs[1].spec, 80, 4)))
    assert seed_noise([best, group(2, 60, 60, error=9)], 400) == 2.5
    unknown = SeedGroup((best.jobs[0], best.jobs[1]._replace(sampling_error=None)))
    assert seed_noise([unknown], 400) == pytest.approx(2)


def test_one_that_failed_is_left_out_while_another_did_not() -> None:
    given = tiny_search.space(**ONE, strategy=EXHAUSTIVE, fine_tuning_layers=(2, 3))
    table: dict[tuple[int, int], float | None] = {(3, 0): 90, (3, 1): None, (3, 2): 90}
    scores, _ = tiny_search.searched(
        given, PRECISE, lambda spec: table.get((spec.fine_tuning_layers, spec.seed), 60)
    )
    assert tiny_search.distilled(scores) == {TrainingSetting(2, 3.0, 5e-5)}
    half = {spec: Score(90.0) if spec.seed else None for spec in teachers(given)}
    assert [[job.quality for job in each.jobs] for each in rank_settings(teachers(given), half)] == [
        [90, 90]
    ] * 2


def test_a_failed_teacher_has_no_students_and_others_go_on() -> None:
    given = tiny_search.space(strategy=EXHAUSTIVE, fine_tuning_layers=(2,))
    scores, _ = tiny_search.searched(
        given, PRECISE, lambda spec: None if spec.task == "rte" and spec.seed != 1 else 70
    )
    distilled = [spec for spec in scores if spec.student_layers]
    assert {spec.seed for spec in distilled if spec.task == "rte"} == {1}
    assert {spec.seed for spec in distilled if spec.task == "cola"} == {0, 1, 2}


def test_a_task_whose_teachers_all_failed_is_over() -> None:
    given = tiny_search.space(**ONE)
    scores, turns = tiny_search.searched(given, PRECISE, lambda spec: None)
    assert [{spec.seed for spec in turn} for turn in turns] == [{0}, {1}, {2}] and len(scores) == 2 * 3
    assert not tiny_search.distilled(scores)


@pytest.mark.parametrize("strategy", [HALVING, EXHAUSTIVE])
def test_no_job_is_ever_taken_back(strategy: str) -> None:
    """Whatever the order in which scores come in."""
    given = tiny_search.space(strategy=strategy, fine_tuning_layers=(2, 3, 4, 5))
    random = np.random.default_rng(5)
    scores: dict[JobSpec, Score | None] = {}
    before: set[JobSpec] = set()
    while open_jobs := [
        spec for spec in wanted(given, scores, {"rte": 300, "cola": 900}) if spec not in scores
    ]:
        now = {*open_jobs, *scores}
        assert before <= now
        before = now
        spec = open_jobs[random.integers(len(open_jobs))]
        scores[spec] = None if random.random() < 0.1 else Score(tiny_result.quality(spec))


def noisy(given: SearchSpace, noise: float, seed: int) -> dict[JobSpec, float]:
    """A score for every teacher: a truth that rises with L and falls off, and noise from seed to seed."""
    random = np.random.default_rng(seed)
    rise, bend = random.uniform(0, 6), random.uniform(0, 1)
    truth = {layers: 65 + rise * layers - bend * layers**2 for layers in given.fine_tuning_layers}
    return {
        spec: truth[spec.fine_tuning_layers] + noise * random.standard_normal() for spec in teachers(given)
    }


# (rows of dev, noise of a seed): as of RTE, of CoLA, and of a large task.
@pytest.mark.parametrize(("rows", "noise"), [(277, 2.0), (1000, 1.4), (10000, 0.5)])
def test_halving_saves_and_loses_no_more_than_the_noise(rows: int, noise: float) -> None:
    """100 searches each way on the same scores; the loss is in the mean over all seeds, which halving did not
    see. It may be what halving trades for layers, the standard error on the rows, and what it cannot see, the
    noise of the two seeds that it compares (1.96 standard deviations of their difference)."""
    layers = {"fine_tuning_layers": (2, 3, 4, 5), "student_layers": (1,)}
    given = {
        strategy: tiny_search.space(**ONE, **layers, strategy=strategy) for strategy in (HALVING, EXHAUSTIVE)
    }
    losses, costs = [], []
    for seed in range(100):
        table = noisy(given[HALVING], noise, seed)
        spent, chosen = [], []
        for strategy in (HALVING, EXHAUSTIVE):
            scores, _ = tiny_search.searched(
                given[strategy], {"rte": rows}, lambda spec, table=table: table.get(spec, 50)
            )
            (best,) = tiny_search.distilled(scores)
            chosen.append(statistics.fmean(table[spec] for spec in table if spec.setting == best))
            spent.append(sum(spec.fine_tuning_layers for spec in scores if spec in table))
        losses.append(chosen[1] - chosen[0])
        costs.append(spent[0] / spent[1])
    allowed = 100 * math.sqrt(0.25 / rows) + 1.96 * noise * math.sqrt(2)
    assert min(losses) >= 0
    assert max(losses) < allowed
    assert statistics.fmean(losses) < 100 * math.sqrt(0.25 / rows)
    assert statistics.fmean(costs) < 0.5


def test_forecasts_enclose_the_search() -> None:
    for strategy in (HALVING, EXHAUSTIVE):
        given = tiny_search.space(strategy=strategy)
        for rows in (100, 1000, 10**6):
            dev_rows = dict.fromkeys(given.tasks, rows)
            scores, turns = tiny_search.searched(given, dev_rows)
            least, most = (forecast(given, {}, dev_rows) for forecast in (best_case_jobs, worst_case_jobs))
            assert len(least) <= len(scores) <= len(most)
            for turn in turns:
                known = {spec: scores[spec] for spec in scores if spec not in turn}
                assert set(turn) <= set(wanted(given, known, dev_rows))
            assert (
                set(worst_case_jobs(given, scores, dev_rows))
                == set(scores)
                == set(best_case_jobs(given, scores, dev_rows))
            )
