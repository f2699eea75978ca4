"""Table 1 of the paper: the dev metric of each task for each L."""

from centrabert.search.report.document import Cell, Row, Section, Table, quality_cell
from centrabert.search.report.result_index import ResultIndex

TITLE = "Metric for each L (Table 1)"
TEXT = (
    "Percent on dev: mean ± standard deviation (maximum) over seeds; a number without ± is of one seed. Of "
    "several learning rates or epochs the setting with the most seeds stands here, and among such the best "
    "by mean. Bold is the L whose students count: the best mean among those with the most seeds, "
    "for one with fewer was left behind by the search or a seed of it failed; where students were distilled, "
    "only their teachers count."
)


def layer_section(results: ResultIndex) -> Section:
    """A row for each task, a column for each L, full fine-tuning last."""
    sizes = sorted({layers for task in results.tasks for layers in results.teachers(task)})
    header = ("task", "metric", *(f"L = {layers}" for layers in sizes), "full fine-tuning")
    rows = tuple(_row(results, task, sizes) for task in results.tasks)
    found = any(cell.jobs for row in rows for cell in row)
    return Section(TITLE, TEXT, Table(header, rows) if found else None, _missing(results))


def _row(results: ResultIndex, task: str, sizes: list[int]) -> Row:
    teachers, best = results.teachers(task), results.teacher(task)
    return (
        Cell(task),
        Cell(results.metric(task)),
        *(quality_cell(group, group is not None and group == best) for group in map(teachers.get, sizes)),
        quality_cell(results.full(task)),
    )


def _missing(results: ResultIndex) -> tuple[str, ...]:
    tasks = results.tasks
    kinds = {
        "teacher, so no L to compare": [task for task in tasks if results.teacher(task) is None],
        "full fine-tuning to compare with": [task for task in tasks if results.full(task) is None],
        "setting with several seeds, so the spread is unknown": [
            task for task in tasks if _single_seeds(results, task)
        ],
    }
    lines = [f"{', '.join(names)}: no {what}." for what, names in kinds.items() if names]
    lines += [
        f"{job.spec.title}: its quality is {job.result.quality}; it counts as cost only ({job.folder})."
        for job in results.jobs
        if not job.judged
    ]
    return tuple(lines)


def _single_seeds(results: ResultIndex, task: str) -> bool:
    own = [group for group in results.settings if group.spec.task == task]
    return bool(own) and all(len(group.jobs) == 1 for group in own)
