"""The folders that commit 78db6b1 wrote, and whether this machine rounds as the one that wrote them."""

import json
from pathlib import Path
from typing import Any

import pytest

KEPT = Path(__file__).parent / "78db6b1"
BRANCHES = ("rte", "stsb", "rte_student", "rte_full")
SERVED = ("rte", "stsb")


def read(name: str) -> Any:
    """A JSON file of KEPT, as it stands there."""
    return json.loads((KEPT / name).read_text(encoding="utf-8"))


def need_the_same_machine() -> None:
    """Skips the test where other kernels add in another order: another CPU or TensorFlow."""
    import numpy as np
    import tensorflow as tf

    (flags,) = {line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")}
    cpu = sorted(flag for flag in flags.split() if flag.startswith(("avx", "amx", "fma")))
    here, kept = {"tensorflow": tf.__version__, "numpy": np.__version__, "cpu": cpu}, read("machine.json")
    if here != kept:
        pytest.skip(f"the kept bits are of {kept}, this machine has {here}")
