"""What the report computes: the paper's overheads, the rule's points, the measure of cost."""

import math
from dataclasses import replace

import pytest
from report_sample import JOBS, MIDDLE, RTE, TABLE_2, rows, shown
from tiny_candidates import PAPER
from tiny_jobs import LAYERS, full, students, teachers

from centrabert.search.report.appendix_d_curve import curve, curve_section
from centrabert.search.report.result_index import index_results
from centrabert.search.report.table2_models import model_section
from centrabert.search.selection.candidates_from_jobs import branch_candidates
from centrabert.search.selection.rules import by_marginal_benefit, by_optimum


@pytest.mark.parametrize(
    ("model", "layers", "share"),
    [
        ("KD-1", "15", "15.6%"),
        ("KD-2", "23", "24.0%"),
        ("KD-3", "31", "32.3%"),
        ("without KD", "67", "69.8%"),
    ],
)
def test_overheads_are_the_papers(model: str, layers: str, share: str) -> None:
    jobs = [
        job
        for task, depth in PAPER.items()
        for job in (
            *teachers(task, depth, 80.0),
            *(job for size in (1, 2, 3) for job in students(task, depth, size, 70.0)),
        )
    ]
    section = model_section(index_results(jobs, None, 12))
    assert section.table
    found = {row[0].text: row for row in section.table.rows}
    assert [cell.text for cell in found[model][-3:]] == [layers, share, "–"]


def test_the_rules_points_are_those_of_the_rule() -> None:
    given = branch_candidates(JOBS, LAYERS)
    found = curve(index_results(JOBS, by_marginal_benefit(given, 1.3)))
    assert found and found.mixed
    points = {point.name: point.choice.chosen for point in found.rule}
    assert points["c = 1.3 to 3"] == by_marginal_benefit(given, 1.3).chosen
    assert points["c = 5"] == by_optimum(given, 7).chosen
    assert (found.separate_layers, found.reference, found.mixed.layers) == (12, 76.5, 8)


def test_a_selection_made_before_the_last_seed_is_judged_by_all() -> None:
    """And its unequal weights are told, not used."""
    before = [job for job in JOBS if job.spec.seed == 0 and job.spec.fine_tuning_layers != 5]
    early = by_marginal_benefit(branch_candidates(before, LAYERS), 2.0, {"mrpc": 1.0, "rte": 3.0})
    assert {candidate.seeds for candidate in early.chosen} == {1}
    results = index_results(JOBS, early)
    table = model_section(results).table
    assert table and rows(table)[-1] == TABLE_2[-1]
    assert "It weighed the tasks (mrpc 1, rte 3)" in model_section(results).text
    section = curve_section(results)
    assert section.table and rows(section.table)[-2] == ["mixed", *MIDDLE]


def test_students_of_another_teacher_do_not_count() -> None:
    """As of a search that was widened, and found a better L: its distillation is behind."""
    table = model_section(index_results([*RTE, *students("rte", 2, 1, 66.0, 66.0)], None)).table
    assert table and [cell.text for cell in table.rows[1][:2]] == ["KD-1", "61.0 ± 1.4 (62.0)"]


def test_conventional_is_padded_and_short() -> None:
    """Of the full fine-tunings the padded ones of the fewest epochs measure, whatever they are worth."""
    others = [
        *full("rte", 70.0, num_train_epochs=1.0),
        *full("rte", 70.0, padded=True, num_train_epochs=4.0),
        *full("rte", math.nan, padded=True, num_train_epochs=2.0),
    ]
    costs = shown([*others, *teachers("rte", 3, 60.0)]).tables["What the search cost"]
    assert costs[2] == ["rte", "teachers", "1", "12.0", "36.0", "3,000", "1.00", "0.12"]
    assert costs[-1][1:] == [
        "one full fine-tuning, 2 epochs, padded",
        "1",
        "12.0",
        "36.0",
        "24,000",
        "1.00",
        "1.00",
    ]


@pytest.mark.parametrize(("error", "shown_error"), [(0.02, "2.00"), (None, "–")])
def test_the_error_of_one_seed_is_that_of_the_rows_of_dev(error: float | None, shown_error: str) -> None:
    """Which an older version has not measured."""
    jobs = [replace(job, result=replace(job.result, metric_error=error)) for job in teachers("rte", 4, 64.0)]
    table = curve_section(index_results(jobs, None, LAYERS)).table
    assert table and {row[table.header.index("error")].text for row in table.rows} == {shown_error}
