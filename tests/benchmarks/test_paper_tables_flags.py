"""What the flags of the paper's tables refuse."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.paper_tables import Run
from centrabert.errors import UserError


def run(**flags: Any) -> Run:
    return Run(bert_dir=Path("e5"), **flags)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"tasks": ()}, "--tasks is empty"),
        ({"partial_rates": ()}, "--partial_rates is empty"),
        ({"tasks": ("rte", "snli")}, "--tasks: snli is none of rte"),
        ({"rows": ("kd", "fitnets")}, "--rows: fitnets is none of full"),
        ({"seeds": (0, -1)}, "--seeds: -1 is below 0"),
        ({"student_layers": (0,)}, "--student_layers: 0 is below 1"),
        ({"full_rates": (5e-5, 0.0)}, "--full_rates: 0.0 is not above 0"),
    ],
)
def test_lists_that_name_nothing_to_train_are_told(flags: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        run(**flags)


def test_layers_that_the_encoder_has_not_are_told() -> None:
    run().check_layers(12)
    with pytest.raises(UserError, match="--bert_dir=e5: has 6 layers"):
        run().check_layers(6)
    with pytest.raises(UserError, match="--teacher_layers: 13 is more than the encoder's 12 layers"):
        run(teacher_layers=(6, 13)).check_layers(12)
    with pytest.raises(
        UserError, match="--student_layers: 5 is more than the smallest of --teacher_layers, 4"
    ):
        run(teacher_layers=(6, 4), student_layers=(4, 5)).check_layers(12)
