"""The tree of versions as columns of signs beside their rows, as `git log --graph` draws commits."""

from collections.abc import Mapping

HERE, PASSING = "●", "│"


def version_tree(parents: Mapping[int, int | None]) -> dict[int, str]:
    """The signs before each version, the newest first: a dot in its column, a line where another passes.

    A version stands in the column of its newest child, so that a line leads from it to its parent.

    Args:
      parents: By number; one that is not a key itself was removed, and ends the line.
    """
    columns: list[int | None] = []  # what each column waits for
    drawn = {}
    for number in sorted(parents, reverse=True):
        if number not in columns:
            columns.append(number)
        own = columns.index(number)
        columns = [each if place == own or each != number else None for place, each in enumerate(columns)]
        signs = [HERE if place == own else PASSING if each else " " for place, each in enumerate(columns)]
        drawn[number] = " ".join(signs).rstrip()
        parent = parents[number]
        columns[own] = parent if parent in parents else None
        while columns and columns[-1] is None:
            columns.pop()
    return drawn
