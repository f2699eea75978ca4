"""What a person sees while a search runs: a table that is kept up to date, or, off the terminal, lines."""

from collections.abc import Sequence
from typing import Protocol, TextIO

from tqdm import tqdm

from centrabert.search.progress import Progress

BAR = "{desc} {bar:20} {n_fmt}/{total_fmt} {postfix}"


class Display(Protocol):
    """Shows where a search stands, again and again."""

    def show(self, news: str, standing: Sequence[Progress], left: str) -> None:
        """Shows what has just happened, where all tasks stand, and the time left; "" for nothing to say."""
        ...

    def close(self) -> None: ...


class Lines:
    """A line for each job that ends, with the costs of all."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, news: str, standing: Sequence[Progress], left: str) -> None:
        if not news:
            return
        whole = standing[-1]
        time = f", at most {left}" if left else ""
        print(f"{whole.ended}/{whole.foreseen} {news}; {whole.text}{time}", file=self._out, flush=True)

    def close(self) -> None:
        """Lines stay as they are."""


class Table:
    """A bar for each task and one for all; what happens scrolls by above them."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._bars: dict[str, tqdm[None]] = {}

    def show(self, news: str, standing: Sequence[Progress], left: str) -> None:
        if news:
            tqdm.write(news, file=self._out)
        for place, each in enumerate(standing):
            if each.name not in self._bars:
                self._bars[each.name] = tqdm(position=place, file=self._out, bar_format=BAR)
            bar = self._bars[each.name]
            bar.set_description_str(f"{each.name:5}", refresh=False)
            bar.n, bar.total = each.ended, each.foreseen
            bar.set_postfix_str(each.text + (f", at most {left}" if left and each is standing[-1] else ""))

    def close(self) -> None:
        for bar in self._bars.values():
            bar.close()


def display(out: TextIO) -> Display:
    """A table on a terminal, else lines."""
    return Table(out) if out.isatty() else Lines(out)
