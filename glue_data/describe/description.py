"""The statistics of a task as a text for a terminal: figures in columns, histograms as bars."""

from collections.abc import Iterable, Mapping, Sequence

from centrabert.glue_data.describe.statistics import SplitStatistics
from centrabert.modeling.task import TaskSpec

BAR = 40  # characters of the longest
SHOWN_LABELS = 30
AS_DECLARED = {"crf_tagging": "tagging, crf"}  # the model's name of a kind -> what a user declares
# What a line of the table is called, {} for the max_seq_length -> the field of SplitStatistics.
FIGURES = {
    "rows": "rows",
    "truncated at {}": "truncated",
    "empty": "empty",
    "duplicates": "duplicates",
    "other label": "contradictions",
    "also in train": "shared",
}


def description(task: TaskSpec, splits: Mapping[str, SplitStatistics]) -> str:
    """All of a task; ends in a line break."""
    labels = f", {len(task.labels)} labels" if task.labels else ""
    pairs = ", pairs of texts" if task.pair else ""
    words = f", words split by {task.split}" if task.split else ""
    lines = [f"{task.name}: {AS_DECLARED.get(task.kind, task.kind)}{labels}{pairs}{words}", ""]
    figures = ([what.format(task.max_seq_length), *_figures(what, splits)] for what in FIGURES)
    lines += columns([["", *splits], *figures])
    for title, tables in (("labels", _labels(splits)), ("word pieces", _lengths(splits))):
        for name, rows in tables.items():
            lines += ["", f"{name}, {title}:", *bars(rows)]
    return "\n".join([*lines, "", ""])


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines, the first cell to the left and all others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def bars(rows: Sequence[tuple[str, int]]) -> list[str]:
    """A line for each: name, count and a bar whose length is the count's share of the largest."""
    largest = max(count for _, count in rows)
    cells = columns([[name, f"{count:,}"] for name, count in rows])
    width = max(map(len, cells))
    lengths = [-(-count * BAR // max(largest, 1)) for _, count in rows]
    return [f"  {cell:{width}}  {'#' * length}".rstrip() for cell, length in zip(cells, lengths, strict=True)]


def _figures(what: str, splits: Mapping[str, SplitStatistics]) -> Iterable[str]:
    for split in splits.values():
        count = getattr(split, FIGURES[what])
        if count is None:
            yield "-"
        else:
            yield f"{count:,}" if what == "rows" else f"{count:,} ({count / split.rows:.1%})"


def _labels(splits: Mapping[str, SplitStatistics]) -> dict[str, list[tuple[str, int]]]:
    """Of every split that has some; a long list ends in what the rest have together."""
    tables = {}
    for name, split in splits.items():
        counts = list(split.labels.items())
        shown, rest = counts[:SHOWN_LABELS], counts[SHOWN_LABELS:]
        if rest:
            shown.append((f"{len(rest)} more labels", sum(count for _, count in rest)))
        if shown:
            tables[name] = shown
    return tables


def _lengths(splits: Mapping[str, SplitStatistics]) -> dict[str, list[tuple[str, int]]]:
    return {
        f"{name} ({', '.join(f'{what} {length}' for what, length in split.lengths.items())})": [
            (f"{low} to {high}" if high > low else str(low), count) for low, high, count in split.histogram
        ]
        for name, split in splits.items()
    }
