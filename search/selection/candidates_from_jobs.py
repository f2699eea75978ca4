"""From finished jobs to the candidates that a selection chooses among."""

from collections.abc import Iterable, Mapping, Sequence

from centrabert.errors import UserError
from centrabert.search.jobs.job_result import FinishedJob
from centrabert.search.jobs.job_spec import FROM_TEACHER, FULL, TEACHER
from centrabert.search.selection.candidate import BranchCandidate
from centrabert.search.selection.seed_group import FinishedGroup, seed_groups


def branch_candidates(
    jobs: Iterable[FinishedJob], num_hidden_layers: int, dev_rows: Mapping[str, int] | None = None
) -> tuple[BranchCandidate, ...]:
    """One candidate for each task, kind, L and l: of its learning rates and epochs the best by mean.

    Full fine-tuning and students that start from pretrained layers cannot be chosen, nor can a job without
    a valid quality. Of teachers that nothing was distilled from, those with fewer seeds than the most a
    teacher of their task has are left out too: they were left behind or a seed diverged, and a mean of few
    seeds is easily the highest by luck.

    Args:
      num_hidden_layers: N, of the BERT that all were trained on.
      dev_rows: For each task, how many rows a quality is measured on: for jobs of older versions, which do
        not know how exact their qualities are. See `SeedGroup.standard_error`.

    Raises:
      UserError: A teacher has more layers than the BERT.
    """
    able = [job for job in jobs if job.judged and job.spec.kind != FULL and job.spec.start == FROM_TEACHER]
    kept = _without_given_up(seed_groups(able))
    return tuple(_candidate(group, num_hidden_layers, dev_rows) for group in _best_of_each(kept))


def _without_given_up(ordered: Sequence[FinishedGroup]) -> list[FinishedGroup]:
    taught = {job.spec.teacher for group in ordered for job in group.jobs}
    seeds: dict[str, int] = {}
    for group in ordered:
        if group.spec.kind == TEACHER:
            seeds[group.spec.task] = max(len(group.jobs), seeds.get(group.spec.task, 0))
    return [
        group
        for group in ordered
        if group.spec.kind != TEACHER
        or len(group.jobs) == seeds[group.spec.task]
        or any(job.spec.digest in taught for job in group.jobs)
    ]


def _best_of_each(ordered: Sequence[FinishedGroup]) -> list[FinishedGroup]:
    best: dict[tuple[str, str, int, int], FinishedGroup] = {}
    for group in ordered:
        spec = group.spec
        best.setdefault((spec.task, spec.kind, spec.fine_tuning_layers, spec.student_layers), group)
    return [best[slot] for slot in sorted(best)]


def _candidate(
    group: FinishedGroup, num_hidden_layers: int, dev_rows: Mapping[str, int] | None
) -> BranchCandidate:
    spec = group.spec
    if spec.fine_tuning_layers > num_hidden_layers:
        raise UserError(f"job {spec.title}: L is above {num_hidden_layers}, the layers of this BERT")
    return BranchCandidate(
        task=spec.task,
        frozen=num_hidden_layers - spec.fine_tuning_layers,
        tuned=group.tuned,
        kind=spec.kind,
        quality=group.mean,
        standard_error=group.standard_error((dev_rows or {}).get(spec.task)),
        seeds=len(group.jobs),
        folder=group.best.branch_folder,
    )
