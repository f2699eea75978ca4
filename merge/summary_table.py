"""The table of a merged model: its tasks, their depths, and what it costs against separate models."""

from collections.abc import Sequence

from centrabert.merge.manifest import Manifest
from centrabert.modeling.branch_folder import BranchRecord

HEADER = ("task", "kind", "branch", "frozen", "tuned", "depth", "dev metric", "parameters")


def table(manifest: Manifest) -> str:
    """One line for each task, then the trunk and the whole; ends in a line break."""
    plan = manifest.plan
    rows = [_row(record, plan.owned_parameters(record.branch)) for record in manifest.records]
    return "\n".join(
        [
            *columns([HEADER, *rows]),
            f"trunk: {plan.trunk_depth} layers, {plan.trunk_parameters:,} parameters",
            f"all {_counted(len(rows), 'task')}: "
            f"{_against('layers', plan.layers, plan.separate_layers)}, "
            f"{_against('parameters', plan.parameters, plan.separate_parameters)} as separate models",
            "",
        ]
    )


def _row(record: BranchRecord, parameters: int) -> tuple[str, ...]:
    branch, task = record.branch, record.branch.task
    metric = record.metrics.get(task.metric)
    return (
        task.name,
        task.kind,
        "student" if record.teacher_digest else "teacher",
        str(branch.frozen),
        str(branch.tuned),
        str(branch.depth),
        f"{task.metric} {'unknown' if metric is None else f'{metric:.4f}'}",
        f"{parameters:,}",
    )


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines whose cells stand under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _against(what: str, merged: int, separate: int) -> str:
    return f"{merged:,} {what} against {separate:,} ({merged / separate:.1%})"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
