"""Which L halving tries, and what it finds, on tables of scores."""

import numpy as np
import pytest
import tiny_search

from centrabert.search.jobs.job_spec import JobSpec, TrainingSetting
from centrabert.search.strategy.halving import next_layers
from centrabert.search.strategy.strategy import certain_jobs, wanted, worst_case_jobs

ONE = {"tasks": ("rte",)}
LAYERS = (4, 5, 6, 7, 8, 9, 10)  # the paper's


def path(best: dict[int, float], noise: float) -> tuple[list[int], int]:
    """The L that are tried one after the other, and the one that is found."""
    known = {layers: best[layers] for layers in (LAYERS[0], LAYERS[-1])}
    tried = []
    while (following := next_layers(LAYERS, known, noise)) is not None:
        assert following not in known
        known[following] = best[following]
        tried.append(following)
    least = max(known.values()) - noise
    return tried, min(layers for layers, quality in known.items() if quality >= least)


def curve(*percents: float) -> dict[int, float]:
    return dict(zip(LAYERS, percents, strict=True))


@pytest.mark.parametrize(
    ("best", "noise", "tried", "found"),
    [
        # The ends are alike: an L between them may be better than both, and one is tried.
        (curve(60, 99, 99, 99, 99, 99, 62), 3, [7, 5], 5),
        (curve(60, 60, 60, 60, 60, 60, 60.5), 1, [7], 4),
        (curve(60, 61, 62, 64, 62, 61, 60.5), 1, [7, 5, 6], 7),
        # Rising to the end, rising and level, level from the second on.
        (curve(60, 62, 64, 66, 68, 70, 72), 1, [7, 8, 9], 10),
        (curve(60, 62, 64, 66, 66, 66, 66), 1, [7, 5, 6], 7),
        (curve(60, 66, 66, 66, 66, 66, 66), 1, [7, 5], 5),
        # Falling: the smallest is the best.
        (curve(66, 64, 63, 62, 61, 60, 60), 1, [7], 4),
        # Exactly the noise away is within it.
        (curve(60, 0, 0, 0, 0, 0, 63), 3, [7], 4),
    ],
)  # fmt: skip
def test_the_interval_is_halved(best: dict[int, float], noise: float, tried: list[int], found: int) -> None:
    assert path(best, noise) == (tried, found)


@pytest.mark.parametrize("layers", [(3,), (2, 5)])
def test_few_layers_leave_nothing_to_halve(layers: tuple[int, ...]) -> None:
    for low in (50, 60, 70):
        assert next_layers(layers, dict(zip(layers, (low, 60), strict=False)), 0.1) is None


def test_settings_are_halved_with_the_interval() -> None:
    """Four learning rates at the ends, two at the next L, one at the last; more seeds for what is found."""
    rates = (1e-5, 2e-5, 5e-5, 1e-4)
    given = tiny_search.space(
        **ONE, fine_tuning_layers=(2, 3, 4, 5, 6), learning_rates=rates, student_layers=(1,)
    )
    worth = {1e-5: 0.0, 2e-5: 2.0, 5e-5: 3.0, 1e-4: 1.0}

    def score(spec: JobSpec) -> float:
        return 50 + 5.0 * spec.fine_tuning_layers + worth[spec.learning_rate] - 10 * bool(spec.teacher)

    _, turns = tiny_search.searched(given, {"rte": 10**6}, score)
    tried = [sorted({(spec.fine_tuning_layers, spec.learning_rate) for spec in turn}) for turn in turns]
    assert tried[:3] == [
        [(layers, rate) for layers in (2, 6) for rate in rates],
        [(4, 2e-5), (4, 5e-5)],
        [(5, 5e-5)],
    ]
    assert {spec.seed for turn in turns[:3] for spec in turn} == {0}
    assert {(spec.fine_tuning_layers, spec.learning_rate) for spec in turns[3]} == {(6, 5e-5)}
    assert [(spec.seed, spec.student_layers) for spec in turns[3]] == [(0, 1)]
    assert [(spec.seed, spec.student_layers) for spec in turns[4]] == [(1, 1), (2, 1)]


def test_students_stop_at_the_first_that_is_as_good_as_its_teacher() -> None:
    """Further seeds for that one alone, from the same teacher."""
    given = tiny_search.space(**ONE, fine_tuning_layers=(3,), student_layers=(1, 2, 3), seeds=(0, 1))
    qualities = {0: 80.0, 1: 70.0, 2: 79.0, 3: 80.0}
    scores, turns = tiny_search.searched(given, {"rte": 1000}, lambda spec: qualities[spec.student_layers])
    assert sorted((spec.student_layers, spec.seed) for spec in scores) == [
        *((0, 0), (1, 0), (2, 0), (2, 1)),
    ]
    assert len(turns) == 4
    assert len({spec.teacher for spec in scores if spec.teacher}) == 1
    qualities = dict.fromkeys(range(4), 80.0)
    scores, _ = tiny_search.searched(given, {"rte": 1000}, lambda spec: qualities[spec.student_layers])
    assert {spec.student_layers for spec in scores} == {0, 1}


def test_a_student_that_failed_proves_nothing() -> None:
    given = tiny_search.space(**ONE, fine_tuning_layers=(3,), student_layers=(1, 2), seeds=(0,))
    scores, _ = tiny_search.searched(
        given, {"rte": 1000}, lambda spec: None if spec.student_layers == 1 else 80.0
    )
    assert {spec.student_layers for spec in scores} == {0, 1, 2}


def test_an_l_that_failed_is_none_to_choose() -> None:
    given = tiny_search.space(**ONE, fine_tuning_layers=(2, 3, 5), student_layers=(1,))

    def score(spec: JobSpec) -> float | None:
        return None if spec.fine_tuning_layers == 5 else 80.0

    scores, _ = tiny_search.searched(given, {"rte": 277}, score)
    assert tiny_search.distilled(scores) == {TrainingSetting(2, 3.0, 5e-5)}


@pytest.mark.parametrize("failing", [2, 3, 4, 5, 6])
def test_any_l_may_fail(failing: int) -> None:
    given = tiny_search.space(**ONE, fine_tuning_layers=(2, 3, 4, 5, 6), student_layers=(1,))

    def score(spec: JobSpec) -> float | None:
        return None if spec.fine_tuning_layers == failing else 50 + 5.0 * spec.fine_tuning_layers

    scores, _ = tiny_search.searched(given, {"rte": 10**6}, score)
    assert tiny_search.distilled(scores) == {TrainingSetting(4 if failing == 6 else 6, 3.0, 5e-5)}


def test_one_l_is_trained_once_and_its_student_with_all_seeds() -> None:
    given = tiny_search.space(**ONE, fine_tuning_layers=(3,), student_layers=(1,))
    assert [spec.seed for spec in wanted(given, {}, {"rte": 277})] == [0]
    scores, _ = tiny_search.searched(given, {"rte": 277}, lambda spec: 70.0)
    assert len(scores) == 1 + 3


def test_the_next_seed_is_tried_where_every_teacher_failed_with_the_first() -> None:
    given = tiny_search.space(**ONE, fine_tuning_layers=(2, 5), student_layers=(1,))
    scores, _ = tiny_search.searched(given, {"rte": 277}, lambda spec: 70.0 if spec.seed else None)
    trained = [(spec.fine_tuning_layers, spec.seed) for spec in scores if not spec.teacher]
    assert trained == [(2, 0), (5, 0), (2, 1), (5, 1)]
    assert [(spec.student_layers, spec.seed) for spec in scores if spec.teacher] == [(1, 1), (1, 0), (1, 2)]


def test_further_seeds_are_for_the_largest_student_that_did_not_fail() -> None:
    given = tiny_search.space(**ONE, fine_tuning_layers=(3,), student_layers=(1, 2, 3))
    qualities = {0: 80.0, 1: 50.0, 2: 60.0, 3: None}
    scores, _ = tiny_search.searched(given, {"rte": 1000}, lambda spec: qualities[spec.student_layers])
    assert [spec.student_layers for spec in scores if spec.seed] == [2, 2]


@pytest.mark.parametrize("rows", [277, 408, 1043, 1500])
def test_what_is_sure_is_wanted_however_the_search_goes(rows: int) -> None:
    """At the sizes of RTE, MRPC, CoLA and STS-B: flat, rising, falling, and anything between."""
    given = tiny_search.space(**ONE, fine_tuning_layers=(2, 3, 4, 5))
    certain, most = certain_jobs(given, {}, {"rte": rows}), worst_case_jobs(given, {}, {"rte": rows})
    random = np.random.default_rng(rows)
    for slope, spread in [(0, 0), (10, 0), (-10, 0), *[(1, 5)] * 30]:

        def score(spec: JobSpec, slope: float = slope, spread: float = spread) -> float:
            return float(np.clip(60 + slope * spec.fine_tuning_layers + spread * random.normal(), 0, 100))

        scores, _ = tiny_search.searched(given, {"rte": rows}, score)
        assert set(certain) <= scores.keys()
        assert len(scores) <= len(most)
