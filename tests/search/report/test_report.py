"""The report's pages: tables, whence each number comes, drawings, and what a page must not load."""

import base64
import re
import sys
import xml.etree.ElementTree as ElementTree
from functools import cache
from pathlib import Path

import pytest
from full_disk import largest_file
from report_pages import ANCHOR, LINK, HtmlPage, markdown_tables
from report_sample import (
    JOBS,
    MIXED,
    MRPC_1,
    MRPC_FULL,
    RTE,
    RTE_1,
    RTE_2,
    RTE_4,
    RTE_FULL,
    RTE_PRETRAINED,
    TABLES,
)
from tiny_jobs import finished, full

from centrabert.search.jobs.job_result import FinishedJob
from centrabert.search.report.document import Cell, Report, Table
from centrabert.search.report.report import code, document, escaped, write_report
from centrabert.search.report.result_index import index_results


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on JOBS."""
    folder = tmp_path_factory.mktemp("report") / "new"
    assert write_report(JOBS, MIXED, folder) == folder / "report.html"
    return folder


@pytest.fixture(scope="module")
def html(folder: Path) -> HtmlPage:
    page = HtmlPage(folder.joinpath("report.html").read_text(encoding="utf-8"))
    page.close()
    return page


@pytest.fixture(scope="module")
def markdown(folder: Path) -> str:
    return folder.joinpath("report.md").read_text(encoding="utf-8")


def test_tables_on_both_pages(html: HtmlPage, markdown: str) -> None:
    assert html.tables[:-1] == TABLES
    assert markdown_tables(markdown) == html.tables


def test_the_table_of_jobs(html: HtmlPage) -> None:
    header, *listed = html.tables[-1]
    assert header == ["job", "folder", "result", "seconds", "of them setup", "CPU seconds", "tokens", "steps"]
    assert sorted(row[1] for row in listed) == sorted(job.folder for job in JOBS)
    by_title = {row[0]: row[1:] for row in listed}
    costs = ["12.0", "2.0", "36.0", "24,000", "7"]
    assert by_title["mrpc all layers lr=5e-05 epochs=3 seed=1 padded"] == [
        MRPC_FULL[1].folder,
        "accuracy 84.00",
        *costs,
    ]


def test_the_best_stands_out(folder: Path, markdown: str) -> None:
    """That of most seeds, not the lucky one."""
    found = re.findall("<strong>([^<]*)</strong>", folder.joinpath("report.html").read_text())
    assert found == re.findall(r"\*\*([^*]*)\*\*", markdown) == ["77.0 ± 1.4 (78.0)", "67.0 ± 1.4 (68.0)"]


# Whence they come.


@cache
def whole() -> Report:
    """What the pages tell of JOBS."""
    return document(index_results(JOBS, MIXED))


def cell(report_row: str, column: str, section: int) -> Cell:
    table = whole().sections[section].table
    assert table
    row = next(row for row in table.rows if row[0].text == report_row)
    return row[table.header.index(column)]


@pytest.mark.parametrize(
    ("section", "row", "column", "jobs"),
    [
        (0, "rte", "L = 4", RTE_4),
        (0, "mrpc", "full fine-tuning", MRPC_FULL),
        (1, "KD-2", "mrpc", MRPC_1),
        (1, "mixed", "rte", RTE_2),
        (1, "mixed", "average", [*MRPC_1, *RTE_2]),
        (1, "without KD", "kept", [*MRPC_1, *RTE_4]),
        (2, "rte", "from pretrained", RTE_PRETRAINED),
        (2, "rte", "difference of means", [*RTE_1, *RTE_PRETRAINED]),
        (3, "c = 2 to 3", "average", [*MRPC_1, *RTE_2]),
        (3, "full fine-tuning", "average", [*MRPC_FULL, *RTE_FULL]),
    ],
)
def test_the_jobs_behind_a_number(
    section: int, row: str, column: str, jobs: list[FinishedJob], html: HtmlPage, markdown: str
) -> None:
    """The number leads to a list of exactly their folders, on both pages."""
    found = cell(row, column, section)
    assert sorted(job.folder for job in found.jobs) == sorted(job.folder for job in jobs)
    (name,) = [name for name, source in whole().sources.items() if source == found.jobs]
    told = html.texts[name].strip().splitlines()
    assert sorted(line.split()[-1] for line in told) == sorted(job.folder for job in jobs)
    block = markdown.split(f'<a id="{name}"></a>\n\n')[1].split("\n\n")[0]
    assert sorted(re.findall("`([^`]+)`", block)) == sorted(job.folder for job in jobs)
    assert f"[{escaped(found.text)}](#{name})" in markdown.replace("**", "")


def test_every_number_leads_somewhere(html: HtmlPage, markdown: str) -> None:
    assert all(link.startswith("#") for link in html.links)
    assert {link[1:] for link in html.links} <= set(html.ids)
    assert len(html.ids) == len(set(html.ids))
    anchors = ANCHOR.findall(markdown)
    assert {target[1:] for _, target in LINK.findall(markdown)} <= set(anchors)
    assert sorted(anchors) == sorted(html.ids)


def test_every_figure_of_every_table_names_its_jobs() -> None:
    """Of those but the table of jobs itself; columns that say what a row is about hold no figures."""
    tables = [section.table for section in whole().sections if section.table]
    labels = {"task", "model", "choice", "what", "l"}
    bare = [
        (name, cell.text)
        for table in tables
        for row in table.rows
        for name, cell in zip(table.header, row, strict=True)
        if name not in labels and any(letter.isdigit() for letter in cell.text) and not cell.jobs
    ]
    assert bare == []


def test_long_lists_name_jobs_and_the_table_tells_the_rest(html: HtmlPage, markdown: str) -> None:
    found = cell("all tasks", "seconds", 4)
    assert len(found.jobs) == 15
    (name,) = [name for name, source in whole().sources.items() if source == found.jobs]
    titles = ", ".join(job.spec.title for job in found.jobs)
    assert html.texts[name] == titles
    assert f'<a id="{name}"></a>[{found.jobs[0].spec.title}](#job-{found.jobs[0].spec.digest}), [' in markdown


# The pages.


def test_the_page_loads_nothing(html: HtmlPage, folder: Path) -> None:
    assert html.tags.isdisjoint({"script", "link", "iframe", "object", "form"})
    assert [source.split(",")[0] for source in html.sources] == ["data:image/svg+xml;base64"] * 2
    text = folder.joinpath("report.html").read_text()
    assert not re.search(r"""(src|href)=["']?\s*(https?:|//|file:|/)|url\(|@import""", text)
    drawn = [base64.b64decode(source.split(",")[1]).decode() for source in html.sources]
    assert not re.search(r"""href="[^#]|url\([^#]|@import|<script|<image""", "".join(drawn))


def test_figures_are_on_both_pages(html: HtmlPage, markdown: str, folder: Path) -> None:
    drawn = [base64.b64decode(source.split(",")[1]).decode() for source in html.sources]
    files = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", markdown)
    assert files == ["report_starts.svg", "report_curve.svg"]
    assert [folder.joinpath(name).read_text() for name in files] == drawn
    assert sorted(path.name for path in folder.iterdir()) == sorted(["report.html", "report.md", *files])


def test_what_is_drawn(folder: Path) -> None:
    """Matplotlib notes each text in a comment; ink follows the page, nothing else of the look is left."""
    overhead, boxes = (folder.joinpath(f"report_{name}.svg").read_text() for name in ("curve", "starts"))
    for text in (overhead, boxes):
        assert ElementTree.fromstring(text).tag.endswith("svg")  # noqa: S314
        assert "currentColor" in text and "#010203" not in text
        assert "prefers-color-scheme: dark" in text
    labels = re.findall("<!-- (.*?) -->", overhead)
    assert {"layers computed for all tasks together", "average dev metric (percent)"} <= set(labels)
    assert {"c = 5", "c = 2 to 3", "c = 0.1 to 1", "full fine-tuning", "mixed (the selection)"} <= set(labels)
    assert {"rte", "l = 1", "accuracy (percent)", "from pretrained layers"} <= set(
        re.findall("<!-- (.*?) -->", boxes)
    )


def test_the_same_jobs_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_report(JOBS[::-1], MIXED, tmp_path)
    for path in folder.iterdir():
        assert tmp_path.joinpath(path.name).read_bytes() == path.read_bytes()


HARD = ["a<b>&\"c'", "x|y`z", "``", "under_score*s", "ü [l](n)", "back\\slash", "line\nbreak"]


def test_folders_of_any_name(tmp_path: Path) -> None:
    jobs = [
        finished("teacher", "rte", 60.0 + seed, tuned=3, seed=seed, folder=name)
        for seed, name in enumerate(HARD)
    ]
    write_report(jobs, None, tmp_path)
    page = HtmlPage(tmp_path.joinpath("report.html").read_text())
    assert [row[1] for row in page.tables[-1][1:]] == HARD
    markdown = tmp_path.joinpath("report.md").read_text()
    assert [row[1] for row in markdown_tables(markdown)[-1][1:]] == [name.replace("\n", " ") for name in HARD]


def test_text_in_markdown() -> None:
    assert escaped("a_b | <c> [d]\n*e*") == r"a\_b \| \<c\> \[d\] \*e\*"
    assert code("plain") == "`plain`"
    assert code("a`b``c") == "```a`b``c```"
    assert code("`edge") == "`` `edge ``"


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    write_report(JOBS, MIXED, tmp_path)
    page = HtmlPage(tmp_path.joinpath("report.html").read_text())
    assert (page.tables[:-1], page.sources) == (TABLES, [])
    assert "Matplotlib is not installed" in tmp_path.joinpath("report.md").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.md"]


def test_a_full_disk_spares_the_report_of_before(folder: Path, tmp_path: Path) -> None:
    path = write_report(RTE, None, tmp_path)
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}
    with largest_file(1000), pytest.raises(OSError, match="File too large"):
        write_report(JOBS, MIXED, tmp_path)
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before
    with largest_file(folder.joinpath("report.html").stat().st_size - 1), pytest.raises(OSError):
        write_report(JOBS, MIXED, tmp_path)
    assert path.read_bytes() == before[path]
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(each.name for each in folder.iterdir())


@pytest.mark.parametrize(
    ("jobs", "layers", "message"),
    [
        (
            [*RTE_4, finished("teacher", "rte", 1.0, tuned=4, folder="again")],
            None,
            "seed=0 occurs twice, in ",
        ),
        ([*RTE_FULL, *full("mrpc", 1.0, tuned=12)], None, r"BERTs of \[6, 12\] layers"),
        (RTE_FULL, 12, r"BERTs of \[6, 12\] layers"),
        (RTE_4, 3, "L is above 3, the layers of this BERT"),
    ],
)
def test_refusals(jobs: list[FinishedJob], layers: int | None, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        write_report(jobs, None, tmp_path / "out", layers)
    assert not tmp_path.joinpath("out").exists()


def test_a_table_is_whole() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells under a header of 2"):
        Table(("a", "b"), ((Cell("1"),),))
