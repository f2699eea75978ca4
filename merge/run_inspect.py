"""Prints the tasks of a merged model and what it costs; reads only its manifest.

With --branches it is what these branches would cost on one trunk, of which nothing is written.
"""

from dataclasses import dataclass
from pathlib import Path

from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, read
from centrabert.merge.merged_folder import read_manifest
from centrabert.merge.plan import MergePlan
from centrabert.merge.summary_table import cost_table, table
from centrabert.modeling.branch_folder import read_record


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    merged: Path | None = flag("Folder of a merged model, as run_merge writes it.", None)
    branches: tuple[str, ...] = flag(
        "Branch folders, separated by commas, in place of --merged; those with adapters too, which cannot be "
        "merged.",
        (),
    )

    def __post_init__(self) -> None:
        if (self.merged is None) == (not self.branches):
            raise UserError("give either --merged or --branches")


FLAGS = define(Run)


def main() -> None:
    run = read(Run, FLAGS)
    print(_of_branches(run.branches) if run.merged is None else table(read_manifest(run.merged)), end="")


def _of_branches(folders: tuple[str, ...]) -> str:
    """The table of branches that were not merged; raises UserError if they are on BERTs of other shapes."""
    read_records = (read_record(Path(folder)) for folder in folders)
    records = sorted(read_records, key=lambda record: record.branch.task.name)
    first = records[0]
    for each in records:
        if each.config != first.config:
            names = f"{first.branch.task.name} and {each.branch.task.name}"
            raise UserError(f"--branches: the tasks {names} are on BERTs of different shapes")
    return cost_table(MergePlan(first.config, tuple(each.branch for each in records)), records)


if __name__ == "__main__":
    command.run(main, FLAGS)
