"""Selects branches again from a finished search, by another rule, budget or weights; trains nothing.

Reads the finished jobs of one search, or of several of different tasks on one BERT, writes selection.json and
report.html, and prints the command that merges. A budget is a number of layers, megabytes of variables, or
milliseconds for all tasks, measured now on this machine.

    centrabert select --search_dirs=output/search --rule=optimum --budget=12
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import numbers_by_name
from centrabert.glue_data.task_lookup import find_task
from centrabert.modeling.config import BertConfig
from centrabert.modeling.file_lock import exclusive
from centrabert.search.finish import finish, selectable
from centrabert.search.jobs.job_result import FinishedJob
from centrabert.search.jobs.job_spec import JobSpec
from centrabert.search.preflight import CONFIG
from centrabert.search.search_loop import JOBS, finished_jobs
from centrabert.search.selection.candidate import BranchCandidate
from centrabert.search.selection.rules import by_marginal_benefit, by_one_standard_error, by_optimum
from centrabert.search.selection.selection import MARGINAL_BENEFIT, OPTIMUM, RULES, Selection
from centrabert.search.selection.serving_cost import LAYERS, Cost, memory_cost
from centrabert.search.strategy.search_space import SearchSpace, read_space

UNITS = ("layers", "megabytes", "milliseconds")
FLAGS = flags.FlagValues()
flags.DEFINE_list(
    "search_dirs",
    None,
    "Folders that run_search wrote, its --output_dir, separated by commas.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "output_dir",
    None,
    "Folder to write selection and report into. By default it is the search folder, if there is only one.",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "rule",
    MARGINAL_BENEFIT,
    list(RULES),
    "Rule of selection. marginal_benefit is the paper's: every further layer must gain --threshold points. "
    "optimum takes the best mean quality within --budget. one_standard_error takes, for each task, the "
    "cheapest branch within one standard error of the best.",
    flag_values=FLAGS,
)
flags.DEFINE_float("threshold", 1.0, "c of the rule marginal_benefit, in percent points.", flag_values=FLAGS)
flags.DEFINE_float(
    "budget",
    None,
    "Budget of the rule optimum, for trunk and branches together, in the unit of --unit.",
    flag_values=FLAGS,
)
flags.DEFINE_enum(
    "unit",
    "layers",
    list(UNITS),
    "Unit of costs and of --budget; milliseconds are measured now, on this machine.",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "task_weights",
    [],
    "Weight of each task, as in rte:2,mrpc:1. By default all tasks have the same weight.",
    flag_values=FLAGS,
)
flags.DEFINE_bool("merge", False, "Merge the selected branches into OUTPUT_DIR/merged.", flag_values=FLAGS)
flags.mark_flag_as_required("search_dirs", flag_values=FLAGS)


@dataclass(frozen=True)
class Choosing:
    """What the flags ask for; raises UserError for what does not go together."""

    rule: str
    threshold: float
    budget: float | None
    unit: str
    weights: Mapping[str, float] | None

    def __post_init__(self) -> None:
        if (self.budget is not None) != (self.rule == OPTIMUM):
            raise UserError("--budget goes with --rule=optimum, and --rule=optimum with a --budget")
        if self.rule == MARGINAL_BENEFIT and self.unit != UNITS[0]:
            raise UserError(f"--unit={self.unit}: marginal_benefit counts layers")

    def select(self, given: Sequence[BranchCandidate], cost: Cost) -> Selection:
        if self.budget is not None:
            return by_optimum(given, self.budget, cost, self.weights)
        if self.rule == MARGINAL_BENEFIT:
            return by_marginal_benefit(given, self.threshold, self.weights)
        return by_one_standard_error(given, cost, self.weights)


def main() -> None:
    weights = numbers_by_name("task_weights", FLAGS.task_weights) or None
    choosing = Choosing(FLAGS.rule, FLAGS.threshold, FLAGS.budget, FLAGS.unit, weights)
    folders = [Path(folder).resolve() for folder in FLAGS.search_dirs]
    if len(folders) > 1 and not FLAGS.output_dir:
        raise UserError("several --search_dirs want an --output_dir for what is selected among them")
    run(choosing, folders, Path(FLAGS.output_dir or folders[0]).resolve(), FLAGS.merge)


def run(choosing: Choosing, folders: Sequence[Path], output_dir: Path, merge: bool) -> None:
    """Selects among all finished jobs of the searches' tasks, and writes and prints what comes of it."""
    spaces = [read_space(folder) for folder in folders]  # before a folder is made for a mistyped name
    space = _together(folders, spaces)
    output_dir.mkdir(parents=True, exist_ok=True)
    with exclusive(output_dir):
        pairs = zip(spaces, folders, strict=True)
        jobs = [job for own, folder in pairs for job in finished_jobs(own, folder / JOBS)]
        candidates = selectable(jobs, space, _dev_rows(jobs))
        if not candidates:
            raise UserError(f"{folders[0]}: no task has a trained teacher; run the search first")
        selection = choosing.select(candidates, _cost(choosing.unit, space))
        finish(jobs, space, output_dir, selection, merge)


def _dev_rows(jobs: Iterable[FinishedJob]) -> dict[str, int]:
    """How many rows the qualities of each task are measured on.

    Results of an earlier version do not say it: then the data are read.

    Raises:
      UserError: They cannot be read.
    """
    rows: dict[str, int] = {}
    unknown: dict[str, JobSpec] = {}
    for job in jobs:
        if job.result.dev_rows is None:
            unknown[job.spec.task] = job.spec
        else:
            rows[job.spec.task] = job.result.dev_rows
    for task in unknown.keys() - rows.keys():
        rows[task] = len(find_task(task, data_root=Path(unknown[task].data_root)).read("dev"))
    return rows


def _together(folders: Sequence[Path], spaces: Sequence[SearchSpace]) -> SearchSpace:
    """All searches as one; raises UserError unless they are of one BERT and of different tasks."""
    first, tasks = spaces[0], [task for space in spaces for task in space.tasks]
    for folder, space in zip(folders, spaces, strict=True):
        one, other = ((each.bert_digest or each.bert_dir) for each in (first, space))
        if one != other:
            raise UserError(
                f"{folder}: is of another BERT, {space.bert_dir}, than {folders[0]}, {first.bert_dir}; "
                "they share no trunk"
            )
    if twice := [task for task in tasks if tasks.count(task) > 1]:
        raise UserError(f"task {twice[0]} is in two of --search_dirs; leave one of them out")
    return replace(first, tasks=tuple(tasks))


def _cost(unit: str, space: SearchSpace) -> Cost:
    if unit == "layers":
        return LAYERS
    config = BertConfig.from_json_file(Path(space.bert_dir) / CONFIG)
    if unit == "megabytes":
        return memory_cost(config, space.task_specs)
    from centrabert.search.selection.latency_cost import measure

    times = measure(config)
    print(
        f"{times.embedding:.2f} ms embeddings, {times.layer:.2f} a layer, {times.last_layer:.2f} a last one"
    )
    return times.cost(space.task_specs)


if __name__ == "__main__":
    command.run(main, FLAGS)
