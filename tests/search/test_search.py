"""The search as a whole, on a pool that answers at once: order, failures, forecasts, cost, what is shown."""

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import tiny_result
import tiny_search
from instant_pool import InstantPool

from centrabert.glue_data.task_data import Examples
from centrabert.search.dry_run import plan_text, sure_jobs
from centrabert.search.finish import MERGED, Rule, selectable, selection_text
from centrabert.search.jobs.job_folder import job_folder, prepare
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.progress import Lines, Table, duration, progresses, seconds_to_come
from centrabert.search.search_loop import Findings, Search, finished_jobs
from centrabert.search.selection.selection import merge_command
from centrabert.search.strategy.search_space import EXHAUSTIVE, SearchSpace, baselines, students, teachers
from centrabert.search.strategy.setting_ranking import Score
from centrabert.search.strategy.training_cost import TrainingCost, Workload

# 2 tasks, 3 L, 2 seeds, 2 l.
SPACE = tiny_search.space(student_layers=(1, 2), seeds=(0, 1))
UNDISTURBED, _ = tiny_search.searched(SPACE, {"rte": 10, "cola": 10})


def search(folder: Path, space: SearchSpace = SPACE) -> Search:
    return Search(space, folder, tiny_search.COST, cores=2)


def run(given: Search, error: Callable[[JobSpec], str | None] = lambda spec: None) -> Findings:
    return given.run(InstantPool(given.jobs_dir, error=error), Lines(StringIO()))


def test_a_search_runs_all_that_is_wanted_and_nothing_twice(tmp_path: Path) -> None:
    given = search(tmp_path)
    pool = InstantPool(given.jobs_dir)
    findings = given.run(pool, Lines(StringIO()))
    assert findings.scores == UNDISTURBED and not findings.errors
    assert sorted(spec.digest for spec in pool.submitted) == sorted(spec.digest for spec in UNDISTURBED)
    assert pool.stopped


def test_the_first_task_is_finished_first(tmp_path: Path) -> None:
    """Its activations are still there when its students want them; the next task only fills idle workers."""
    given = search(tmp_path)
    pool = InstantPool(given.jobs_dir, workers=1)
    given.run(pool, Lines(StringIO()))
    tasks = [spec.task for spec in pool.submitted]
    assert tasks == sorted(tasks, reverse=True)


def test_another_search_in_the_folder_only_adds_what_is_new(tmp_path: Path) -> None:
    run(search(tmp_path))
    wider = search(tmp_path, tiny_search.space(student_layers=(1, 2), strategy=EXHAUSTIVE))
    pool = InstantPool(wider.jobs_dir)
    findings = wider.run(pool, Lines(StringIO()))
    assert not set(pool.submitted) & set(UNDISTURBED)
    assert len(findings.results) == 18 + 12
    assert wider.read() == findings
    ledger = (tmp_path / "ledger.tsv").read_text().splitlines()
    assert len(ledger) - 1 == len({*findings.results, *UNDISTURBED})


def test_a_failed_job_stops_none_but_its_students(tmp_path: Path) -> None:
    bad = next(spec.teacher for spec in UNDISTURBED if spec.student_layers and spec.task == "rte")
    findings = run(search(tmp_path), lambda spec: "no space" if spec.digest == bad else None)
    (failed,) = findings.errors
    assert (failed.digest, findings.errors[failed]) == (bad, "no space")
    assert not any(spec.teacher == bad for spec in findings.results)
    for_cola = {spec: score for spec, score in UNDISTURBED.items() if spec.task == "cola"}
    assert {spec: score for spec, score in findings.scores.items() if spec.task == "cola"} == for_cola
    assert f"failed\t{failed.title}\t" in (tmp_path / "ledger.tsv").read_text()
    assert UNDISTURBED.items() <= run(search(tmp_path)).scores.items()  # tried once more


def test_a_stop_stops_the_pool_and_leaves_the_ledger(tmp_path: Path) -> None:
    given = search(tmp_path)

    def stop(spec: JobSpec) -> None:
        if spec.fine_tuning_layers == 5:
            raise KeyboardInterrupt

    pool = InstantPool(given.jobs_dir, error=stop)
    with pytest.raises(KeyboardInterrupt):
        given.run(pool, Lines(StringIO()))
    assert pool.stopped
    lines = (tmp_path / "ledger.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[0] for line in lines] == ["done", *["waiting"] * 3]
    assert run(given).scores == UNDISTURBED


def test_a_ledger_that_cannot_be_written_stops_nothing(tmp_path: Path, warnings: list[str]) -> None:
    (tmp_path / "ledger.tsv").mkdir()
    assert run(search(tmp_path)).scores == UNDISTURBED
    assert "ledger.tsv: cannot be written" in warnings[0]


def test_lines_say_what_happened_what_it_cost_and_what_is_to_come(tmp_path: Path) -> None:
    given, out = search(tmp_path), StringIO()
    bad = teachers(given.space)[0]
    given.run(InstantPool(given.jobs_dir, error=lambda spec: "no data" if spec == bad else None), Lines(out))
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("1/12 rte L=2 lr=5e-05 epochs=3 seed=0: failed: no data; cost 0.0")
    second = teachers(given.space)[4]
    quality = f"{tiny_result.quality(second):.1f}"
    assert lines[1].startswith(f"2/12 {second.title}: accuracy {quality} in 10 s; cost 0.1")
    assert ", at most 0." in lines[1] and "x to come, 1 failed, at most " in lines[1]
    assert lines[-1].endswith("at most 0.00x to come, 1 failed")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_for_each_task(tmp_path: Path) -> None:
    given, out = search(tmp_path), Terminal()
    given.run(InstantPool(given.jobs_dir), Table(out))
    shown = out.getvalue()
    for name in ("rte", "cola", "all"):
        assert f"{name:5} " in shown
    assert "best " in shown and "with L=5 (1 seed)" in shown
    assert f"{len(UNDISTURBED)}/{len(UNDISTURBED)}" in shown


def test_progress_of_a_task() -> None:
    given = tiny_search.space()
    one, two, three = teachers(given)[:3]
    scores = {one: Score(60.0), two: None, three: Score(70.0)}
    rte, whole = progresses(teachers(given)[:9], scores, tiny_search.COST)
    assert (rte.name, rte.ended, rte.failed, rte.foreseen) == ("rte", 3, 1, 9)
    assert rte.best == "best 65.0 with L=2 (2 seeds)"
    assert rte.text.startswith("cost 0.") and rte.text.endswith("best 65.0 with L=2 (2 seeds), 1 failed")
    assert (whole.name, whole.best, whole.ended, whole.foreseen) == ("all", "", 3, 9)
    unit = tiny_search.COST.conventional(["rte"])
    assert rte.spent + rte.to_come == pytest.approx(tiny_search.COST.of(teachers(given)[:9]) / unit)


def test_time_to_come_goes_by_what_jobs_took() -> None:
    jobs = teachers(tiny_search.space(fine_tuning_layers=(3,)))[:3]  # equal jobs, and one pass of the trunk
    assert seconds_to_come(jobs, {}, {}, tiny_search.COST, 2) is None
    uncached = TrainingCost(6, tiny_search.WORKLOADS, cached=False)
    took = {jobs[0]: 100.0, jobs[1]: 140.0}
    assert seconds_to_come(jobs, dict.fromkeys(took, 70.0), took, uncached, 2) == pytest.approx(120 / 2)
    failed = {jobs[0]: 70.0, jobs[1]: None}
    assert seconds_to_come(jobs, failed, {jobs[0]: 100.0}, uncached, 1) == pytest.approx(100)
    assert [duration(seconds) for seconds in (None, 0, 1, 90, 3600, 11220)] == [
        *("", "", "1 min", "2 min", "1 h 00 min", "3 h 07 min"),
    ]


def test_costs_by_hand() -> None:
    """100 rows of 2000 word pieces in all, judged on 300; 6 layers; 3 epochs, each judged."""
    space = tiny_search.space(baseline="bucketed")
    teacher = teachers(space)[3]
    assert teacher.fine_tuning_layers == 3
    cached, uncached = (TrainingCost(6, tiny_search.WORKLOADS, kept) for kept in (True, False))
    own = 3 * 2000 * 3 * 3 + 3 * 300 * 3
    assert uncached.of([teacher]) == own + 3 * 2000 * 3 + 3 * 300 * 3
    fill = 3 * (2000 + 300)
    assert cached.of([teacher]) == own + fill
    assert cached.of([teacher, teachers(space)[4]]) == 2 * own + fill
    assert cached.of([*teachers(space)[:1], teacher]) - own == (
        3 * 2000 * 3 * 2 + 3 * 300 * 2 + 4 * (2000 + 300)  # L = 2, and one pass to its depth for both
    )
    one, two, _ = students(teacher, space)
    logits = 2000 * 3
    assert cached.of([one]) == 3 * 2000 * 3 * 1 + 3 * 300 * 1 + logits + fill
    assert cached.of([one, two]) == 3 * 2000 * 3 * 3 + 3 * 300 * 3 + logits + fill
    assert uncached.of([one]) == 3 * 2000 * (3 + 3) + 3 * 300 * (1 + 3) + 2000 * 6
    (full,) = baselines(space)[:1]
    assert cached.of([full]) == uncached.of([full]) == 3 * 2000 * 3 * 6 + 3 * 300 * 6
    work = replace(tiny_search.WORKLOADS["rte"], unlabelled_rows=40, unlabelled_tokens=500)
    with_texts = TrainingCost(6, {"rte": work}, cached=True)
    texts = {"unlabelled_file": "rte.tsv", "unlabelled_digest": "1"}
    assert with_texts.of([teacher, replace(one, **texts)]) == (
        own + fill + 3 * 2500 * 3 * 1 + 3 * 300 * 1 + 2500 * 3 + 3 * 2500  # the trunk sees the rows twice
    )
    wide, wide_with_texts = replace(one, padded=True), replace(one, padded=True, **texts)
    more = with_texts.of([wide_with_texts]) - with_texts.of([wide])
    assert more == 40 * 128 * (3 * 3 * 1 + 3 + 3)
    padded = baselines(tiny_search.space(baseline="padded"))[0]
    assert cached.of([padded]) == cached.conventional(["rte"]) == 3 * 128 * 6 * (3 * 100 + 10)
    assert cached.of([]) == 0


def test_a_workload_is_estimated_without_the_vocabulary() -> None:
    long = "word " * 50
    rows = Examples(("One two, three.", *[long] * 4), ("four", *[long] * 4))
    space = tiny_search.space(max_seq_length=64)
    # round(1.23 * 4) + 3 = 8, and four of 64, as many as are read.
    two = Examples(rows.text_a[:2], rows.text_b[:2])
    assert Workload.of("rte", rows, two, space) == Workload("rte", 5, 2, 8 + 4 * 64, 8 + 64)
    some = tiny_search.space(max_train_rows=1)
    assert Workload.of("rte", rows, rows, some).train_tokens == 8
    single = Examples(("One two, three.",), ("",))
    assert Workload.of("cola", single, rows, space).train_tokens == round(1.23 * 3) + 2
    known = Workload.of("cola", single, single, space, unlabelled=Examples(("One", "two three"), ("", "")))
    assert (known.unlabelled_rows, known.unlabelled_tokens) == (2, 1 + 2 + 2 + 2)
    chinese = Examples(("我想去 New York",), ("",))
    assert Workload.of("cola", chinese, rows, space).train_tokens == 3 + round(1.23 * 2) + 2
    with pytest.raises(ValueError, match="task rte: dev has no rows"):
        Workload.of("rte", rows, Examples((), ()), space)


def test_a_plan_says_what_is_sure(tmp_path: Path) -> None:
    given = search(tmp_path)
    first = [spec for spec in teachers(given.space) if spec.seed == 0]
    assert set(sure_jobs(given, Findings())) == set(first)
    lines = plan_text(given, Findings()).splitlines()
    assert lines[0].startswith("rte: 5 to 6 jobs, cost 0.")
    assert lines[-1].startswith("all: 10 to 12 jobs, cost 0.")
    assert sum("  sure " in line for line in lines) == 6
    assert sum("  perhaps " in line for line in lines) == 6
    findings = run(given)
    assert plan_text(given, findings).splitlines()[-1].startswith("all: 0 jobs, cost 0.00x to 0.00x")


def test_a_search_without_a_choice_is_sure_of_all(tmp_path: Path) -> None:
    given = search(tmp_path, tiny_search.space(fine_tuning_layers=(3,)))
    assert len(sure_jobs(given, Findings())) == 2 * (1 + 1)  # a larger student may not be wanted
    given = search(tmp_path, tiny_search.space(fine_tuning_layers=(3,), strategy=EXHAUSTIVE))
    assert len(sure_jobs(given, Findings())) == 2 * (3 + 9)


def test_a_selection_and_the_command_that_merges_it(tmp_path: Path) -> None:
    given = search(tmp_path)
    findings = run(given, lambda spec: "no data" if spec.task == "cola" else None)
    candidates = selectable(findings.finished(given.jobs_dir), given.space, given.dev_rows)
    selection = Rule(threshold=2.0).select(candidates)
    (candidate,) = selection.chosen
    # A second layer brings 0.6 points, and 1 more if chance will.
    assert (candidate.task, candidate.frozen, candidate.tuned, candidate.seeds) == ("rte", 4, 1, 2)
    of_that = [spec for spec in findings.results if spec.student_layers == 1]
    assert candidate.quality == pytest.approx(sum(map(tiny_result.quality, of_that)) / 2)
    best = max(of_that, key=tiny_result.quality)
    assert candidate.folder == str(job_folder(given.jobs_dir, best.digest) / "branch")
    command = merge_command(selection, Path(given.space.bert_dir), tmp_path / MERGED)
    assert command[1:] == [
        *("-m", "centrabert.merge.run_merge", "--base=bert"),
        *(f"--branches={candidate.folder}", f"--output_dir={tmp_path}/merged"),
    ]
    assert "rte    student  4 shared + 1 own layers" in selection_text(selection, command)
    budget = Rule(budget_layers=5).select(candidates)
    assert budget.layers == 5
    with pytest.raises(ValueError):
        Rule(budget_layers=1).select(candidates)


def test_nothing_trained_is_nothing_to_choose_from(tmp_path: Path) -> None:
    assert selectable([], SPACE, {}) == []
    with pytest.raises(ValueError, match=r"--threshold=0 is not above 0"):
        Rule(threshold=0)
    with pytest.raises(ValueError, match=r"--budget_layers=-1 is below 0"):
        Rule(budget_layers=-1)


def test_damaged_files_of_other_jobs_are_skipped_and_named(tmp_path: Path, warnings: list[str]) -> None:
    """As a spec with the key of another version."""
    others = [teachers(tiny_search.space(seeds=(seed,)))[0] for seed in (97, 98, 99)]
    unknown, no_json, no_result = (prepare(tmp_path / "jobs", spec) for spec in others)
    keys = json.loads((unknown / "spec.json").read_text())
    (unknown / "spec.json").write_text(json.dumps({**keys, "colour": "red"}))
    (no_json / "spec.json").write_bytes(b"\xff")
    (no_result / "result.json").write_text("{}")
    given = search(tmp_path)
    assert run(given).scores == UNDISTURBED
    assert len(finished_jobs(given.space, given.jobs_dir)) == len(UNDISTURBED)
    told = "\n".join(warnings)
    for file, wrong in (
        (unknown / "spec.json", "unknown keys: 'colour'"),
        (no_json / "spec.json", "not UTF-8 at byte 0"),
        (no_result / "result.json", "result.json: missing keys: "),
    ):
        assert str(file) in told and wrong in told
    assert f"failed\t{others[2].title}\t" in (tmp_path / "ledger.tsv").read_text()


def test_a_damaged_result_fails_its_own_job_alone(tmp_path: Path) -> None:
    first = next(spec for spec in UNDISTURBED if spec.task == "cola")
    (prepare(tmp_path / "jobs", first) / "result.json").write_text("{}")
    findings = run(search(tmp_path))
    assert list(findings.errors) == [first]
    assert findings.errors[first].endswith("remove the file to run the job again")
    for_rte = {spec: score for spec, score in UNDISTURBED.items() if spec.task == "rte"}
    assert {spec: score for spec, score in findings.scores.items() if spec.task == "rte"} == for_rte


def test_spec_files_of_earlier_searches_stay(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "jobs", teachers(tiny_search.space(seeds=(99,)))[0])
    run(search(tmp_path))
    assert "seed=99" in (tmp_path / "ledger.tsv").read_text()
    assert [file.name for file in folder.iterdir()] == ["spec.json"]
