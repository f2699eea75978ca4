"""A merged model as a drawing, like Figure 1(c) of the paper: one trunk, and a branch for each task.

The trunk stands at the left. The branch that leaves it highest is the next, and the one that leaves it lowest
the last: so no line crosses a branch, however many there are.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from unicodedata import combining, east_asian_width

from centrabert.merge.manifest import Manifest
from centrabert.merge.plan import MergePlan
from centrabert.modeling.branch import Branch

# Pixels. A layer of a branch stands as high as the same layer of the trunk.
BOX, GAP, PITCH, CURVE = 20, 10, 30, 5
TRUNK_WIDTH, OWN_WIDTH = 112, 84
MARGIN, SPACE = 16, 22
HEAD = 6  # radius
LINE = 15
NAME_CELL, LABEL_CELL = 7.9, 6.7  # a letter of the monospaced fonts that there are, bold at 13 and at 11 px
LEGEND_CELL = 7.5
LONGEST, MOST_LABELS = 32, 4
NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
STYLE = """
.drawing { --on: #22303f; --quiet: #5d6874; --shared: #dce6f1; --shared-line: #7d97b5; --own: #f8e3cf;
  --own-line: #c58a4e; color: var(--on); font: 11px ui-sans-serif, system-ui, sans-serif }
@media (prefers-color-scheme: dark) { .drawing { --on: #e4e7eb; --quiet: #9aa5b1; --shared: #24354a;
  --shared-line: #6284aa; --own: #4a3520; --own-line: #c28d55 } }
.drawing text { fill: currentColor; text-anchor: middle }
.drawing .mono, .drawing .name { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
.drawing .name { font-size: 13px; font-weight: 600 }
.drawing .quiet { fill: var(--quiet) }
.drawing .told { font-size: 13px; text-anchor: start }
.drawing .shared { fill: var(--shared); stroke: var(--shared-line) }
.drawing .own, .drawing .head { fill: var(--own); stroke: var(--own-line) }
.drawing path { fill: none; stroke-width: 1.5 }
.drawing .stem { stroke: var(--shared-line) }
.drawing .rail { stroke: var(--own-line) }
.drawing .guide { stroke: var(--own-line); opacity: .25 }
.drawing .tap { fill: var(--own-line) }
"""


def drawing(manifest: Manifest) -> str:
    """An SVG element that stands alone or in a page; colours follow the reader's scheme, light or dark.

    Layers of the trunk are `g.layer` with `data-layer`, branches `g.branch` with `data-task`. Branches that
    leave the trunk together go the same way, `.way`, above a paler `.guide`: a page may hide some of them.
    """
    plan = manifest.plan
    branches = sorted(plan.branches, key=lambda branch: (-branch.frozen, branch.task.name))
    floor = MARGIN + max(map(_height, branches))
    widths = [_width(branch) for branch in branches]
    lefts = [MARGIN + TRUNK_WIDTH + SPACE + sum(widths[:place]) for place in range(len(widths))]
    legend_width = 2 * MARGIN + len(_totals(plan)) * LEGEND_CELL
    width = round(max(lefts[-1] + widths[-1] + MARGIN - SPACE, legend_width))
    height = floor + BOX + 3 * LINE + 4 * (LINE + 6)
    centres = [left + (own - SPACE) / 2 for left, own in zip(lefts, widths, strict=True)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="img" width="{width}" '
            f'height="{height}" viewBox="0 0 {width} {height}" aria-labelledby="drawing-title" '
            'aria-describedby="drawing-text">',
            f'<title id="drawing-title">{_counted(len(branches), "task")} on one shared trunk</title>',
            f'<desc id="drawing-text">{" ".join(_described(plan, branches))}</desc>',
            f"<style>{STYLE}</style>",
            *_trunk(plan.trunk_depth, floor),
            *_branches(branches, centres, floor),
            *_legend(plan, floor + BOX + 3 * LINE),
            "</svg>",
        ]
    )


def _described(plan: MergePlan, branches: Sequence[Branch]) -> Iterator[str]:
    yield f"{_totals(plan)}."
    for branch in branches:
        under = f"layer_{branch.frozen - 1}" if branch.frozen else "the embeddings"
        labels = f" {', '.join(branch.task.labels)}" if branch.task.labels else ""
        own = " ".join(f"layer_{layer}" for layer in range(branch.frozen, branch.depth))
        yield _escaped(
            f"{branch.task.name} leaves the trunk above {under}: {own}, {branch.task.kind}{labels}."
        )


def _totals(plan: MergePlan) -> str:
    tasks = len(plan.branches)
    return (
        f"{_counted(plan.layers, 'layer')} for {f'all {tasks} tasks' if tasks > 1 else '1 task'}, against "
        f"{plan.separate_layers} of one BERT per task ({plan.layers / plan.separate_layers:.0%})"
    )


def _trunk(depth: int, floor: int) -> Iterator[str]:
    x = MARGIN + TRUNK_WIDTH / 2
    foot = floor + BOX
    yield f'<path class="stem" d="M{x:g},{foot + GAP} V{foot}"/>'
    yield _words(x, foot + GAP + LINE - 3, "mono quiet", "[CLS] text [SEP]")
    yield _box("shared", "embeddings", x, floor, TRUNK_WIDTH)
    for layer in range(depth):
        top = _top(layer, floor)
        yield f'<g class="layer" data-layer="{layer}">'
        yield f'<path class="stem" d="M{x:g},{top + PITCH} V{top + BOX}"/>'
        yield _box("shared", f"layer_{layer}", x, top, TRUNK_WIDTH)
        yield "</g>"


def _branches(branches: Sequence[Branch], centres: Sequence[float], floor: int) -> Iterator[str]:
    farthest = {branch.frozen: x for branch, x in zip(branches, centres, strict=True)}
    for frozen, x in farthest.items():
        yield f'<path class="guide" d="{_way(frozen, x, floor)}"/>'
    for branch, x in zip(branches, centres, strict=True):
        yield from _branch(branch, x, floor)


def _way(frozen: int, x: float, floor: int) -> str:
    """From the top of the trunk's highest layer that is shared, to where a branch turns up."""
    top = _top(frozen - 1, floor)
    return f"M{MARGIN + TRUNK_WIDTH / 2:g},{top} V{top - CURVE} H{x - CURVE:g}"


def _branch(branch: Branch, x: float, floor: int) -> Iterator[str]:
    """From where it leaves the trunk to its head, its own layers around `x`."""
    turn = _top(branch.frozen - 1, floor) - CURVE
    head = _top(branch.depth - 1, floor) - GAP - HEAD
    name = _escaped(branch.task.name)
    yield f'<g class="branch" data-task="{name}">'
    yield f"<title>{_escaped(_tooltip(branch))}</title>"
    yield f'<path class="rail way" d="{_way(branch.frozen, x, floor)}"/>'
    yield f'<circle class="tap way" cx="{MARGIN + TRUNK_WIDTH / 2:g}" cy="{turn}" r="2.5"/>'
    corner = f"Q{x:g},{turn} {x:g},{turn - CURVE}"
    yield f'<path class="rail" d="M{x - CURVE:g},{turn} {corner} V{head + HEAD}"/>'
    for layer in range(branch.frozen, branch.depth):
        yield _box("own", f"layer_{layer}", x, _top(layer, floor), OWN_WIDTH)
    yield f'<circle class="head" cx="{x:g}" cy="{head}" r="{HEAD}"/>'
    lines = _lines(branch)
    for place, (style, line) in enumerate(lines):
        yield _words(x, head - HEAD - 7 - LINE * (len(lines) - 1 - place), style, _escaped(line))
    yield "</g>"


def _tooltip(branch: Branch) -> str:
    return f"{branch.task.name}: {', '.join(branch.task.labels) or branch.task.kind}"


def _lines(branch: Branch) -> list[tuple[str, str]]:
    """What stands above a head, from the top, each with its style."""
    labels = list(branch.task.labels)
    if len(labels) > MOST_LABELS:
        labels[MOST_LABELS - 1 :] = [f"+ {len(labels) - MOST_LABELS + 1} more"]
    shown = [("name", branch.task.name), ("quiet", branch.task.kind), *(("mono", label) for label in labels)]
    return [(style, _shortened(text)) for style, text in shown]


def _shortened(text: str) -> str:
    """Beginning and end of a text that is too long, for names differ at either."""
    if _cells(text) <= LONGEST:
        return text
    most, least = LONGEST * 2 // 3, LONGEST // 3 - 1
    begin, end = text[:most], text[-least:]
    while _cells(begin) > most:
        begin = begin[:-1]
    while _cells(end) > least:
        end = end[1:]
    return f"{begin}…{end}"


def _cells(text: str) -> int:
    """Columns of a monospaced font that a text fills."""
    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def _width(branch: Branch) -> float:
    """Of a branch, with the space to the next."""
    texts = (_cells(text) * (NAME_CELL if style == "name" else LABEL_CELL) for style, text in _lines(branch))
    return max(OWN_WIDTH, *texts) + SPACE


def _height(branch: Branch) -> int:
    """Of a branch above the embeddings, with what stands above its head."""
    return branch.depth * PITCH + GAP + 2 * HEAD + 7 + LINE * len(_lines(branch))


def _top(layer: int, floor: int) -> int:
    """The y of a layer's upper edge; that of the embeddings, -1, is `floor`."""
    return floor - (layer + 1) * PITCH


def _legend(plan: MergePlan, y: int) -> Iterator[str]:
    shared = f"{_counted(plan.trunk_depth, 'frozen layer')}, the trunk, computed once"
    own = f"{_counted(plan.layers - plan.trunk_depth, 'tuned layer')} above it"
    parts = (("shared", shared), ("own", own))
    for place, (style, text) in enumerate(parts, 1):
        line = y + place * (LINE + 6)
        yield f'<rect class="{style}" x="{MARGIN}" y="{line - 11}" width="12" height="12" rx="2"/>'
        yield _words(MARGIN + 20, line, "told", text)
    yield _words(MARGIN, y + 3 * (LINE + 6), "told", _totals(plan))


def _box(style: str, text: str, x: float, top: int, width: int) -> str:
    return (
        f'<rect class="{style}" x="{x - width / 2:g}" y="{top}" width="{width}" height="{BOX}" rx="3"/>'
        + _words(x, top + 14, "mono", text)
    )


def _words(x: float, y: float, style: str, text: str) -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{text}</text>'


def _escaped(text: str) -> str:
    """A text as XML can hold it; signs that it cannot hold are shown as replaced."""
    return escape(NO_XML.sub("\ufffd", text))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
