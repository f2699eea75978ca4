"""A report as one HTML page that loads nothing: style and figures are inside."""

import base64
from collections.abc import Iterable
from html import escape

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

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #d0d7de; --link: #0b5cad;
  --shade: #f3f5f7; --mark: #fff3c4 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e6ea; --paper: #15181c; --line: #3a4149; --link: #7db8f7;
    --shade: #1f242a; --mark: #4a3f12 }
}
body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: var(--ink); background: var(--paper);
  font: 16px/1.5 system-ui, sans-serif }
h1, h2 { line-height: 1.25 }
h2 { margin-top: 2.5rem }
p { max-width: 48rem }
a { color: var(--link) }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap }
th { background: var(--shade) }
td a { text-decoration: none }
td a:hover, td a:focus { text-decoration: underline }
td a, strong { color: inherit }
strong { border-bottom: 2px solid var(--link) }
code { font-size: .9em; overflow-wrap: anywhere }
figure { margin: 1.5rem 0 }
img { max-width: 100%; height: auto }
:target { background: var(--mark) }
"""


def html_page(report: Report) -> str:
    """The whole document."""
    title = escape(report.title)
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            f"<h1>{title}</h1>\n<p>{escape(report.text)}</p>",
            *_missing(report.missing),
            *(_section(section, report) for section in report.sections if section.table),
            *_sources(report),
            *_jobs(report),
            "</body>\n</html>\n",
        ]
    )


def _missing(lines: Iterable[str]) -> list[str]:
    items = [f"<li>{escape(line)}</li>" for line in lines]
    return ["<h2>What is missing</h2>\n<ul>", *items, "</ul>"] if items else []


def _section(section: Section, report: Report) -> str:
    table = [_table(section.table, report)] if section.table else []
    figure = [_figure(section.figure)] if section.figure else []
    return "\n".join([f"<h2>{escape(section.title)}</h2>\n<p>{escape(section.text)}</p>", *figure, *table])


def _table(table: Table, report: Report) -> str:
    rows = ["".join(f"<td>{_cell(cell, report)}</td>" for cell in row) for row in table.rows]
    return _rows(table.header, [f"<tr>{row}</tr>" for row in rows])


def _cell(cell: Cell, report: Report) -> str:
    text = f"<strong>{escape(cell.text)}</strong>" if cell.best else escape(cell.text)
    return f'<a href="#{anchor(cell.jobs, report.jobs)}">{text}</a>' if cell.jobs else text


def _rows(header: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    lines = [
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>',
        *rows,
        "</tbody></table></div>",
    ]
    return "\n".join(lines)


def _figure(figure: Figure) -> str:
    data = base64.b64encode(figure.svg.encode()).decode()
    return f'<figure><img alt="{escape(figure.alt)}" src="data:image/svg+xml;base64,{data}"></figure>'


def _sources(report: Report) -> list[str]:
    if not report.sources:
        return []
    lists = [_source(name, jobs) for name, jobs in report.sources.items()]
    return [f"<h2>{SOURCES}</h2>\n<p>{SOURCES_TEXT}</p>", *lists]


def _source(name: str, jobs: tuple[FinishedJob, ...]) -> str:
    if len(jobs) > SHORT:
        return f'<p id="{name}">{", ".join(map(_link, jobs))}</p>'
    items = "\n".join(f"<li>{_told(job)}</li>" for job in jobs)
    return f'<ul id="{name}">\n{items}\n</ul>'


def _link(job: FinishedJob) -> str:
    return f'<a href="#{job_anchor(job)}">{escape(job.spec.title)}</a>'


def _told(job: FinishedJob) -> str:
    result = escape(job_table.job_result(job))
    return f"{_link(job)}: {result} <code>{escape(job.folder)}</code>"


def _jobs(report: Report) -> list[str]:
    rows = [
        f'<tr id="{job_anchor(job)}">'
        + "".join(map(_job_cell, job_table.HEADER, job_table.job_row(job)))
        + "</tr>"
        for job in report.jobs
    ]
    return [f'<h2 id="{ALL_JOBS}">Jobs</h2>', _rows(job_table.HEADER, rows)]


def _job_cell(name: str, text: str) -> str:
    plain = escape(text)
    return f"<td><code>{plain}</code></td>" if name == job_table.FOLDER else f"<td>{plain}</td>"
