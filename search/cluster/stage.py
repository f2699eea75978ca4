"""Stages: the jobs of one can all run at the same time, and need those of the stage before."""

from collections.abc import Sequence
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.search.jobs.job_spec import STUDENT, JobSpec


@dataclass(frozen=True)
class Stage:
    """Jobs by their index.

    Attributes:
      number: 0 for teachers and full fine-tunings, 1 for students.
      specs: One at least.

    Raises:
      UserError: There is no job, or one of another stage.
    """

    number: int
    specs: tuple[JobSpec, ...]

    def __post_init__(self) -> None:
        if not self.specs:
            raise UserError(f"{self.name} has no job")
        for spec in self.specs:
            if _number(spec) != self.number:
                raise UserError(f"job {spec.title} belongs to stage {_number(spec)}, not {self.number}")

    @property
    def name(self) -> str:
        return f"stage{self.number}"


def stages(specs: Sequence[JobSpec]) -> tuple[Stage, ...]:
    """The stages that have jobs, jobs in the order given.

    A student's teacher need not be among them: it may be trained already.

    Raises:
      UserError: There is no job, or one occurs twice: two processes would write into one folder.
    """
    if not specs:
        raise UserError("the plan has no job: nothing is left to run")
    seen: set[str] = set()
    for spec in specs:
        if spec.digest in seen:
            raise UserError(f"job {spec.title} occurs twice in the plan; leave one of them out")
        seen.add(spec.digest)
    numbers = sorted({_number(spec) for spec in specs})
    return tuple(
        Stage(number, tuple(spec for spec in specs if _number(spec) == number)) for number in numbers
    )


def _number(spec: JobSpec) -> int:
    return 1 if spec.kind == STUDENT else 0
