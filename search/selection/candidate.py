"""A candidate: one trained way to serve one task, with what it is worth."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from centrabert.errors import UserError
from centrabert.modeling.task import check_name

TEACHER, STUDENT = KINDS = ("teacher", "student")


@dataclass(frozen=True)
class BranchCandidate:
    """A branch that could serve a task.

    Attributes:
      task: Its name.
      frozen: Layers that it shares with the trunk: N - L.
      tuned: Layers of its own: L of a teacher, l of a student.
      kind: "teacher" or "student".
      quality: The task's dev metric in percent, over all seeds.
      standard_error: Of `quality`, in percent points; 0 if unknown, as with one seed.
      seeds: How many runs `quality` is made of.
      folder: The branch folder of the best seed.

    Raises:
      UserError: A value is impossible, such as the NaN of a run that diverged.
    """

    task: str
    frozen: int
    tuned: int
    kind: str
    quality: float
    standard_error: float
    seeds: int
    folder: str

    def __post_init__(self) -> None:
        check_name(self.task)
        if self.kind not in KINDS:
            raise UserError(f"task {self.task}: kind {self.kind!r} is none of {', '.join(KINDS)}")
        for name, least in (("frozen", 0), ("tuned", 1), ("seeds", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise UserError(
                    f"task {self.task}: {name} {value!r} is not a whole number of {least} or more"
                )
        for name, least, most in (("quality", -100, 100), ("standard_error", 0, 100)):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not least <= value <= most:
                raise UserError(f"task {self.task}: {name} {value!r} is not in {least}..{most} percent")
        if not isinstance(self.folder, str) or not self.folder:
            raise UserError(f"task {self.task}: folder {self.folder!r} names no branch folder")

    @property
    def order(self) -> tuple[int, int, int, str]:
        """Sort key: the smaller model first, then whatever makes the order one and the same on every run."""
        return self.tuned, self.frozen, KINDS.index(self.kind), self.folder

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def by_task(candidates: Iterable[BranchCandidate]) -> dict[str, tuple[BranchCandidate, ...]]:
    """The candidates of each task, smaller ones first; tasks in the order of their names.

    Raises:
      UserError: There is no candidate.
    """
    grouped: dict[str, list[BranchCandidate]] = defaultdict(list)
    for candidate in sorted(candidates, key=lambda candidate: candidate.order):
        grouped[candidate.task].append(candidate)
    if not grouped:
        raise UserError("there is no candidate to choose from; train one branch at least")
    return {task: tuple(grouped[task]) for task in sorted(grouped)}
