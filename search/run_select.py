"""Selects anew among what a search has trained: another rule, a budget, weights. Trains nothing.

Reads the jobs in SEARCH_DIR, rewrites its selection.json and report.html, and prints the command that merges.
A budget is a number of layers, megabytes of variables, or milliseconds for all tasks, measured now on this
machine.

    python -m centrabert.search.run_select --search_dir=output/search --rule=optimum --budget=12
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from absl import flags

from centrabert import command
from centrabert.modeling.config import BertConfig
from centrabert.modeling.files import exclusive
from centrabert.search.conclusion import choose, conclude
from centrabert.search.cost import LAYERS, Cost
from centrabert.search.memory_cost import memory_cost
from centrabert.search.opening import CONFIG, open_search
from centrabert.search.option import Option
from centrabert.search.rules import by_marginal_benefit, by_one_standard_error, by_optimum
from centrabert.search.searching import Findings
from centrabert.search.selection import MARGINAL_BENEFIT, OPTIMUM, RULES, Selection
from centrabert.search.space import SearchSpace, read_space

UNITS = ("layers", "megabytes", "milliseconds")
FLAGS = flags.FlagValues()
flags.DEFINE_string("search_dir", None, "The --output_dir of run_search.", flag_values=FLAGS)
flags.DEFINE_enum(
    "rule",
    MARGINAL_BENEFIT,
    list(RULES),
    "marginal_benefit: the paper's, --threshold points for every layer; optimum: the best mean quality for "
    "--budget; one_standard_error: for each task the cheapest that noise does not tell from its best.",
    flag_values=FLAGS,
)
flags.DEFINE_float("threshold", 1.0, "c of marginal_benefit, in percent points.", flag_values=FLAGS)
flags.DEFINE_float("budget", None, "Of optimum, for trunk and branches together.", flag_values=FLAGS)
flags.DEFINE_enum("unit", "layers", list(UNITS), "What costs are counted in.", flag_values=FLAGS)
flags.DEFINE_list(
    "task_weights",
    [],
    "How much each task counts, as in rte:2,mrpc:1. Default: all alike.",
    flag_values=FLAGS,
)
flags.DEFINE_bool("merge", False, "Merge what was selected into SEARCH_DIR/merged.", flag_values=FLAGS)
flags.mark_flag_as_required("search_dir", flag_values=FLAGS)


@dataclass(frozen=True)
class Choosing:
    """What the flags ask for; raises ValueError for what does not go together."""

    rule: str
    threshold: float
    budget: float | None
    unit: str
    weights: Mapping[str, float] | None

    def __post_init__(self) -> None:
        if (self.budget is not None) != (self.rule == OPTIMUM):
            raise ValueError("--budget goes with --rule=optimum, and --rule=optimum with a --budget")
        if self.rule == MARGINAL_BENEFIT and self.unit != UNITS[0]:
            raise ValueError(f"--unit={self.unit}: marginal_benefit counts layers")

    def select(self, given: Sequence[Option], cost: Cost) -> Selection:
        if self.budget is not None:
            return by_optimum(given, self.budget, cost, self.weights)
        if self.rule == MARGINAL_BENEFIT:
            return by_marginal_benefit(given, self.threshold, self.weights)
        return by_one_standard_error(given, cost, self.weights)


def main() -> None:
    choosing = Choosing(FLAGS.rule, FLAGS.threshold, FLAGS.budget, FLAGS.unit, _weights(FLAGS.task_weights))
    run(choosing, Path(FLAGS.search_dir).resolve(), FLAGS.merge)


def run(choosing: Choosing, folder: Path, merge: bool) -> None:
    """Selects among all finished jobs of the search's tasks, and writes and prints what comes of it."""
    space = read_space(folder)
    with exclusive(folder):
        search = open_search(space, folder, cached=True, cores=1).search
        findings = Findings({job.spec: job.result for job in search.finished()})
        cost = _cost(choosing.unit, space)
        selection = choose(search, findings, lambda given: choosing.select(given, cost))
        if selection is None:
            raise ValueError(f"{folder}: no task has a trained teacher; run the search first")
        conclude(search, selection, merge)


def _cost(unit: str, space: SearchSpace) -> Cost:
    if unit == "layers":
        return LAYERS
    config = BertConfig.from_json_file(Path(space.bert_dir) / CONFIG)
    if unit == "megabytes":
        return memory_cost(config, space.task_specs)
    from centrabert.search.serving_time import measure

    times = measure(config)
    print(
        f"{times.embedding:.2f} ms embeddings, {times.layer:.2f} a layer, {times.last_layer:.2f} a last one"
    )
    return times.cost(space.task_specs)


def _weights(pairs: Sequence[str]) -> dict[str, float] | None:
    try:
        return {task: float(weight) for task, weight in (pair.split(":") for pair in pairs)} or None
    except ValueError:
        raise ValueError(f"--task_weights={','.join(pairs)} is not of the form rte:2,mrpc:1") from None


if __name__ == "__main__":
    command.run(main, FLAGS)
