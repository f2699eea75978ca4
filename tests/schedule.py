"""In which order files are tested, and which of them by one process, where several processes test.

Without it the files of the fewest tests come last, which train and start processes: one core would wait.
"""

from fnmatch import fnmatch
from typing import Any

from xdist.scheduler import LoadFileScheduling

# One process for all that asks the models of `exported`: to make and load them takes half a minute.
# But lifecycle/, which has a model of its own.
TOGETHER = "tests/export/[!l]*"
# What takes longest, and begins first.
FIRST = (
    TOGETHER,
    "tests/export/lifecycle/*",
    "tests/modeling/kinds/test_every_kind.py",
    "tests/modeling/training/test_train_branch.py",
    "tests/search/jobs/test_jobs.py",
    "tests/search/workers/test_*_pool.py",
    "tests/scripts/test_pipeline.py",
    "tests/modeling/tokenization/test_tokenizer.py",
    "tests/search/test_run_search.py",
    "tests/distill/test_distillation.py",
    "tests/modeling/joint/test_*.py",
    "tests/modeling/training/test_*.py",
    "tests/formats/test_*.py",
    "tests/modeling/convert/test_minilm.py",
    "tests/scripts/test_*.py",
    "tests/house/test_docs.py",
)


def rank(node_id: str) -> int:
    """The place of a test's file among those that begin first."""
    file = node_id.partition("::")[0]
    places = (place for place, pattern in enumerate(FIRST) if fnmatch(file, pattern))
    return next(places, len(FIRST))


class Scheduling(LoadFileScheduling):
    """`--dist=loadfile`: a file is one process's; files in their order, and those of TOGETHER as one."""

    def __init__(self, config: Any, log: Any = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return TOGETHER if fnmatch(file, TOGETHER) else file
