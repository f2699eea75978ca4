"""The exact optimum and the Pareto front against brute force; budgets, ties, and what is refused."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_candidates import candidate, student, teacher
from tiny_config import CONFIG

from centrabert.merge.plan import MergePlan
from centrabert.modeling.branch import Branch
from centrabert.modeling.task import TaskSpec
from centrabert.search.selection.budget_optimum import Choice, optimum, pareto_front
from centrabert.search.selection.candidate import BranchCandidate, by_task
from centrabert.search.selection.marginal_benefit import marginal_benefit
from centrabert.search.selection.serving_cost import LAYERS, Cost

DEEPEST = 4


@dataclass(frozen=True)
class Instance:
    """Candidates with costs by table: by depth of the trunk, and by candidate."""

    candidates: list[BranchCandidate]
    trunk: list[float]
    branch: dict[BranchCandidate, float]
    weights: dict[str, float] | None

    @property
    def cost(self) -> Cost:
        return Cost("milliseconds", self.trunk.__getitem__, self.branch.__getitem__)


@st.composite
def instances(draw: st.DrawFn, grain: float) -> Instance:
    """Up to four tasks of up to five candidates; few distinct numbers, so that ties are common.

    The trunk's costs need not rise with its depth: measured ones may not.
    """
    amount = st.integers(0, 12).map(lambda units: units * grain)
    candidates = [
        BranchCandidate(
            f"t{task}",
            draw(st.integers(0, DEEPEST)),
            draw(st.integers(1, 3)),
            draw(st.sampled_from(("teacher", "student"))),
            draw(st.integers(-3, 9)) / 10,
            0.0,
            1,
            f"job{place}",
        )
        for task in range(draw(st.integers(1, 4)))
        for place in range(draw(st.integers(1, 5)))
    ]
    tasks = sorted({each.task for each in candidates})
    return Instance(
        candidates,
        trunk=[draw(amount) for _ in range(DEEPEST + 1)],
        branch={each: draw(amount) for each in candidates},
        weights=draw(
            st.none() | st.fixed_dictionaries(dict.fromkeys(tasks, st.sampled_from((0.5, 1.0, 3.0))))
        ),
    )


def exact(value: float) -> Fraction:
    """What the decimal says, not its nearest float."""
    return Fraction(str(round(value, 6)))


@dataclass(frozen=True)
class Combination:
    chosen: tuple[BranchCandidate, ...]
    cost: Fraction
    quality: Fraction

    @property
    def preference(self) -> tuple[object, ...]:
        layers = max(each.frozen for each in self.chosen) + sum(each.tuned for each in self.chosen)
        return self.cost, -self.quality, layers, [each.order for each in self.chosen]

    def beats(self, other: "Combination") -> bool:
        """In cost and quality, or by preference where both are equal."""
        if (self.cost, self.quality) == (other.cost, other.quality):
            return self.preference < other.preference
        return self.cost <= other.cost and self.quality >= other.quality


def combinations(instance: Instance) -> list[Combination]:
    """Every way to choose one candidate for each task."""
    weights = instance.weights or {}
    found = []
    for chosen in itertools.product(*by_task(instance.candidates).values()):
        depth = max(each.frozen for each in chosen)
        cost = exact(instance.trunk[depth]) + sum(exact(instance.branch[each]) for each in chosen)
        weighed = [(exact(weights.get(each.task, 1.0)), exact(each.quality)) for each in chosen]
        quality = sum(w * q for w, q in weighed) / sum(w for w, _ in weighed)
        found.append(Combination(chosen, cost, quality))
    return found


def brute_front(instance: Instance) -> list[Combination]:
    every = combinations(instance)
    front = [each for each in every if not any(other.beats(each) for other in every)]
    return sorted(front, key=lambda each: each.cost)


def brute_optimum(instance: Instance, budget: float) -> Combination | None:
    fitting = [each for each in combinations(instance) if each.cost <= exact(budget)]
    return min(fitting, key=lambda each: (-each.quality, each.preference), default=None)


def agrees(choice: Choice, candidate: Combination) -> bool:
    return (
        choice.chosen == candidate.chosen
        and exact(choice.cost) == candidate.cost
        and choice.quality == pytest.approx(float(candidate.quality), abs=1e-12)
    )


@pytest.mark.parametrize("grain", [1, 0.1, 0.0007])
def test_front_is_that_of_brute_force(grain: float) -> None:
    """Whole costs and others, in which a sum of floats would miss equal ones."""

    @settings(max_examples=80)
    @given(instances(grain))
    def check(instance: Instance) -> None:
        front, brute = (
            pareto_front(instance.candidates, instance.cost, instance.weights),
            brute_front(instance),
        )
        assert len(front) == len(brute)
        assert all(map(agrees, front, brute))

    check()


@pytest.mark.parametrize("grain", [1, 0.1])
def test_optimum_is_that_of_brute_force(grain: float) -> None:
    @settings(max_examples=100)
    @given(instances(grain), st.integers(0, 40).map(lambda units: units * grain))
    def check(instance: Instance, budget: float) -> None:
        best = brute_optimum(instance, budget)
        if best:
            found = optimum(instance.candidates, budget, instance.cost, instance.weights)
            assert agrees(found, best), (found, best)
        else:
            with pytest.raises(ValueError, match="the cheapest choice costs"):
                optimum(instance.candidates, budget, instance.cost, instance.weights)

    check()


@given(instances(1), st.data())
def test_the_order_of_options_changes_nothing(instance: Instance, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(instance.candidates))
    assert pareto_front(shuffled, instance.cost) == pareto_front(instance.candidates, instance.cost)


@given(st.lists(st.tuples(st.integers(4, 10), *[st.integers(600, 950)] * 4), min_size=8, max_size=8))
def test_the_papers_rule_is_the_optimum_of_its_own_overhead(rows: list[tuple[int, ...]]) -> None:
    """Eight tasks with one cut each, as in the paper: no other choice of so many layers is better.

    Of several cuts the rule sees one only, and can be beaten: see the next test.
    """
    candidates = []
    for place, (layers, *worths) in enumerate(rows):
        qualities = [worth / 10 for worth in worths]
        candidates += [student(f"t{place}", layers, size, qualities[size]) for size in (1, 2, 3)]
        candidates.append(teacher(f"t{place}", layers, qualities[0]))
    for threshold in (0.5, 1.0, 2.0, 3.0):
        chosen = marginal_benefit(candidates, threshold)
        best = optimum(candidates, LAYERS.total(chosen))
        assert best.quality == pytest.approx(sum(each.quality for each in chosen) / 8, abs=1e-12)
        assert best.cost == LAYERS.total(chosen)


def test_another_cut_pays_for_the_layers_of_others() -> None:
    """What a task alone cannot see: its second best cut spares the trunk three layers, spent on the other."""
    deep, shallow = candidate("rte", 7, 5, 70.0), candidate("rte", 4, 5, 69.0)
    small, large = candidate("stsb", 4, 1, 80.0), candidate("stsb", 4, 4, 84.0)
    candidates = [deep, shallow, small, large]
    assert optimum(candidates, 13).chosen == (shallow, large)
    assert optimum(candidates, 16).chosen == (deep, large)
    assert optimum(candidates, 12.9).chosen == (shallow, small)
    assert [(choice.cost, choice.quality) for choice in pareto_front(candidates)] == [
        (10, 74.5),
        (13, 76.5),
        (16, 77.0),
    ]


def test_weights_decide() -> None:
    candidates = [candidate("rte", 3, 1, 70.0), candidate("rte", 3, 2, 71.0), candidate("stsb", 3, 1, 80.0)]
    candidates.append(candidate("stsb", 3, 2, 82.0))
    assert [each.tuned for each in optimum(candidates, 6).chosen] == [1, 2]
    light = optimum(candidates, 6, weights={"rte": 3.0, "stsb": 1.0})
    assert [each.tuned for each in light.chosen] == [2, 1]
    assert light.quality == (3 * 71 + 80) / 4


def test_standard_error_of_the_mean() -> None:
    """Independent errors add in squares: sqrt((3 * 1)^2 + (1 * 4)^2) / 4."""
    candidates = [candidate("rte", 3, 1, 70.0, error=1.0), candidate("stsb", 3, 1, 80.0, error=4.0)]
    assert optimum(candidates, 9, weights={"rte": 3.0, "stsb": 1.0}).standard_error == 1.25


def test_a_budget_that_is_just_enough() -> None:
    """Though in floats 0.1 + 0.2 is above 0.3."""
    cost = Cost("seconds", lambda depth: 0.1, lambda each: 0.2)
    assert optimum([candidate("rte", 3, 1)], 0.3, cost).cost == 0.3


def test_bytes_are_exact() -> None:
    """Whole numbers that are too large for their billionths to be floats."""
    cost = Cost("bytes", lambda depth: 437_935_104 + depth, lambda each: 10**12 + each.tuned)
    candidates = [candidate("rte", 3, 1, 70.0), candidate("rte", 3, 2, 71.0)]
    assert optimum(candidates, 10**12 + 437_935_108, cost).chosen == (candidates[0],)
    assert optimum(candidates, 10**12 + 437_935_109, cost).chosen == (candidates[1],)


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(1, 5)).filter(lambda cut: sum(cut) <= 5),
        min_size=1,
        max_size=6,
    )
)
def test_layers_are_those_of_the_merge_plan(cuts: Sequence[tuple[int, int]]) -> None:
    candidates = [candidate(f"t{place}", *cut) for place, cut in enumerate(cuts)]
    branches = [
        Branch(TaskSpec(each.task, "regression", (), pair=True, metric="pearson"), each.frozen, each.tuned)
        for each in candidates
    ]
    assert LAYERS.total(candidates) == MergePlan(CONFIG, tuple(branches)).layers


RTE = [candidate("rte", 3, 2), candidate("stsb", 1, 4)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimum(RTE, 8), "budget 8 layers: the cheapest choice costs 9; raise the budget"),
        (lambda: optimum(RTE, -1), "budget -1 layers is not a number of 0 or more"),
        (lambda: optimum(RTE, float("nan")), "budget nan layers is not"),
        (lambda: optimum(RTE, float("inf")), "budget inf layers is not"),
        (lambda: optimum([], 9), "there is no candidate to choose from"),
        (lambda: optimum(RTE, 9, weights={"rte": 1.0}), "the weights are not those of the tasks rte, stsb"),
        (lambda: pareto_front(RTE, weights={"rte": 1.0, "stsb": 1.0, "qqp": 2.0}), "see ['qqp']"),
        (lambda: pareto_front(RTE, weights={"rte": 1.0, "stsb": 0.0}), "task stsb: weight 0.0 is not"),
        (lambda: pareto_front(RTE, weights={"rte": 1.0, "stsb": float("inf")}), "weight inf is not"),
        (
            lambda: pareto_front(RTE, Cost("bytes", lambda depth: -depth, lambda each: 1)),
            "a trunk of 3 layers: a cost of -3 bytes; wanted a number of 0 or more",
        ),
        (
            lambda: pareto_front(RTE, Cost("bytes", lambda depth: 1, lambda each: float("nan"))),
            "task rte, 3 frozen and 2 tuned layers: a cost of nan bytes",
        ),
        (lambda: Cost("", lambda depth: 1, lambda each: 1), "a cost without a unit"),
    ],
)
def test_refusals(call, message) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
