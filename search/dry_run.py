"""What a search would do and cost, in words, before it does anything."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from centrabert.search.jobs.job_spec import STUDENT, JobSpec
from centrabert.search.search_loop import Findings, Search
from centrabert.search.strategy.strategy import best_case_jobs, certain_jobs

SURE, PERHAPS = "sure", "perhaps"


def sure_jobs(search: Search, findings: Findings) -> tuple[JobSpec, ...]:
    """The jobs to run that are wanted whatever the others bring."""
    scores = findings.scores
    jobs = certain_jobs(search.space, scores, search.dev_rows)
    return tuple(spec for spec in jobs if spec not in scores)


def plan_text(search: Search, findings: Findings) -> str:
    """For each task how many jobs at least and at most, with their cost; then every job."""
    return "".join(f"{line}\n" for line in _lines(search, findings))


def stages_text(jobs: Sequence[JobSpec], file: Path) -> str:
    """Which jobs of a plan can run at once, and which only after those: one line for each of the two."""
    students = sum(spec.kind == STUDENT for spec in jobs)
    first = len(jobs) - students
    lines = [f"{file}: {len(jobs)} jobs"]
    if first:
        lines.append(f"  --index={_indices(0, first)}: these need no other job of the plan")
    if students:
        after = f"; run them when {_indices(0, first)} have ended" if first else ""
        lines.append(f"  --index={_indices(first, len(jobs))}: students{after}")
    return "".join(f"{line}\n" for line in lines)


def _indices(start: int, end: int) -> str:
    """`0-11`, as Slurm's --array takes it; `3` of one alone."""
    return f"{start}-{end - 1}" if end - start > 1 else str(start)


def _lines(search: Search, findings: Findings) -> Iterator[str]:
    scores = findings.scores
    least = [spec for spec in best_case_jobs(search.space, scores, search.dev_rows) if spec not in scores]
    most = [spec for spec in search.foreseen(scores) if spec not in scores]
    certain = set(sure_jobs(search, findings))
    for task in search.space.tasks:
        own = [spec for spec in most if spec.task == task]
        yield _range(task, search, [spec for spec in least if spec.task == task], own)
        for spec in own:
            yield f"  {SURE if spec in certain else PERHAPS:7}  {_cost(search, [spec]):.2f}x  {spec.title}"
    yield _range("all", search, least, most)


def _range(name: str, search: Search, least: Sequence[JobSpec], most: Sequence[JobSpec]) -> str:
    jobs = f"{len(least)} to {len(most)} jobs" if len(least) != len(most) else f"{len(most)} jobs"
    return (
        f"{name}: {jobs}, cost {_cost(search, least):.2f}x to {_cost(search, most):.2f}x "
        "one conventional fine-tuning"
    )


def _cost(search: Search, jobs: Sequence[JobSpec]) -> float:
    """In units of one conventional fine-tuning of each of their tasks."""
    tasks = {spec.task for spec in jobs}
    return search.cost.of(jobs) / search.cost.conventional(tasks) if tasks else 0.0
