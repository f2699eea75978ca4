"""What the search cost, against one conventional full fine-tuning of the same task."""

import math
from dataclasses import dataclass

from centrabert.search.jobs.job_result import FinishedJob
from centrabert.search.jobs.job_spec import FROM_PRETRAINED, FULL, STUDENT, TEACHER
from centrabert.search.report.document import NOTHING, Cell, Row, Section, Table, each_once
from centrabert.search.report.result_index import ResultIndex

TITLE = "What the search cost"
TEXT = (
    "Finished jobs only, preparation included. CPU seconds are what all cores of a job worked; "
    "tokens are word pieces that passed through training, padding included. The search is teachers and the "
    "students that start from them; students from pretrained layers are for comparison. Ratios are against "
    "one conventional full fine-tuning of the task: padded to the full length if such a job was run, as its "
    "row says; of several epochs the fewest; the mean over jobs."
)
HEADER = ("task", "what", "jobs", "seconds", "CPU seconds", "tokens", "CPU ratio", "tokens ratio")
Jobs = tuple[FinishedJob, ...]


@dataclass(frozen=True)
class Spent:
    """A sum over jobs, or a sum of means.

    Attributes:
      jobs: All that it is computed from.
    """

    seconds: float
    cpu_seconds: float
    tokens: float
    jobs: Jobs

    @classmethod
    def on(cls, jobs: Jobs) -> "Spent":
        return cls(
            math.fsum(job.seconds for job in jobs),
            math.fsum(job.result.cpu_seconds for job in jobs),
            math.fsum(job.result.tokens for job in jobs),
            jobs,
        )

    def divided(self, parts: int) -> "Spent":
        return Spent(self.seconds / parts, self.cpu_seconds / parts, self.tokens / parts, self.jobs)

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            self.tokens + other.tokens,
            self.jobs + other.jobs,
        )


def conventional(results: ResultIndex, task: str) -> Jobs:
    """The full fine-tunings whose mean is the measure: padded ones if there are, those of the fewest epochs.

    They need no valid quality: they cost what they cost.
    """
    full = _jobs(results, task, FULL)
    alike = [job for job in full if job.spec.padded] or full
    epochs = min((job.spec.num_train_epochs for job in alike), default=0)
    return tuple(job for job in alike if job.spec.num_train_epochs == epochs)


def cost_section(results: ResultIndex) -> Section:
    """For each task a row for each kind of job, the search as a whole, and what it is measured by."""
    rows = [row for task in results.tasks for row in _task_rows(results, task)]
    table = Table(HEADER, (*rows, *_total_rows(results))) if rows else None
    return Section(TITLE, TEXT, table, _missing(results))


def _task_rows(results: ResultIndex, task: str) -> list[Row]:
    parts = {
        "full fine-tuning": _jobs(results, task, FULL),
        "teachers": _jobs(results, task, TEACHER),
        "students": _jobs(results, task, STUDENT),
        "students from pretrained": _from_pretrained(results, task),
        "the search": _search(results, task),
    }
    measure = _measure(results, task)
    rows = [_row(task, what, Spent.on(jobs), measure) for what, jobs in parts.items() if jobs]
    return rows + ([_row(task, _what(measure.jobs), measure, measure)] if measure else [])


def _total_rows(results: ResultIndex) -> tuple[Row, ...]:
    """The search of all tasks that were searched, against the sum of their measures if each has its own."""
    searched = [task for task in results.tasks if _search(results, task)]
    if len(searched) < 2:
        return ()
    jobs = tuple(job for task in searched for job in _search(results, task))
    measures = [measure for task in searched if (measure := _measure(results, task))]
    whole = sum(measures, Spent.on(())) if len(measures) == len(searched) else None
    return (_row("all tasks", "the search", Spent.on(jobs), whole),)


def _measure(results: ResultIndex, task: str) -> Spent | None:
    jobs = conventional(results, task)
    return Spent.on(jobs).divided(len(jobs)) if jobs else None


def _row(task: str, what: str, spent: Spent, measure: Spent | None) -> Row:
    return (
        Cell(task),
        Cell(what),
        Cell(str(len(spent.jobs)), spent.jobs),
        Cell(f"{spent.seconds:,.1f}", spent.jobs),
        Cell(f"{spent.cpu_seconds:,.1f}", spent.jobs),
        Cell(f"{spent.tokens:,.0f}", spent.jobs),
        *_ratios(spent, measure),
    )


def _ratios(spent: Spent, measure: Spent | None) -> Row:
    """Of CPU seconds and of tokens."""
    if measure is None:
        return NOTHING, NOTHING
    both = each_once(spent.jobs + measure.jobs)
    pairs = (spent.cpu_seconds, measure.cpu_seconds), (spent.tokens, measure.tokens)
    return tuple(Cell(f"{own / other:.2f}", both) if other else NOTHING for own, other in pairs)


def _what(measure: Jobs) -> str:
    padding = "padded" if measure[0].spec.padded else "not padded"
    mean = f", mean of {len(measure)}" if len(measure) > 1 else ""
    return f"one full fine-tuning, {measure[0].spec.num_train_epochs:g} epochs, {padding}{mean}"


def _jobs(results: ResultIndex, task: str, kind: str) -> Jobs:
    """Of one kind, without students for comparison."""
    return tuple(
        job
        for job in results.jobs
        if (job.spec.task, job.spec.kind) == (task, kind) and job.spec.start != FROM_PRETRAINED
    )


def _from_pretrained(results: ResultIndex, task: str) -> Jobs:
    return tuple(job for job in results.jobs if job.spec.task == task and job.spec.start == FROM_PRETRAINED)


def _search(results: ResultIndex, task: str) -> Jobs:
    return _jobs(results, task, TEACHER) + _jobs(results, task, STUDENT)


def _missing(results: ResultIndex) -> tuple[str, ...]:
    without = [task for task in results.tasks if not conventional(results, task)]
    bucketed = [
        task
        for task in results.tasks
        if (measure := conventional(results, task)) and not measure[0].spec.padded
    ]
    lines = []
    if without:
        lines.append(f"{', '.join(without)}: no full fine-tuning, so the search's cost has no ratio.")
    if bucketed:
        lines.append(
            f"{', '.join(bucketed)}: no padded full fine-tuning, so ratios are against one that pads to the "
            "longest of a batch only, which costs less than a conventional one."
        )
    return tuple(lines)
