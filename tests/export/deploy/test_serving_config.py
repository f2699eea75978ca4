"""Batching, as TF Serving reads it."""

import re
from pathlib import Path

from centrabert.export.deploy.serving_config import write_batching


def test_batching_says_what_tf_serving_reads(tmp_path: Path) -> None:
    lines = write_batching(tmp_path, 7).read_text().splitlines()
    found = dict(re.fullmatch(r"(\w+) \{ value: (\d+) \}", line).groups() for line in lines)  # type: ignore[union-attr]
    assert found == {
        "max_batch_size": "32",
        "batch_timeout_micros": "2000",
        "num_batch_threads": "7",
        "max_enqueued_batches": "100",
    }
