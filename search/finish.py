"""What a search ends with: a choice among what it trained, the report, and the command that merges it."""

import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert.errors import UserError
from centrabert.search.jobs.job_result import FinishedJob
from centrabert.search.report.report import write_report
from centrabert.search.selection.candidate import TEACHER, BranchCandidate
from centrabert.search.selection.candidates_from_jobs import branch_candidates
from centrabert.search.selection.rules import by_marginal_benefit, by_optimum
from centrabert.search.selection.selection import (
    FILE,
    Selection,
    merge_command,
    read_selection,
    write_selection,
)
from centrabert.search.strategy.search_space import SearchSpace

MERGED, ASIDE, NEW, EARLIER = "merged", ".merging", "new", "earlier"


@dataclass(frozen=True)
class Rule:
    """How to choose: by the marginal benefit of a layer, or the best that a budget buys.

    Attributes:
      threshold: In percent points per layer; left alone if there is a budget.
      budget_layers: Of the trunk and all branches together; 0 sets none.
    """

    threshold: float = 1.0
    budget_layers: int = 0

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            raise UserError(f"--threshold={self.threshold} is not above 0")
        if self.budget_layers < 0:
            raise UserError(f"--budget_layers={self.budget_layers} is below 0; 0 sets no budget")

    def select(self, given: list[BranchCandidate]) -> Selection:
        """Raises UserError if nothing fits the budget."""
        if self.budget_layers:
            return by_optimum(given, self.budget_layers)
        return by_marginal_benefit(given, self.threshold)


def selectable(
    jobs: Iterable[FinishedJob], space: SearchSpace, dev_rows: Mapping[str, int]
) -> list[BranchCandidate]:
    """What there is to choose among, for each task that has a teacher.

    Args:
      jobs: Of the tasks of `space`.
      dev_rows: For each task, how many rows a quality is measured on.
    """
    given = branch_candidates(jobs, space.num_hidden_layers, dev_rows)
    able = {candidate.task for candidate in given if candidate.kind == TEACHER}
    return [candidate for candidate in given if candidate.task in able]


def report(
    jobs: Sequence[FinishedJob], space: SearchSpace, output_dir: Path, selection: Selection | None
) -> None:
    """Writes the report on the jobs, and names it."""
    if jobs:
        page = write_report(jobs, selection, output_dir, space.num_hidden_layers)
        print(f"report: {page}")


def finish(
    jobs: Sequence[FinishedJob], space: SearchSpace, output_dir: Path, selection: Selection, merge: bool
) -> None:
    """Writes selection.json and the report, and prints or runs the command that merges.

    Raises:
      UserError: Merging failed.
      OSError: The disk is full.
    """
    earlier, bert_dir = _earlier(output_dir), Path(space.bert_dir)
    write_selection(selection, output_dir)
    report(jobs, space, output_dir, selection)
    command = merge_command(selection, bert_dir, output_dir / MERGED)
    print(selection_text(selection, command, earlier), end="", flush=True)
    if merge:
        _merge(selection, bert_dir, output_dir)


def _merge(selection: Selection, bert_dir: Path, output_dir: Path) -> None:
    """Merges aside; the model of an earlier selection stays in its place until the new one is whole."""
    merged, aside = output_dir / MERGED, output_dir / ASIDE
    _settle(merged, aside)
    aside.mkdir()
    try:
        if subprocess.run(merge_command(selection, bert_dir, aside / NEW)).returncode:
            raise UserError(f"{merged}: merging failed, for the reason given above")
        if merged.exists():
            merged.rename(aside / EARLIER)
        (aside / NEW).rename(merged)
    finally:
        _settle(merged, aside)


def _settle(merged: Path, aside: Path) -> None:
    """After whatever interruption: one whole model in its place, and nothing beside it."""
    if (aside / EARLIER).exists() and not merged.exists():
        (aside / EARLIER).rename(merged)
    shutil.rmtree(aside, ignore_errors=True)


def selection_text(selection: Selection, command: list[str], earlier: Selection | None = None) -> str:
    """The choice as a table, with what `earlier` chose where that was another, and the command."""
    return "".join(f"{line}\n" for line in _lines(selection, command, earlier))


def _lines(selection: Selection, command: list[str], earlier: Selection | None) -> Iterator[str]:
    before = {candidate.task: _layers(candidate) for candidate in (earlier.chosen if earlier else ())}
    for candidate in selection.chosen:
        layers, seeds = _layers(candidate), f"{candidate.seeds} seeds" if candidate.seeds > 1 else "1 seed"
        changed = f", before: {was}" if (was := before.get(candidate.task, layers)) != layers else ""
        yield f"{candidate.task:5}  {layers}  {candidate.quality:.1f} ({seeds}){changed}"
    yield f"{selection.layers} layers in all, mean quality {selection.mean_quality:.1f}"
    yield shlex.join(command)


def _layers(candidate: BranchCandidate) -> str:
    return f"{candidate.kind:7}  {candidate.frozen} shared + {candidate.tuned} own layers"


def _earlier(folder: Path) -> Selection | None:
    """The selection that stands in the folder, if there is one and it can be read."""
    try:
        return read_selection(folder) if (folder / FILE).exists() else None
    except UserError as error:
        logging.warning("replaced an earlier selection: %s", error)
        return None
