"""The table of branches on one trunk: tasks, their depths, and what they cost against separate models."""

from collections.abc import Sequence

from centrabert.merge.manifest import Manifest
from centrabert.merge.plan import MergePlan
from centrabert.modeling.branch_folder import BranchRecord

HEADER = ("task", "kind", "branch", "frozen", "tuned", "depth", "dev metric", "parameters")
ADAPTED = "each of which computes all of its layers, on parameters of the trunk; merge refuses them"


def table(manifest: Manifest) -> str:
    """That of a merged model; see `cost_table`."""
    return cost_table(manifest.plan, manifest.records)


def cost_table(plan: MergePlan, records: Sequence[BranchRecord]) -> str:
    """One line for each task, then the trunk and the whole; ends in a line break."""
    rows = [_row(record, plan.owned_parameters(record.branch)) for record in records]
    adapted = sum(bool(branch.adapter_size) for branch in plan.branches)
    return "\n".join(
        [
            *columns([HEADER, *rows]),
            f"trunk: {plan.trunk_depth} layers, {plan.trunk_parameters:,} parameters",
            *[f"adapters: {_counted(adapted, 'task')}, {ADAPTED}"] * bool(adapted),
            f"all {_counted(len(rows), 'task')}: "
            f"{_against('layers', plan.layers, plan.separate_layers)}, "
            f"{_against('parameters', plan.parameters, plan.separate_parameters)} as separate models",
            "",
        ]
    )


def _row(record: BranchRecord, parameters: int) -> tuple[str, ...]:
    branch, task = record.branch, record.branch.task
    kind = "student" if record.teacher_digest else "teacher"
    metric = record.metrics.get(task.metric)
    return (
        task.name,
        task.kind,
        f"adapters of {branch.adapter_size}" if branch.adapter_size else kind,
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
