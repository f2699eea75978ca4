"""How far a search is, task by task: jobs, cost, best so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from centrabert.search.jobs.job_spec import TEACHER, JobSpec
from centrabert.search.strategy.setting_ranking import Scores, standings
from centrabert.search.strategy.training_cost import TrainingCost

ALL = "all"


@dataclass(frozen=True)
class Progress:
    """Of one task, or of ALL.

    Attributes:
      ended, failed, foreseen: Jobs; those that failed have ended too; `foreseen` counts all that may be run.
      spent, to_come: Estimated costs, in units of one conventional fine-tuning of each task.
      best: The best teacher so far, in words; "" if there is none.
    """

    name: str
    ended: int
    failed: int
    foreseen: int
    spent: float
    to_come: float
    best: str = ""

    @property
    def text(self) -> str:
        """Costs and the best: `cost 0.41x, at most 0.60x to come, best 66.4 with L=3 (2 seeds)`."""
        parts = [f"cost {self.spent:.2f}x", f"at most {self.to_come:.2f}x to come", self.best]
        if self.failed:
            parts.append(f"{self.failed} failed")
        return ", ".join(part for part in parts if part)


def progresses(foreseen: Sequence[JobSpec], scores: Scores, cost: TrainingCost) -> tuple[Progress, ...]:
    """Where each task stands, in the order of the jobs, and ALL at last.

    Args:
      foreseen: All jobs of the search that have ended or may be run.
    """
    tasks = dict.fromkeys(spec.task for spec in foreseen)
    each = [_progress(task, [spec for spec in foreseen if spec.task == task], scores, cost) for task in tasks]
    return (*each, _progress(ALL, foreseen, scores, cost))


def _progress(name: str, jobs: Sequence[JobSpec], scores: Scores, cost: TrainingCost) -> Progress:
    ended = [spec for spec in jobs if spec in scores]
    unit = cost.conventional({spec.task for spec in jobs})
    return Progress(
        name=name,
        ended=len(ended),
        failed=sum(scores[spec] is None for spec in ended),
        foreseen=len(jobs),
        spent=cost.of(ended) / unit,
        to_come=(cost.of(jobs) - cost.of(ended)) / unit,
        best="" if name == ALL else _best([spec for spec in ended if spec.kind == TEACHER], scores),
    )


def _best(teachers: Sequence[JobSpec], scores: Scores) -> str:
    ranked = standings(teachers, scores)
    if not ranked:
        return ""
    seeds = len(ranked[0].qualities)
    counted = f"{seeds} seeds" if seeds > 1 else "1 seed"
    return f"best {100 * ranked[0].mean:.1f} with L={ranked[0].candidate.fine_tuning_layers} ({counted})"


def seconds_to_come(
    foreseen: Sequence[JobSpec],
    scores: Scores,
    core_seconds: Mapping[JobSpec, float],
    cost: TrainingCost,
    cores: int,
) -> float | None:
    """Estimated wall time until the search is over, at most; None before a job has ended well.

    Args:
      core_seconds: What the jobs that ended well took: they tell how long a unit of cost takes.
    """
    measured = [spec for spec in foreseen if spec in core_seconds]
    if not measured:
        return None
    rate = sum(core_seconds[spec] for spec in measured) / cost.of(measured)
    ended = [spec for spec in foreseen if spec in scores]
    return rate * (cost.of(foreseen) - cost.of(ended)) / cores


def duration(seconds: float | None) -> str:
    """`3 h 07 min`, `4 min`; "" for none, or if nobody knows."""
    if not seconds:
        return ""
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
