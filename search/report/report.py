"""The report of a search: report.html, report.md and its figures, from finished jobs alone."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from centrabert.modeling.files import write_text
from centrabert.search.jobs.job_result import FinishedJob
from centrabert.search.report.appendix_c_figure import start_figure
from centrabert.search.report.appendix_c_initialization import start_section, starts
from centrabert.search.report.appendix_d_curve import curve, curve_section
from centrabert.search.report.appendix_d_figure import curve_figure
from centrabert.search.report.document import (
    ALL_JOBS,
    JOB_HEADER,
    Report,
    Section,
    job_anchor,
    job_row,
    result_text,
)
from centrabert.search.report.result_index import ResultIndex, index_results
from centrabert.search.report.search_cost import cost_section
from centrabert.search.report.table1_layers import layer_section
from centrabert.search.report.table2_models import model_section
from centrabert.search.selection.selection import Selection

HTML, MARKDOWN = "report.html", "report.md"  # the pages, and their templates
MAX_LISTED = (
    6  # jobs that a list tells of in full; a longer one names them, and the table of jobs tells the rest
)
SPECIAL = re.compile(r"([\\`*_\[\]<>|&#~])")  # in Markdown
NO_FIGURES = "Matplotlib is not installed, so there are no drawings: pip install 'centrabert[report]'."


def write_report(
    jobs: Sequence[FinishedJob],
    selection: Selection | None,
    output_dir: Path,
    num_hidden_layers: int | None = None,
) -> Path:
    """Writes report.html, report.md and report_*.svg, each in one step, and returns the first.

    What the jobs do not tell is named as missing in the report.

    Args:
      num_hidden_layers: N of the BERT; None takes it from a full fine-tuning among the jobs, and without one
        nothing is said of layers computed.

    Raises:
      UserError: A job occurs twice, or the jobs are not of one BERT.
      OSError: A file cannot be written; the old one is untouched.
    """
    report = document(index_results(jobs, selection, num_hidden_layers))
    output_dir.mkdir(parents=True, exist_ok=True)
    for figure in (section.figure for section in report.sections):
        if figure:
            write_text(output_dir / figure.file, figure.svg)
    for page in (MARKDOWN, HTML):
        write_text(output_dir / page, _page(report, page))
    return output_dir / HTML


def document(results: ResultIndex) -> Report:
    """All sections with their figures."""
    try:
        sections = _illustrated(results)
    except ImportError:
        unseen = Section("Figures", NO_FIGURES, None, (NO_FIGURES,))
        sections = (*_sections(results), unseen)
    return Report("Search report", _summary(results), sections, results.jobs)


def _sections(results: ResultIndex) -> tuple[Section, ...]:
    builders = layer_section, model_section, start_section, curve_section, cost_section
    return tuple(build(results) for build in builders)


def _illustrated(results: ResultIndex) -> tuple[Section, ...]:
    layers, models, initial, overhead, costs = _sections(results)
    both, points = starts(results), curve(results)
    if both:
        initial = replace(initial, figure=start_figure(both))
    if points:
        overhead = replace(overhead, figure=curve_figure(points))
    return layers, models, initial, overhead, costs


def _summary(results: ResultIndex) -> str:
    berts = ", ".join(sorted({job.spec.bert_dir for job in results.jobs})) or "none"
    whole = f", {results.num_hidden_layers} layers" if results.num_hidden_layers else ""
    tasks = ", ".join(results.tasks) or "none"
    return f"Finished jobs: {len(results.jobs)}. Tasks: {tasks}. BERT: {berts}{whole}."


def _page(report: Report, name: str) -> str:
    """The report as its template of that name writes it; whatever stands in {{ }} is escaped for the page."""
    return _templates(name == MARKDOWN).get_template(name).render(report=report)


@cache
def _templates(markdown: bool) -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        finalize=_markdown_text if markdown else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters.update(code=code, table_code=lambda text: Markup(code(text).replace("|", r"\|")))  # noqa: S704
    templates.globals.update(ALL_JOBS=ALL_JOBS, JOB_HEADER=JOB_HEADER, MAX_LISTED=MAX_LISTED)
    templates.globals.update(job_anchor=job_anchor, job_row=job_row, result_text=result_text)
    return templates


def _markdown_text(value: object) -> Markup:
    """Once escaped, a value is left alone by Jinja2, which would escape it for HTML."""
    return value if isinstance(value, Markup) else Markup(escaped(str(value)))  # noqa: S704


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> Markup:
    """The same in fixed width: a fence longer than any run of backticks inside. Tables want its | escaped."""
    line = " ".join(text.splitlines())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return Markup(f"{fence}{pad}{line}{pad}{fence}")  # noqa: S704
