"""Which layers go together, by numbers from the papers and where nothing divides."""

import pytest
import tiny

from centrabert.distill.comparison.layer_pairs import evenly_spaced, every_nth, topmost
from centrabert.modeling.branch import Branch

TASK = tiny.task("rte")


@pytest.mark.parametrize(
    ("frozen", "of_teacher", "own", "even", "top", "start"),
    [
        # Sun et al. 2019, section 3.2; Sanh et al. 2019 starts as every second layer.
        (0, 12, 6, [2, 4, 6, 8, 10, 12], [7, 8, 9, 10, 11, 12], [0, 2, 4, 6, 8, 10]),
        (0, 12, 3, [4, 8, 12], [10, 11, 12], [0, 4, 8]),
        (2, 5, 3, [4, 5, 7], [5, 6, 7], [2, 3, 5]),
        (1, 3, 2, [3, 4], [3, 4], [1, 2]),
        (4, 8, 1, [12], [12], [4]),
        (4, 2, 2, [5, 6], [5, 6], [4, 5]),
    ],
)
def test_pairs(
    frozen: int, of_teacher: int, own: int, even: list[int], top: list[int], start: list[int]
) -> None:
    teacher, student = Branch(TASK, frozen, of_teacher), Branch(TASK, frozen, own)
    depths = range(frozen + 1, frozen + own + 1)
    assert evenly_spaced(teacher, student) == tuple(zip(depths, even, strict=True))
    assert topmost(teacher, student) == tuple(zip(depths, top, strict=True))
    assert every_nth(teacher, student) == tuple(start)
