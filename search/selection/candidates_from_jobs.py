"""From finished jobs to the options that a selection chooses among."""

import math
from collections.abc import Iterable, Mapping, Sequence

from centrabert.errors import UserError
from centrabert.search.jobs.finished_job import FinishedJob
from centrabert.search.jobs.job_spec import FROM_TEACHER, FULL, TEACHER
from centrabert.search.selection.candidate import Option
from centrabert.search.selection.sampling_error import sampling_error
from centrabert.search.selection.seed_group import Runs, by_setting


def options(
    jobs: Iterable[FinishedJob], num_hidden_layers: int, dev_rows: Mapping[str, int] | None = None
) -> tuple[Option, ...]:
    """One option for each task, kind, L and l: of its learning rates and epochs the best by mean.

    Full fine-tuning and students that start from pretrained layers cannot be chosen, nor can a job without
    a valid quality. Of teachers that nothing was distilled from, those with fewer seeds than the most a
    teacher of their task has are left out too: they were left behind or a seed diverged, and a mean of few
    seeds is easily the highest by luck.

    Args:
      num_hidden_layers: N, of the BERT that all grew on.
      dev_rows: For each task, how many rows a quality is measured on; with it, seeds are taken to differ by
        no less than a share measured on so many rows does. A task that is not in it: by what is
        seen, which is 0 for one seed.

    Raises:
      UserError: A teacher has more layers than the BERT.
    """
    able = [job for job in jobs if job.judged and job.spec.kind != FULL and job.spec.start == FROM_TEACHER]
    kept = _without_given_up(by_setting(able))
    return tuple(_option(runs, num_hidden_layers, dev_rows) for runs in _best_of_each(kept))


def _without_given_up(ordered: Sequence[Runs]) -> list[Runs]:
    taught = {job.spec.teacher for runs in ordered for job in runs.jobs}
    seeds: dict[str, int] = {}
    for runs in ordered:
        if runs.spec.kind == TEACHER:
            seeds[runs.spec.task] = max(len(runs.jobs), seeds.get(runs.spec.task, 0))
    return [
        runs
        for runs in ordered
        if runs.spec.kind != TEACHER
        or len(runs.jobs) == seeds[runs.spec.task]
        or any(job.spec.digest in taught for job in runs.jobs)
    ]


def _best_of_each(ordered: Sequence[Runs]) -> list[Runs]:
    best: dict[tuple[str, str, int, int], Runs] = {}
    for runs in ordered:
        spec = runs.spec
        best.setdefault((spec.task, spec.kind, spec.fine_tuning_layers, spec.student_layers), runs)
    return [best[slot] for slot in sorted(best)]


def _option(runs: Runs, num_hidden_layers: int, dev_rows: Mapping[str, int] | None) -> Option:
    spec = runs.spec
    if spec.fine_tuning_layers > num_hidden_layers:
        raise UserError(f"job {spec.title}: L is above {num_hidden_layers}, the layers of this BERT")
    return Option(
        task=spec.task,
        frozen=num_hidden_layers - spec.fine_tuning_layers,
        tuned=runs.tuned,
        kind=spec.kind,
        quality=runs.mean,
        standard_error=_standard_error(runs, (dev_rows or {}).get(spec.task)),
        seeds=len(runs.jobs),
        folder=runs.best.branch_folder,
    )


def _standard_error(runs: Runs, rows: int | None) -> float:
    if rows is None:
        return runs.standard_error
    least = 100 * sampling_error(runs.mean / 100, rows)
    return max(runs.deviation, least) / math.sqrt(len(runs.jobs))
