"""Finished jobs with given qualities and costs, with no training behind them."""

from typing import Any

from centrabert.search.jobs.job_result import FinishedJob, JobResult
from centrabert.search.jobs.job_spec import FULL, STUDENT, TEACHER, JobSpec

LAYERS = 6


def finished(
    kind: str, task: str, percent: float, *, tuned: int = LAYERS, folder: str = "", **spec: Any
) -> FinishedJob:
    """A job of 10 + 2 seconds, 36 of CPU, 1000 tokens a layer; `tuned` is L or, of a student, l."""
    if kind == STUDENT:
        spec = {"student_layers": tuned, "teacher": "0123456789abcdef", **spec}
    else:
        spec = {"fine_tuning_layers": tuned, **spec}
    asked = JobSpec("bert", "glue", task, kind, **spec)
    tokens = 1000 * tuned * (4 if asked.padded else 1)
    quality = percent / 100
    result = JobResult("accuracy", {"accuracy": quality}, (), 10.0, 2.0, 36.0, 3, tokens, 7)
    return FinishedJob(asked, result, folder or f"jobs/{asked.digest}")


def full(task: str, *percents: float, **rest: Any) -> list[FinishedJob]:
    """One job for each seed."""
    return [finished(FULL, task, each, seed=seed, **rest) for seed, each in enumerate(percents)]


def teachers(task: str, layers: int, *percents: float, **rest: Any) -> list[FinishedJob]:
    return [
        finished(TEACHER, task, each, tuned=layers, seed=seed, **rest) for seed, each in enumerate(percents)
    ]


def students(task: str, teacher: int, layers: int, *percents: float, **rest: Any) -> list[FinishedJob]:
    """With so many layers, of teachers with `teacher` layers."""
    return [
        finished(STUDENT, task, each, tuned=layers, fine_tuning_layers=teacher, seed=seed, **rest)
        for seed, each in enumerate(percents)
    ]
