"""What a report rests on: the finished jobs, looked up by what they trained."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from centrabert.errors import UserError
from centrabert.search.jobs.job_result import FinishedJob
from centrabert.search.jobs.job_spec import FROM_TEACHER, FULL, STUDENT, TEACHER
from centrabert.search.selection.candidate import BranchCandidate
from centrabert.search.selection.candidates_from_jobs import branch_candidates
from centrabert.search.selection.seed_group import FinishedGroup, seed_groups
from centrabert.search.selection.selection import Selection


@dataclass(frozen=True)
class ResultIndex:
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
    def settings(self) -> tuple[FinishedGroup, ...]:
        """Every setting with its seeds, the better first; jobs without a valid quality are left out."""
        return seed_groups(job for job in self.jobs if job.judged)

    def full(self, task: str) -> FinishedGroup | None:
        return _first(group for group in self._of(task, FULL))

    def teachers(self, task: str) -> dict[int, FinishedGroup]:
        """By L."""
        best: dict[int, FinishedGroup] = {}
        for group in self._of(task, TEACHER):
            best.setdefault(group.spec.fine_tuning_layers, group)
        return best

    def teacher(self, task: str) -> FinishedGroup | None:
        """The one whose students count: of those with students, if any has, the first."""
        every = self._of(task, TEACHER)
        cuts = {group.spec.fine_tuning_layers for group in self._of(task, STUDENT)}
        return _first(group for group in every if group.spec.fine_tuning_layers in cuts) or _first(every)

    def student(self, task: str, layers: int, start: str = FROM_TEACHER) -> FinishedGroup | None:
        """With so many layers, of `teacher`."""
        teacher = self.teacher(task)
        return _first(
            group
            for group in self._of(task, STUDENT)
            if teacher
            and group.spec.fine_tuning_layers == teacher.spec.fine_tuning_layers
            and (group.spec.student_layers, group.spec.start) == (layers, start)
        )

    def student_sizes(self, start: str = FROM_TEACHER) -> tuple[int, ...]:
        """Every l that any task has."""
        every = [group.spec for group in self.settings if group.spec.kind == STUDENT]
        return tuple(sorted({spec.student_layers for spec in every if spec.start == start}))

    def metric(self, task: str) -> str:
        return next(job.result.metric for job in self.jobs if job.spec.task == task)

    @cached_property
    def candidates(self) -> tuple[BranchCandidate, ...]:
        """What could be selected; () if N is not known."""
        return branch_candidates(self.jobs, self.num_hidden_layers) if self.num_hidden_layers else ()

    def group_of(self, candidate: BranchCandidate) -> FinishedGroup | None:
        """All seeds of the setting that a candidate's branch folder belongs to."""
        return self._by_branch.get(candidate.folder)

    @cached_property
    def _by_branch(self) -> dict[str, FinishedGroup]:
        return {job.branch_folder: group for group in self.settings for job in group.jobs}

    def _of(self, task: str, kind: str) -> list[FinishedGroup]:
        return [group for group in self.settings if (group.spec.task, group.spec.kind) == (task, kind)]


def _first(found: Iterable[FinishedGroup]) -> FinishedGroup | None:
    return next(iter(found), None)


def index_results(
    jobs: Iterable[FinishedJob], selection: Selection | None, num_hidden_layers: int | None = None
) -> ResultIndex:
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
    return ResultIndex(tuple(ordered), selection, _all_layers(ordered, num_hidden_layers))


def _all_layers(jobs: Iterable[FinishedJob], given: int | None) -> int | None:
    told = {given} if given else set()
    found = told | {job.spec.fine_tuning_layers for job in jobs if job.spec.kind == FULL}
    if len(found) > 1:
        raise UserError(f"BERTs of {sorted(found)} layers; report on the jobs of one BERT at a time")
    return found.pop() if found else None
