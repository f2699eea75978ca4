"""What a report can lack: it says so, is shorter, and invents nothing."""

import math
from pathlib import Path

from report_pages import HtmlPage
from report_sample import COSTS, JOBS, MIXED, RTE_2, Shown, shown
from tiny_jobs import LAYERS, finished, full, students, teachers

from centrabert.search.report.report import write_report

NO_SELECTION = "Nothing was selected, so there is no mixed model."
NO_STUDENTS = "No student was distilled from a teacher, so there is no KD row."
NO_STARTS = "No student started from pretrained layers, so the two starts are not compared."
NO_LAYERS = "The layers of the BERT are not known, so there is no overhead and no curve."
NO_RATIO = "rte: no full fine-tuning, so the search's cost has no ratio."
NO_FULL = "rte: no full fine-tuning to compare with."
ONE_SEED = "rte: no setting with several seeds, so the spread is unknown."


def test_nothing_at_all(tmp_path: Path) -> None:
    write_report([], None, tmp_path)
    page = HtmlPage(tmp_path.joinpath("report.html").read_text())
    assert page.headings == ["Search report", "What is missing", "Jobs"]
    assert shown([]) == Shown({}, (NO_STUDENTS, NO_SELECTION, NO_LAYERS, NO_STARTS))


def test_no_full_fine_tuning(tmp_path: Path) -> None:
    jobs = [*teachers("rte", 3, 60.0, 62.0), *students("rte", 3, 1, 58.0, 58.0)]
    found = shown(jobs)
    assert found.missing == (NO_FULL, NO_SELECTION, NO_LAYERS, NO_STARTS, NO_RATIO)
    assert found.tables["Models for all tasks (Table 2)"] == [
        ["model", "rte", "average", "layers", "overhead", "kept"],
        ["KD-1", "58.0 ± 0.0 (58.0)", "58.00 (58.00)", "–", "–", "–"],
        ["without KD", "61.0 ± 1.4 (62.0)", "61.00 (62.00)", "–", "–", "–"],
    ]
    assert found.tables["What the search cost"] == [
        COSTS[0],
        ["rte", "teachers", "2", "24.0", "72.0", "6,000", "–", "–"],
        ["rte", "students", "2", "24.0", "72.0", "2,000", "–", "–"],
        ["rte", "the search", "4", "48.0", "144.0", "8,000", "–", "–"],
    ]
    write_report(jobs, None, tmp_path, LAYERS)
    page = HtmlPage(tmp_path.joinpath("report.html").read_text())
    assert page.tables[2][1:] == [
        ["front", "4", "66.7%", "58.00", "0.00", "–", "rte 3+1"],
        ["front", "6", "100.0%", "61.00", "1.00", "–", "rte 3+3"],
        ["c = 2 to 5", "4", "66.7%", "58.00", "0.00", "–", "rte 3+1"],
        ["c = 0.1 to 1", "6", "100.0%", "61.00", "1.00", "–", "rte 3+3"],
    ]


def test_one_seed_and_no_students() -> None:
    found = shown([*full("rte", 70.0, padded=True), *teachers("rte", 3, 60.0)])
    assert found.missing == (ONE_SEED, NO_STUDENTS, NO_SELECTION, NO_STARTS)
    assert found.tables["Metric for each L (Table 1)"] == [
        ["task", "metric", "L = 3", "full fine-tuning"],
        ["rte", "accuracy", "60.0", "70.0"],
    ]
    overhead = found.tables["Quality against overhead (Appendix D)"]
    assert overhead[1] == ["front", "6", "100.0%", "60.00", "–", "85.7%", "rte 3+3"]


def test_a_task_with_full_fine_tuning_only() -> None:
    """No average that leaves a task out, and no curve."""
    found = shown([*JOBS, *full("stsb", 88.0, 88.0, padded=True)], MIXED)
    models = found.tables["Models for all tasks (Table 2)"]
    assert models[-1] == ["mixed", "77.0 ± 1.4 (78.0)", "64.5 ± 0.7 (65.0)", "–", "–", "–", "–", "–"]
    assert models[1][4:] == ["80.33 (81.33)", "18", "100.0%", "100.0%"]
    assert "Quality against overhead (Appendix D)" not in found.tables
    costs = found.tables["What the search cost"]
    assert costs[-1] == COSTS[-1]  # what was not searched saves nothing
    assert {
        "stsb: no teacher, so no L to compare.",
        "KD-1: nothing for stsb, so no average and no overhead.",
        "mixed: nothing for stsb, so no average and no overhead.",
        "stsb: no teacher, so no curve of quality against overhead.",
    } <= set(found.missing)


def test_a_run_that_diverged() -> None:
    jobs = [
        *teachers("rte", 3, 60.0, 62.0),
        finished("teacher", "rte", math.nan, tuned=2, folder="jobs/lost"),
    ]
    found = shown(jobs, layers=LAYERS)
    assert found.tables["Metric for each L (Table 1)"] == [
        ["task", "metric", "L = 3", "full fine-tuning"],
        ["rte", "accuracy", "61.0 ± 1.4 (62.0)", "–"],
    ]
    costs = found.tables["What the search cost"]
    assert costs[1][2] == "3"
    line = "rte L=2 lr=5e-05 epochs=3 seed=0: its quality is nan; it counts as cost only (jobs/lost)."
    assert line in found.missing


def test_a_selection_of_other_jobs() -> None:
    """A quality without its job is no number of this report."""
    jobs = [job for job in JOBS if job not in RTE_2]
    found = shown(jobs, MIXED)
    models = found.tables["Models for all tasks (Table 2)"]
    assert models[-1] == ["mixed", "77.0 ± 1.4 (78.0)", "–", "–", "–", "–", "–"]
    assert f"The selection names {MIXED.chosen[1].folder}, which is of no job here." in found.missing
    overhead = found.tables["Quality against overhead (Appendix D)"]
    assert "mixed" not in [row[0] for row in overhead]


def test_an_average_that_is_not_above_zero_has_no_share() -> None:
    """As that of CoLA's Matthews correlation can be."""
    found = shown([*full("cola", 0.0, -4.0), *teachers("cola", 3, 1.0, 3.0)])
    models = found.tables["Models for all tasks (Table 2)"]
    assert [row[1:] for row in models[1:]] == [
        ["-2.0 ± 2.8 (0.0)", "-2.00 (0.00)", "6", "100.0%", "–"],
        ["2.0 ± 1.4 (3.0)", "2.00 (3.00)", "6", "100.0%", "–"],
    ]
