"""How the report's figures look: SVG that is readable on light and on dark pages.

Matplotlib, which is an extra, is loaded when something is drawn.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Stands for the colour of text until the SVG is written: dark on a light page, light on a dark one.
INK = "#010203"
ADAPTING = (
    "<style>svg { color: #1b1f24 } @media (prefers-color-scheme: dark) { svg { color: #e3e6ea } }</style>"
)
BLUE, ORANGE, GREEN = "#3a86c8", "#dd7a1f", "#3c9d6b"  # seen well on white and on near-black
GRID = "#80808055"
LOOK = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10.0,
    "legend.frameon": False,
    "svg.fonttype": "path",  # so that every page shows the letters that the labels were placed for
    "svg.hashsalt": "centrabert",  # the same drawing gives the same bytes
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
UNSAID = {"Creator": None, "Date": None, "Format": None, "Type": None}


@contextmanager
def drawing(width: float, height: float) -> Iterator["Figure"]:
    """An empty drawing of so many inches; no window and no global state, unlike pyplot's.

    Raises:
      ImportError: Matplotlib is not installed.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(LOOK):
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.set_facecolor("none")
        FigureCanvasAgg(figure)
        yield figure


def svg(figure: "Figure") -> str:
    """The drawing as an SVG element; to be called inside the block of `drawing`."""
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata=UNSAID)
    text = written.getvalue()
    element = text[text.index("<svg") :].replace(INK, "currentColor")
    head, _, body = element.partition(">")
    return f"{head}>{ADAPTING}{body}"
