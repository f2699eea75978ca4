"""Candidates, the one-standard-error rule, selection.json and the merge command."""

import copy
import json
import math
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from full_disk import largest_file
from hypothesis import given
from hypothesis import strategies as st
from json_edits import drop, put
from tiny_candidates import LAYERS as N
from tiny_candidates import PAPER, candidate, student, teacher

from centrabert.merge import run_merge
from centrabert.search.selection.budget_optimum import pareto_front
from centrabert.search.selection.candidate import BranchCandidate, by_task
from centrabert.search.selection.rules import (
    by_marginal_benefit,
    by_one_standard_error,
    by_optimum,
    one_standard_error_choice,
)
from centrabert.search.selection.selection import Selection, merge_command, read_selection, write_selection
from centrabert.search.selection.serving_cost import LAYERS, Cost

RTE, STSB = candidate("rte", 7, 2, 66.5, error=0.75), student("stsb", 8, 3, 88.25)
CHOSEN = Selection("optimum", {"budget": 12.0, "unit": "layers"}, {"rte": 3.0, "stsb": 1.0}, (RTE, STSB))


def as_written(selection: Selection) -> dict[str, Any]:
    keys: dict[str, Any] = json.loads(json.dumps(selection.to_json()))
    return keys


# Candidates.


def test_options_by_task() -> None:
    """Tasks by name; within one the smaller model first, of equal sizes the teacher, then by folder."""
    sizes = [student("rte", 4, 2, 1.0), student("rte", 5, 1, 2.0), student("rte", 4, 1, 3.0)]
    equal = [student("rte", 4, 4, 4.0, "b"), student("rte", 4, 4, 4.0, "a"), teacher("rte", 4, 4.0, "z")]
    grouped = by_task([STSB, *sizes, *equal])
    assert list(grouped) == ["rte", "stsb"]
    assert grouped["rte"] == (sizes[1], sizes[2], sizes[0], equal[2], equal[1], equal[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "RTE"}, "task name 'RTE' is not of the form"),
        ({"kind": "assistant"}, "task rte: kind 'assistant' is none of teacher, student"),
        ({"frozen": -1}, "task rte: frozen -1 is not a whole number of 0 or more"),
        ({"tuned": 0}, "task rte: tuned 0 is not a whole number of 1 or more"),
        ({"tuned": 2.0}, "task rte: tuned 2.0 is not a whole number of 1 or more"),
        ({"seeds": 0}, "task rte: seeds 0 is not"),
        ({"seeds": True}, "task rte: seeds True is not"),
        ({"quality": math.nan}, "task rte: quality nan is not in -100..100 percent"),
        ({"quality": 100.1}, "task rte: quality 100.1 is not in"),
        ({"quality": "80"}, "task rte: quality '80' is not in"),
        ({"standard_error": -0.1}, "task rte: standard_error -0.1 is not in 0..100 percent"),
        ({"standard_error": math.inf}, "task rte: standard_error inf is not in"),
        ({"folder": ""}, "task rte: folder '' names no branch folder"),
        ({"folder": 5}, "task rte: folder 5 names no branch folder"),
    ],
)
def test_impossible_options(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(RTE, **change)


def test_a_correlation_may_be_negative() -> None:
    assert replace(RTE, quality=-100.0).quality == -100


# The one-standard-error rule.


@pytest.mark.parametrize(
    ("error", "chosen"),
    [(0.0, 4), (0.05, 4), (0.1, 3), (0.2, 3), (1.19, 3), (1.2, 1), (30.0, 1)],
)
def test_cheapest_within_one_standard_error_of_the_best(error: float, chosen: int) -> None:
    """At 0.1 the bound is met exactly, though in floats 80.2 - 0.1 is above 80.1."""
    candidates = [
        candidate("rte", 3, 1, 79.0, error=9.0),
        candidate("rte", 3, 2, 78.9, error=9.0),
        candidate("rte", 3, 3, 80.1, error=9.0),
        candidate("rte", 3, 4, 80.2, error=error),
    ]
    assert one_standard_error_choice(candidates, LAYERS.branch).tuned == chosen


def test_equally_cheap_ones() -> None:
    """The better of them, then the first; the surest of equally good ones says how far one may go."""
    best, near = candidate("rte", 5, 2, 80.0, error=1.0), candidate("rte", 3, 1, 79.5)
    better, same = candidate("rte", 4, 1, 79.75), candidate("rte", 5, 1, 79.75)
    assert one_standard_error_choice([best, near, better, same], LAYERS.branch) is better
    assert one_standard_error_choice([same, better, near, best], LAYERS.branch) is same
    assert (
        one_standard_error_choice([near, best, candidate("rte", 6, 3, 80.0, error=0.25)], LAYERS.branch)
        is best
    )


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40), st.integers(0, 20)), min_size=1, max_size=8))
def test_one_standard_error_is_its_definition(rows: list[tuple[int, int, int]]) -> None:
    """Each row is a price, a quality and an error, in eighths, which floats hold exactly."""
    prices = {
        BranchCandidate("rte", 0, 1, "teacher", quality / 8, error / 8, 1, str(place)): price
        for place, (price, quality, error) in enumerate(rows)
    }
    chosen = one_standard_error_choice(prices, prices.__getitem__)
    best = max(each.quality for each in prices)
    floor = best - min(each.standard_error for each in prices if each.quality == best)
    assert chosen.quality >= floor
    assert prices[chosen] == min(price for each, price in prices.items() if each.quality >= floor)


def test_it_takes_the_choices_of_a_front_too() -> None:
    """Two tasks with errors of 3 and 4 points: their mean has one of 2.5."""
    candidates = [candidate("rte", 3, 1, 78.0), candidate("rte", 3, 4, 81.0, error=3.0)]
    candidates += [candidate("stsb", 3, 1, 87.0), candidate("stsb", 3, 4, 90.0, error=4.0)]
    chosen = one_standard_error_choice(pareto_front(candidates), lambda choice: choice.cost)
    assert (chosen.cost, chosen.quality) == (8, 84.0)


# Rules to selections.

LADDERS = [
    *(
        student("rte", 5, 1, 62.0),
        student("rte", 5, 2, 66.0),
        replace(teacher("rte", 5, 67.0), standard_error=1),
    ),
    *(student("stsb", 8, 1, 85.0), student("stsb", 8, 2, 87.5), teacher("stsb", 8, 88.0)),
]


def test_rules() -> None:
    marginal = by_marginal_benefit(LADDERS, 3.0)
    assert (marginal.rule, marginal.parameters) == ("marginal_benefit", {"threshold": 3.0})
    assert [each.tuned for each in marginal.chosen] == [2, 1]
    best = by_optimum(LADDERS, 11)
    assert (best.rule, best.parameters) == ("optimum", {"budget": 11, "unit": "layers"})
    assert [each.tuned for each in best.chosen] == [2, 2]
    sparing = by_one_standard_error(LADDERS, weights={"rte": 1.0, "stsb": 3.0})
    assert (sparing.rule, sparing.parameters) == ("one_standard_error", {"unit": "layers"})
    assert [each.tuned for each in sparing.chosen] == [2, 8]
    assert [(each.layers, each.mean_quality) for each in (marginal, best, sparing)] == [
        (10, 75.5),
        (11, 76.75),
        (17, (66 + 3 * 88) / 4),
    ]


def test_rules_obey_the_cost_and_the_weights_they_are_given() -> None:
    dear = Cost("bytes", lambda depth: 5, lambda each: 100 if each.tuned < 3 else 7)
    assert [each.tuned for each in by_one_standard_error(LADDERS, dear).chosen] == [5, 8]
    assert by_optimum(LADDERS, 19, dear).parameters == {"budget": 19, "unit": "bytes"}
    light = by_optimum(LADDERS, 10, weights={"rte": 1.0, "stsb": 2.0})
    assert ([each.tuned for each in light.chosen], light.weights) == ([1, 2], {"rte": 1.0, "stsb": 2.0})


@pytest.mark.parametrize(("student_layers", "layers"), [(None, 67), (1, 15), (2, 23), (3, 31)])
def test_overheads_are_the_papers(student_layers: int | None, layers: int) -> None:
    """Table 2: without distillation, and with one, two and three layers a student."""
    chosen = tuple(
        student(task, depth, student_layers, 80.0) if student_layers else teacher(task, depth, 80.0)
        for task, depth in PAPER.items()
    )
    selection = Selection("marginal_benefit", {"threshold": 1.0}, dict.fromkeys(PAPER, 1.0), chosen)
    assert selection.layers == layers
    assert max(each.frozen for each in chosen) == N - 5


# selection.json.


def test_what_is_written() -> None:
    assert as_written(CHOSEN) == {
        "format_version": 1,
        "rule": "optimum",
        "parameters": {"budget": 12.0, "unit": "layers"},
        "weights": {"rte": 3.0, "stsb": 1.0},
        "layers": 7 + 2 + 3,
        "mean_quality": (3 * 66.5 + 88.25) / 4,
        "options": [asdict(RTE), asdict(STSB)],
    }


@pytest.mark.parametrize(
    "selection",
    [CHOSEN, by_marginal_benefit(LADDERS, 0.1), by_one_standard_error(LADDERS), by_optimum(LADDERS, 10)],
)
def test_round_trip(selection: Selection, tmp_path: Path) -> None:
    path = write_selection(selection, tmp_path)
    assert path == tmp_path / "selection.json"
    assert read_selection(tmp_path) == selection
    assert [each.name for each in tmp_path.iterdir()] == ["selection.json"]


def test_a_full_disk_spares_the_selection_of_before(tmp_path: Path) -> None:
    write_selection(CHOSEN, tmp_path)
    with largest_file(100), pytest.raises(OSError, match="File too large"):
        write_selection(by_optimum(LADDERS, 10), tmp_path)
    assert read_selection(tmp_path) == CHOSEN
    assert [each.name for each in tmp_path.iterdir()] == ["selection.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        *((drop(key), f"missing keys: '{key}'") for key in as_written(CHOSEN) if "_" not in key),
        (drop("mean_quality"), "missing keys: 'mean_quality'"),
        (put("seed", value=1), "unknown keys: 'seed'"),
        (drop("format_version"), "has no format_version"),
        (put("format_version", value=2), "format_version 2 is newer than 1"),
        (drop("options", 0, "folder"), "missing keys of 'options[0]': 'folder'"),
        (put("options", 1, "extra", value=1), "unknown keys of 'options[1]': 'extra'"),
        (put("options", 1, "tuned", value=0), "task stsb: tuned 0 is not"),
        (put("options", 1, "task", value=7), "key 'options[1].task' is 7, wanted a text"),
        (put("options", 1, "task", value="rte"), "the tasks rte, rte are not sorted, or one occurs twice"),
        (put("options", value=[]), "a selection of no task"),
        (put("options", value=7), "key 'options' is 7, wanted a list"),
        (drop("weights", "rte"), "the weights are not those of the tasks rte, stsb: see ['rte']"),
        (put("weights", "rte", value=-1), "task rte: weight -1 is not a number above 0"),
        (
            put("rule", value="guess"),
            "rule 'guess' is none of marginal_benefit, optimum, one_standard_error",
        ),
        (
            put("rule", value="marginal_benefit"),
            "missing or unknown parameters ['budget', 'threshold', 'unit']",
        ),
        (drop("parameters", "unit"), "rule optimum: missing or unknown parameters ['unit']"),
        (put("parameters", "unit", value=3), "rule optimum: parameter unit cannot be 3"),
        (put("parameters", "budget", value="3"), "rule optimum: parameter budget cannot be '3'"),
        (
            put("parameters", "budget", value=None),
            "key 'parameters.budget' is None, wanted a number",
        ),
        (put("parameters", "budget", value=math.nan), "key 'budget' is nan, which is no number in JSON"),
        (put("layers", value=13), "was edited: its layers or its mean_quality do not add up"),
        (put("mean_quality", value=80.0), "was edited"),
        (put("options", 0, "quality", value=99.0), "was edited"),
    ],
)
def test_selections_that_are_refused(
    change: Callable[[dict[str, Any]], None], message: str, tmp_path: Path
) -> None:
    keys = as_written(CHOSEN)
    change(keys)
    tmp_path.joinpath("selection.json").write_text(json.dumps(keys))
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        read_selection(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'selection.json'}: ")


# The merge command.


def test_the_merge_command_is_what_run_merge_reads() -> None:
    program, dash_m, module, *arguments = merge_command(CHOSEN, Path("a bert"), Path("out/merged"))
    assert (program, dash_m, module) == (sys.executable, "-m", run_merge.__name__)
    flags = copy.deepcopy(run_merge.FLAGS)
    assert flags(["run_merge", *arguments]) == ["run_merge"]
    assert (flags.base, flags.output_dir) == ("a bert", "out/merged")
    assert flags.branches == [RTE.folder, STSB.folder]


@pytest.mark.parametrize("folder", ["jobs/a,b", 'jobs/"a"', "jobs/a ", " jobs/a", "jobs/a\nb"])
def test_folders_that_a_list_cannot_hold(folder: str) -> None:
    selection = replace(CHOSEN, chosen=(replace(RTE, folder=folder), STSB))
    with pytest.raises(ValueError, match="--branches cannot be told") as error:
        merge_command(selection, Path("bert"), Path("out"))
    assert repr(folder) in str(error.value)
