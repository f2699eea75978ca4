"""The report of a search: report.html, report.md and its figures, from finished jobs alone."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from centrabert.modeling.files import write_text
from centrabert.search.jobs.finished_job import FinishedJob
from centrabert.search.report.appendix_c_figure import start_figure
from centrabert.search.report.appendix_c_initialization import start_section, starts
from centrabert.search.report.appendix_d_curve import curve, curve_section
from centrabert.search.report.appendix_d_figure import curve_figure
from centrabert.search.report.html_page import html_page
from centrabert.search.report.markdown_page import figure_file, markdown_page
from centrabert.search.report.report_parts import Report, Section
from centrabert.search.report.result_index import Evidence, gather
from centrabert.search.report.search_cost import cost_section
from centrabert.search.report.table1_layers import layer_section
from centrabert.search.report.table2_models import model_section
from centrabert.search.selection.selection import Selection

HTML, MARKDOWN = "report.html", "report.md"
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
    report = document(gather(jobs, selection, num_hidden_layers))
    output_dir.mkdir(parents=True, exist_ok=True)
    for figure in (section.figure for section in report.sections):
        if figure:
            write_text(output_dir / figure_file(figure), figure.svg)
    write_text(output_dir / MARKDOWN, markdown_page(report))
    write_text(output_dir / HTML, html_page(report))
    return output_dir / HTML


def document(evidence: Evidence) -> Report:
    """All sections with their figures."""
    try:
        sections = _illustrated(evidence)
    except ImportError:
        unseen = Section("Figures", NO_FIGURES, None, (NO_FIGURES,))
        sections = (*_sections(evidence), unseen)
    return Report("Search report", _summary(evidence), sections, evidence.jobs)


def _sections(evidence: Evidence) -> tuple[Section, ...]:
    builders = layer_section, model_section, start_section, curve_section, cost_section
    return tuple(build(evidence) for build in builders)


def _illustrated(evidence: Evidence) -> tuple[Section, ...]:
    layers, models, initial, overhead, costs = _sections(evidence)
    both, points = starts(evidence), curve(evidence)
    if both:
        initial = replace(initial, figure=start_figure(both))
    if points:
        overhead = replace(overhead, figure=curve_figure(points))
    return layers, models, initial, overhead, costs


def _summary(evidence: Evidence) -> str:
    berts = ", ".join(sorted({job.spec.bert_dir for job in evidence.jobs})) or "none"
    whole = f", {evidence.num_hidden_layers} layers" if evidence.num_hidden_layers else ""
    tasks = ", ".join(evidence.tasks) or "none"
    return f"Finished jobs: {len(evidence.jobs)}. Tasks: {tasks}. BERT: {berts}{whole}."
