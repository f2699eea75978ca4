"""Where the parts of a merged model's drawing stand, like Figure 1(c) of the paper; a template draws them.

The branch that leaves the trunk highest stands next to it, and the one that leaves it lowest is the last: so
no line crosses a branch, however many there are.
"""

from typing import Any
from unicodedata import combining, east_asian_width

from centrabert.merge.plan import MergePlan
from centrabert.modeling.branch import Branch

# Pixels. A layer of a branch stands as high as the same layer of the trunk, which is 112 wide.
PITCH, MARGIN, FIRST, OWN_WIDTH, SPACE, LINE = 30, 16, 150, 84, 22, 15
HEAD_HEIGHT, LEGEND_HEIGHT = 29, 149  # above a branch's boxes to its texts; below the trunk's lowest box
NAME_CELL, LABEL_CELL, LEGEND_CELL = 7.9, 6.7, 7.5  # widths of a letter in the fonts that there are
MAX_CHARACTERS, MAX_LABELS = 32, 4


def diagram(plan: MergePlan) -> dict[str, Any]:
    """The values of model_diagram.svg; `columns` are branches, each with its middle and its texts."""
    left, columns, heights = float(FIRST), [], []
    for branch in sorted(plan.branches, key=lambda branch: (-branch.frozen, branch.task.name)):
        texts = _texts(branch)
        width = max(OWN_WIDTH, *(_width(style, text) for style, text in texts))
        columns.append({"branch": branch, "x": left + width / 2, "texts": texts})
        heights.append(branch.depth * PITCH + HEAD_HEIGHT + LINE * len(texts))
        left += width + SPACE
    floor = MARGIN + max(heights)
    tasks = f"all {len(columns)} tasks" if len(columns) > 1 else "1 task"
    totals = (
        f"{counted(plan.layers, 'layer')} for {tasks}, against {plan.separate_layers} of one BERT per task "
        f"({plan.layers / plan.separate_layers:.0%})"
    )
    whole = round(max(left - SPACE + MARGIN, 2 * MARGIN + len(totals) * LEGEND_CELL))
    sizes = {"width": whole, "height": floor + LEGEND_HEIGHT, "floor": floor}
    return {"plan": plan, "columns": columns, "totals": totals, **sizes}


def counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _texts(branch: Branch) -> list[tuple[str, str]]:
    """The texts above a branch's head, each with its style; of a long one beginning and end."""
    labels = list(branch.task.labels)
    if len(labels) > MAX_LABELS:
        labels[MAX_LABELS - 1 :] = [f"+ {len(labels) - MAX_LABELS + 1} more"]
    texts = [("name", branch.task.name), ("quiet", branch.task.kind), *(("mono", label) for label in labels)]
    return [(style, f"{t[:21]}…{t[-9:]}" if len(t) > MAX_CHARACTERS else t) for style, t in texts]


def _width(style: str, text: str) -> float:
    """Pixels in a monospaced font, in which some signs fill no column and some fill two."""
    cells = sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)
    return cells * (NAME_CELL if style == "name" else LABEL_CELL)
