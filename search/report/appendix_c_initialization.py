"""Appendix C of the paper: students that start from their teacher's layers against pretrained ones."""

from dataclasses import dataclass

from centrabert.search.jobs.job_spec import FROM_PRETRAINED, FROM_TEACHER
from centrabert.search.report.document import NOTHING, Cell, Row, Section, Table, all_jobs, quality_cell
from centrabert.search.report.result_index import ResultIndex
from centrabert.search.selection.seed_group import FinishedGroup

TITLE = "What students start from (Appendix C)"
TEXT = (
    "Percent on dev: mean ± standard deviation (maximum) over seeds. A student with l layers starts from the "
    "l layers of its teacher that follow the shared ones, or from the same layers as pretrained."
)


@dataclass(frozen=True)
class Starts:
    """Students of one task and one l by what they started from; None where none was trained."""

    task: str
    layers: int
    teacher: FinishedGroup | None
    pretrained: FinishedGroup | None


def starts(results: ResultIndex) -> tuple[Starts, ...]:
    """For each task and l that was tried from pretrained layers, task by task."""
    both = [
        Starts(
            task,
            layers,
            results.student(task, layers, FROM_TEACHER),
            results.student(task, layers, FROM_PRETRAINED),
        )
        for task in results.tasks
        for layers in results.student_sizes(FROM_PRETRAINED)
    ]
    return tuple(each for each in both if each.pretrained)


def start_section(results: ResultIndex) -> Section:
    """A row for each task and l."""
    found = starts(results)
    if not found:
        line = "No student started from pretrained layers, so the two starts are not compared."
        return Section(TITLE, TEXT, None, (line,))
    header = ("task", "l", "from the teacher", "from pretrained", "difference of means")
    missing = tuple(
        f"{each.task} l = {each.layers}: no student that started from its teacher."
        for each in found
        if each.teacher is None
    )
    return Section(TITLE, TEXT, Table(header, tuple(map(_row, found))), missing)


def _row(found: Starts) -> Row:
    return (
        Cell(found.task),
        Cell(str(found.layers)),
        quality_cell(found.teacher),
        quality_cell(found.pretrained),
        _difference(found.teacher, found.pretrained),
    )


def _difference(teacher: FinishedGroup | None, pretrained: FinishedGroup | None) -> Cell:
    if teacher is None or pretrained is None:
        return NOTHING
    return Cell(f"{teacher.mean - pretrained.mean:+.1f}", all_jobs([teacher, pretrained]))
