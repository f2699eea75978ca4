"""The paper's choice of l: add layers while they earn their keep (section 4, appendix D)."""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

from centrabert.errors import UserError
from centrabert.search.selection.candidate import STUDENT, TEACHER, BranchCandidate, by_task
from centrabert.search.selection.numerics import to_billionths


def marginal_benefit(candidates: Iterable[BranchCandidate], threshold: float) -> tuple[BranchCandidate, ...]:
    """One candidate for each task, in the order of the task names.

    A task starts at its smallest student, l = 1. Among all larger candidates, the undistilled teacher last,
    it moves to the one with the best average gain per added layer, the smaller on a tie, if that gain is
    `threshold` or more; and so on from there. So it ends where quality - threshold * tuned is greatest; a
    rule that sees the next layer only stops before a gain that takes two.

    Args:
      candidates: The best teacher of a task is taken (of those with students, if any has), the smaller L on a
        tie, and the students that share its cut; what else there is, is left out. Of several with equally
        many tuned layers, the best.
      threshold: The paper's c, in percent points per layer.

    Raises:
      UserError: A task has no teacher, or the threshold is not above 0.
    """
    if not (threshold > 0 and math.isfinite(threshold)):
        raise UserError(f"threshold {threshold} is not a number above 0, in percent points per layer")
    return tuple(_climb(ladder(own), threshold) for own in by_task(candidates).values())


def ladder(candidates: Sequence[BranchCandidate]) -> tuple[BranchCandidate, ...]:
    """The best teacher of one task and its students, smaller ones first, the best of each size.

    Raises:
      UserError: There is no teacher.
    """
    teachers = [candidate for candidate in candidates if candidate.kind == TEACHER]
    if not teachers:
        raise UserError(f"task {candidates[0].task}: no teacher among its candidates; train one first")
    students = [candidate for candidate in candidates if candidate.kind == STUDENT]
    cuts = {student.frozen for student in students}
    teacher = _best([candidate for candidate in teachers if candidate.frozen in cuts] or teachers)
    students = [student for student in students if student.frozen == teacher.frozen]
    family = [teacher, *students]
    sizes = sorted({candidate.tuned for candidate in family})
    return tuple(_best([candidate for candidate in family if candidate.tuned == size]) for size in sizes)


def _best(candidates: Sequence[BranchCandidate]) -> BranchCandidate:
    return min(candidates, key=lambda candidate: (-to_billionths(candidate.quality), candidate.order))


def _climb(steps: Sequence[BranchCandidate], threshold: float) -> BranchCandidate:
    here, *larger = steps
    if not larger:
        return here
    gains = [_gain_per_layer(here, candidate) for candidate in larger]
    best = gains.index(max(gains))  # the first of equals, the smallest
    return _climb(larger[best:], threshold) if gains[best] >= to_billionths(threshold) else here


def _gain_per_layer(smaller: BranchCandidate, larger: BranchCandidate) -> Fraction:
    gain = to_billionths(larger.quality) - to_billionths(smaller.quality)
    return Fraction(gain, larger.tuned - smaller.tuned)
