"""What a report is made of, before it becomes a page: sections, tables, figures, and whose each number is."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from centrabert.errors import UserError
from centrabert.modeling.digest import text_digest
from centrabert.search.jobs.job_result import FinishedJob
from centrabert.search.selection.seed_group import FinishedGroup

ALL_JOBS = "jobs"  # the anchor of the table of all jobs
JOB_HEADER = ("job", "folder", "result", "seconds", "of them setup", "CPU seconds", "tokens", "steps")


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
      text: Plain text, not yet escaped for any page.
      jobs: What a figure is computed from; () for words.
      best: Whether it stands out.
    """

    text: str
    jobs: tuple[FinishedJob, ...] = ()
    best: bool = False


NOTHING = Cell("–")
Row = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """Rows under a header; raises UserError if a row is not as long as it."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise UserError(f"a row of {len(row)} cells under a header of {len(self.header)}: {row}")


@dataclass(frozen=True)
class Figure:
    """A drawing; `name` is part of a file's name, `alt` says what is seen, `svg` is a whole document."""

    name: str
    alt: str
    svg: str

    @property
    def file(self) -> str:
        """Name of its file, beside the report's."""
        return f"report_{self.name}.svg"

    @property
    def base64(self) -> str:
        return base64.b64encode(self.svg.encode()).decode()


@dataclass(frozen=True)
class Section:
    """A heading, how to read what follows, a table, and a figure.

    Attributes:
      missing: Sentences on what the section would say if there were jobs for it.
    """

    title: str
    text: str
    table: Table | None
    missing: tuple[str, ...] = ()
    figure: Figure | None = None


@dataclass(frozen=True)
class Report:
    """All sections, those without a table included for what they miss; every job by the order given."""

    title: str
    text: str
    sections: tuple[Section, ...]
    jobs: tuple[FinishedJob, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(line for section in self.sections for line in section.missing)

    @property
    def sources(self) -> dict[str, tuple[FinishedJob, ...]]:
        """The jobs of every figure by their anchor, in the order of first use; all jobs have their table."""
        found = {
            self.anchor(cell.jobs): cell.jobs
            for section in self.sections
            if section.table
            for row in section.table.rows
            for cell in row
            if cell.jobs
        }
        return {name: jobs for name, jobs in found.items() if name != ALL_JOBS}

    def anchor(self, jobs: tuple[FinishedJob, ...]) -> str:
        """Where a page lists these jobs."""
        digests = sorted(job.spec.digest for job in jobs)
        if len(digests) == len(self.jobs):
            return ALL_JOBS
        return f"from-{text_digest(' '.join(digests))[:12]}"


def job_anchor(job: FinishedJob) -> str:
    return f"job-{job.spec.digest}"


def job_row(job: FinishedJob) -> tuple[str, ...]:
    """Plain text under JOB_HEADER."""
    result = job.result
    return (
        job.spec.title,
        job.folder,
        result_text(job),
        f"{job.seconds:,.1f}",
        f"{result.setup_seconds:,.1f}",
        f"{result.cpu_seconds:,.1f}",
        f"{result.tokens:,}",
        f"{result.steps:,}",
    )


def result_text(job: FinishedJob) -> str:
    """`accuracy 68.30, f1 71.25`: the metric that chose the checkpoint, then the others, in percent."""
    metrics = job.result.metrics
    names = dict.fromkeys([job.result.metric, *metrics])
    return ", ".join(f"{name} {100 * metrics[name]:.2f}" for name in names)


def quality_cell(group: FinishedGroup | None, best: bool = False) -> Cell:
    """`68.3 ± 1.2 (69.7)`: mean, standard deviation and maximum over seeds; `68.3` of a single one."""
    if group is None:
        return NOTHING
    spread = f" ± {group.deviation:.1f} ({group.maximum:.1f})" if len(group.jobs) > 1 else ""
    return Cell(f"{group.mean:.1f}{spread}", group.jobs, best)


def all_jobs(several: Iterable[FinishedGroup]) -> tuple[FinishedJob, ...]:
    """Those of all, each once."""
    return each_once(job for group in several for job in group.jobs)


def each_once(jobs: Iterable[FinishedJob]) -> tuple[FinishedJob, ...]:
    return tuple({job.spec.digest: job for job in jobs}.values())
