"""The drawing of Appendix D: quality against overhead."""

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from centrabert.search.report.appendix_d_curve import Curve, Point
from centrabert.search.report.document import Figure
from centrabert.search.report.figure_style import BLUE, GREEN, GRID, INK, ORANGE, drawing, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def curve_figure(curve: Curve) -> Figure:
    """Average quality over layers: the front, the rule's choices, the selection, full fine-tuning.

    Raises:
      ImportError: Matplotlib is not installed.
    """
    with drawing(8.5, 5.0) as figure:
        axes = figure.add_subplot()
        _draw(axes, curve)
        axes.set_xlabel("layers computed for all tasks together")
        axes.set_ylabel("average dev metric (percent)")
        axes.grid(color=GRID)
        axes.margins(0.08, 0.12)
        _overhead_axis(axes, curve.separate_layers)
        figure.legend(loc="outside upper center", ncols=2)
        return Figure("curve", "Average quality over the layers computed for all tasks.", svg(figure))


def _draw(axes: "Axes", curve: Curve) -> None:
    layers, quality = zip(*map(_coordinates, curve.front), strict=True)
    axes.step(layers, quality, where="post", color=BLUE, alpha=0.6)  # flat until the next can be paid
    axes.plot(layers, quality, "o", color=BLUE, markersize=5, label="front (best for its layers)")
    _draw_rule(axes, curve.rule)
    if curve.mixed:
        axes.plot(*_coordinates(curve.mixed), "*", color=GREEN, markersize=15, label="mixed (the selection)")
    if curve.reference is not None:
        axes.axhline(curve.reference, color=INK, linestyle="--", linewidth=1)
        axes.plot(curve.separate_layers, curve.reference, "s", color=INK, label="full fine-tuning")


def _draw_rule(axes: "Axes", rule: Sequence[Point]) -> None:
    layers, quality = zip(*map(_coordinates, rule), strict=True)
    look: dict[str, Any] = {
        "color": ORANGE,
        "markersize": 7,
        "markerfacecolor": "none",
        "markeredgewidth": 1.8,
    }
    axes.plot(layers, quality, "D", label="marginal benefit of threshold c", **look)
    sides = ((7, -5), "left", "top"), ((-7, 5), "right", "bottom")  # in turn, so that neighbours keep apart
    for point, (offset, ha, va) in zip(rule, cycle(sides), strict=False):
        text: dict[str, Any] = {"ha": ha, "va": va, "color": ORANGE}
        axes.annotate(point.name, _coordinates(point), offset, textcoords="offset points", **text)


def _coordinates(point: Point) -> tuple[float, float]:
    return point.choice.cost, point.choice.quality


def _overhead_axis(axes: "Axes", separate_layers: int) -> None:
    def percent(layers: Any) -> Any:
        return 100 * layers / separate_layers

    def layers(percents: Any) -> Any:
        return percents * separate_layers / 100

    scale = axes.secondary_xaxis("top", functions=(percent, layers))
    scale.set_xlabel("percent of the layers of one whole BERT for each task")
