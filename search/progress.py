"""How far a search is, task by task: jobs, cost, best so far; and what a person sees of it while it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

from tqdm import tqdm

from centrabert.search.jobs.job_spec import TEACHER, JobSpec
from centrabert.search.strategy.setting_ranking import Scores, rank_settings
from centrabert.search.strategy.training_cost import TrainingCost

ALL = "all"
BAR = "{desc} {bar:20} {n_fmt}/{total_fmt} {postfix}"


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
    ranked = rank_settings(teachers, scores)
    if not ranked:
        return ""
    best = ranked[0]
    seeds = f"{len(best.jobs)} seeds" if len(best.jobs) > 1 else "1 seed"
    return f"best {best.mean:.1f} with L={best.setting.fine_tuning_layers} ({seeds})"


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


class Display(Protocol):
    """Shows where a search stands, again and again."""

    def show(self, news: str, progress: Sequence[Progress], left: str) -> None:
        """Shows what has just happened, where all tasks stand, and the time left; "" for nothing to say."""
        ...

    def close(self) -> None: ...


class Lines:
    """A line for each job that ends, with the costs of all."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, news: str, progress: Sequence[Progress], left: str) -> None:
        if not news:
            return
        whole = progress[-1]
        time = f", at most {left}" if left else ""
        print(f"{whole.ended}/{whole.foreseen} {news}; {whole.text}{time}", file=self._out, flush=True)

    def close(self) -> None:
        """Lines stay as they are."""


class Table:
    """A bar for each task and one for all; what happens scrolls by above them."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._bars: dict[str, tqdm[None]] = {}

    def show(self, news: str, progress: Sequence[Progress], left: str) -> None:
        if news:
            tqdm.write(news, file=self._out)
        for position, each in enumerate(progress):
            if each.name not in self._bars:
                self._bars[each.name] = tqdm(position=position, file=self._out, bar_format=BAR)
            bar = self._bars[each.name]
            bar.set_description_str(f"{each.name:5}", refresh=False)
            bar.n, bar.total = each.ended, each.foreseen
            bar.set_postfix_str(each.text + (f", at most {left}" if left and each is progress[-1] else ""))

    def close(self) -> None:
        for bar in self._bars.values():
            bar.close()


def display(out: TextIO) -> Display:
    """A table on a terminal, else lines."""
    return Table(out) if out.isatty() else Lines(out)
