"""What a report rests on: the finished jobs, looked up by what they trained."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from centrabert.errors import UserError
from centrabert.search.jobs.finished_job import FinishedJob
from centrabert.search.jobs.job_spec import FROM_TEACHER, FULL, STUDENT, TEACHER
from centrabert.search.selection.candidate import Option
from centrabert.search.selection.candidates_from_jobs import options
from centrabert.search.selection.seed_group import Runs, by_setting
from centrabert.search.selection.selection import Selection


@dataclass(frozen=True)
class Evidence:
    """Finished jobs and what was selected among them.

    Where several learning rates or epochs were tried, the setting with the most seeds stands for all, and of
    several such the best by mean.

    Attributes:
      num_hidden_layers: N; None if nobody knows, and then nothing is said of layers computed.
    """

    jobs: tuple[FinishedJob, ...]
    selection: Selection | None
    num_hidden_layers: int | None

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(sorted({job.spec.task for job in self.jobs}))

    @cached_property
    def settings(self) -> tuple[Runs, ...]:
        """Every setting with its seeds, the better first; jobs without a valid quality are left out."""
        return by_setting(job for job in self.jobs if job.judged)

    def full(self, task: str) -> Runs | None:
        return _first(runs for runs in self._of(task, FULL))

    def teachers(self, task: str) -> dict[int, Runs]:
        """By L."""
        best: dict[int, Runs] = {}
        for runs in self._of(task, TEACHER):
            best.setdefault(runs.spec.fine_tuning_layers, runs)
        return best

    def teacher(self, task: str) -> Runs | None:
        """The one whose students count: of those with students, if any has, the first."""
        every = self._of(task, TEACHER)
        cuts = {runs.spec.fine_tuning_layers for runs in self._of(task, STUDENT)}
        return _first(runs for runs in every if runs.spec.fine_tuning_layers in cuts) or _first(every)

    def student(self, task: str, layers: int, start: str = FROM_TEACHER) -> Runs | None:
        """With so many layers, of `teacher`."""
        teacher = self.teacher(task)
        return _first(
            runs
            for runs in self._of(task, STUDENT)
            if teacher
            and runs.spec.fine_tuning_layers == teacher.spec.fine_tuning_layers
            and (runs.spec.student_layers, runs.spec.start) == (layers, start)
        )

    def student_sizes(self, start: str = FROM_TEACHER) -> tuple[int, ...]:
        """Every l that any task has."""
        every = [runs.spec for runs in self.settings if runs.spec.kind == STUDENT]
        return tuple(sorted({spec.student_layers for spec in every if spec.start == start}))

    def metric(self, task: str) -> str:
        return next(job.result.metric for job in self.jobs if job.spec.task == task)

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """What could be selected; () if N is not known."""
        return options(self.jobs, self.num_hidden_layers) if self.num_hidden_layers else ()

    def runs_of(self, option: Option) -> Runs | None:
        """All seeds of the setting that an option's branch folder belongs to."""
        return self._by_branch.get(option.folder)

    @cached_property
    def _by_branch(self) -> dict[str, Runs]:
        return {job.branch_folder: runs for runs in self.settings for job in runs.jobs}

    def _of(self, task: str, kind: str) -> list[Runs]:
        return [runs for runs in self.settings if (runs.spec.task, runs.spec.kind) == (task, kind)]


def _first(found: Iterable[Runs]) -> Runs | None:
    return next(iter(found), None)


def gather(
    jobs: Iterable[FinishedJob], selection: Selection | None, num_hidden_layers: int | None = None
) -> Evidence:
    """The jobs in a fixed order.

    Args:
      num_hidden_layers: N; None takes it from a full fine-tuning, whose layers are all there are.

    Raises:
      UserError: A job occurs twice, or full fine-tunings are not of N layers.
    """
    ordered = sorted(jobs, key=lambda job: (job.spec.task, job.spec.title, job.spec.digest))
    for one, other in pairwise(ordered):
        if one.spec == other.spec:
            raise UserError(f"job {one.spec.title} occurs twice, in {one.folder} and {other.folder}")
    return Evidence(tuple(ordered), selection, _all_layers(ordered, num_hidden_layers))


def _all_layers(jobs: Iterable[FinishedJob], given: int | None) -> int | None:
    told = {given} if given else set()
    found = told | {job.spec.fine_tuning_layers for job in jobs if job.spec.kind == FULL}
    if len(found) > 1:
        raise UserError(f"BERTs of {sorted(found)} layers; report on the jobs of one BERT at a time")
    return found.pop() if found else None
