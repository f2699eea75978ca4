"""The drawing of Appendix C: box plots of students by what they started from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from centrabert.search.report.appendix_c_initialization import Starts
from centrabert.search.report.document import Figure
from centrabert.search.report.figure_style import BLUE, GRID, ORANGE, drawing, svg
from centrabert.search.selection.seed_group import FinishedGroup

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

COLUMNS = 4
COLOURS = {"from the teacher's layers": BLUE, "from pretrained layers": ORANGE}


def start_figure(starts: Sequence[Starts]) -> Figure:
    """Box plots over seeds, an axis for each task and a pair of boxes for each l.

    Raises:
      ImportError: Matplotlib is not installed.
    """
    tasks = list(dict.fromkeys(each.task for each in starts))
    columns = min(COLUMNS, len(tasks))
    rows = -(-len(tasks) // columns)
    with drawing(max(4.5, 2.9 * columns), 2.9 * rows + 0.5) as figure:
        grid = figure.subplots(rows, columns, squeeze=False).flat
        for axes in grid[len(tasks) :]:
            axes.set_axis_off()
        for axes, task in zip(grid, tasks, strict=False):
            _draw(axes, [each for each in starts if each.task == task])
        figure.legend(handles=_handles(), loc="outside upper center", ncols=2)
        alt = "Dev metric of students over seeds, by what they started from."
        return Figure("starts", alt, svg(figure))


def _draw(axes: "Axes", starts: Sequence[Starts]) -> None:
    """One task."""
    for position, each in enumerate(starts):
        for group, shift, colour in ((each.teacher, -0.2, BLUE), (each.pretrained, 0.2, ORANGE)):
            if group:
                _draw_box(axes, group, position + shift, colour)
                axes.set_ylabel(f"{group.best.result.metric} (percent)")
    axes.set_title(starts[0].task, fontsize=11)
    axes.set_xticks(range(len(starts)), [f"l = {each.layers}" for each in starts])
    axes.set_xlim(-0.6, len(starts) - 0.4)
    axes.grid(axis="y", color=GRID)


def _draw_box(axes: "Axes", group: FinishedGroup, position: float, colour: str) -> None:
    """A box of the seeds with each of them as a dot on it; one seed is a dot alone."""
    percents = [job.quality for job in group.jobs]
    if len(percents) > 1:
        line = {"color": colour}
        axes.boxplot(
            percents,
            positions=[position],
            widths=0.3,
            manage_ticks=False,
            showfliers=False,
            boxprops=line,
            whiskerprops=line,
            capprops=line,
            medianprops={"color": colour, "linewidth": 2},
        )
    axes.plot([position] * len(percents), percents, "o", color=colour, markersize=4, alpha=0.7)


def _handles() -> list["Artist"]:
    from matplotlib.lines import Line2D

    return [Line2D([], [], color=colour, linewidth=4, label=name) for name, colour in COLOURS.items()]
