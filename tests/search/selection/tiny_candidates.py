"""Candidates to select among, with no training behind them."""

from centrabert.search.selection.candidate import STUDENT, TEACHER, BranchCandidate

LAYERS = 12
# Best L of 4..10 in the paper's Table 1, the smaller on a tie.
PAPER = {"cola": 8, "mnli": 8, "mrpc": 5, "qnli": 10, "qqp": 10, "rte": 5, "sst2": 6, "stsb": 8}


def candidate(
    task: str, frozen: int, tuned: int, quality: float = 80.0, error: float = 0.0
) -> BranchCandidate:
    return BranchCandidate(task, frozen, tuned, TEACHER, quality, error, 3, f"jobs/{task}-{frozen}-{tuned}")


def teacher(task: str, layers: int, quality: float, folder: str = "teacher") -> BranchCandidate:
    return BranchCandidate(task, LAYERS - layers, layers, TEACHER, quality, 0.0, 1, folder)


def student(task: str, layers: int, tuned: int, quality: float, folder: str = "student") -> BranchCandidate:
    """Of the teacher with so many layers."""
    return BranchCandidate(task, LAYERS - layers, tuned, STUDENT, quality, 0.0, 1, folder)
