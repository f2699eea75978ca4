"""A report as a page of GitHub's Markdown; its figures are files beside it."""

import re
from collections.abc import Iterable

from centrabert.search.jobs.finished_job import FinishedJob
from centrabert.search.report import job_table
from centrabert.search.report.report_parts import (
    ALL_JOBS,
    SHORT,
    SOURCES,
    SOURCES_TEXT,
    Cell,
    Figure,
    Report,
    Section,
    Table,
    anchor,
    job_anchor,
)

SPECIAL = re.compile(r"([\\`*_\[\]<>|&#~])")


def markdown_page(report: Report) -> str:
    """The whole page; `figure_file` names the files that it shows."""
    parts = [
        f"# {escaped(report.title)}",
        escaped(report.text),
        *_missing(report.missing),
        *(part for section in report.sections if section.table for part in _section(section, report)),
        *_sources(report),
        f'## <a id="{ALL_JOBS}"></a>Jobs',
        _rows(job_table.HEADER, [_job_row(job) for job in report.jobs]),
    ]
    return "\n\n".join(parts) + "\n"


def figure_file(figure: Figure) -> str:
    """The name of a figure's file, beside the page."""
    return f"report_{figure.name}.svg"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """The same in fixed width: a fence longer than any run of backticks inside. Tables want its | escaped."""
    line = " ".join(text.splitlines())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _missing(lines: Iterable[str]) -> list[str]:
    items = [f"- {escaped(line)}" for line in lines]
    return ["## What is missing", "\n".join(items)] if items else []


def _section(section: Section, report: Report) -> list[str]:
    figure, table = section.figure, section.table
    return [
        f"## {escaped(section.title)}",
        escaped(section.text),
        *([f"![{escaped(figure.alt)}]({figure_file(figure)})"] if figure else []),
        *([_table(table, report)] if table else []),
    ]


def _table(table: Table, report: Report) -> str:
    return _rows(table.header, [[_cell(cell, report) for cell in row] for row in table.rows])


def _rows(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = [escaped(name) for name in header]
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell, report: Report) -> str:
    text = f"**{escaped(cell.text)}**" if cell.best else escaped(cell.text)
    return f"[{text}](#{anchor(cell.jobs, report.jobs)})" if cell.jobs else text


def _sources(report: Report) -> list[str]:
    lists = [_source(name, jobs) for name, jobs in report.sources.items()]
    return [f"## {SOURCES}", SOURCES_TEXT, *lists] if lists else []


def _source(name: str, jobs: tuple[FinishedJob, ...]) -> str:
    if len(jobs) > SHORT:
        return f'<a id="{name}"></a>{", ".join(map(_link, jobs))}'
    return f'<a id="{name}"></a>\n\n' + "\n".join(f"- {_told(job)}" for job in jobs)


def _link(job: FinishedJob) -> str:
    return f"[{escaped(job.spec.title)}](#{job_anchor(job)})"


def _told(job: FinishedJob) -> str:
    return f"{_link(job)}: {escaped(job_table.job_result(job))} {code(job.folder)}"


def _job_row(job: FinishedJob) -> list[str]:
    first, *rest = [
        code(text).replace("|", r"\|") if name == job_table.FOLDER else escaped(text)
        for name, text in zip(job_table.HEADER, job_table.job_row(job), strict=True)
    ]
    return [f'<a id="{job_anchor(job)}"></a>{first}', *rest]
