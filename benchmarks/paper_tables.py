"""The paper's Tables 1 and 2 and Appendices C and D on one encoder: trains what they need, writes the page.

    python -m benchmarks.paper_tables --bert_dir=output/e5 --tasks=rte,cola --rows=full,partial,teachers,kd

Every training is a result in --results, and the page beside it is written anew after each, from all results.
If it was interrupted, run the same command again to resume; another run adds tasks, rows or seeds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.paper.methods import SMALL
from benchmarks.paper.page import page
from benchmarks.paper.results import Results
from benchmarks.paper.schedule import (
    FULL_RATES,
    PARTIAL_RATES,
    ROWS,
    STUDENTS,
    TASKS,
    TEACHER_LAYERS,
    Choices,
    Schedule,
)
from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, read
from centrabert.modeling.files import write_text

if TYPE_CHECKING:
    from benchmarks.paper.training import Training
    from benchmarks.paper.workshop import Workshop

LISTS = ("tasks", "rows", "seeds", "full_rates", "partial_rates", "teacher_layers", "student_layers")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    bert_dir: Path = flag("Folder of the pretrained BERT.")
    data_root: Path = flag("Folder that holds a folder for each GLUE task.", Path("../shared/data/glue"))
    tasks: tuple[str, ...] = flag("Names of GLUE tasks, separated by commas.", TASKS)
    rows: tuple[str, ...] = flag(
        f"What is trained, in this order: some of {', '.join(ROWS)}, separated by commas.", ROWS
    )
    seeds: tuple[int, ...] = flag("Random seeds, separated by commas.", (0,))
    full_rates: tuple[float, ...] = flag(
        "Learning rates of full fine-tuning, separated by commas.", FULL_RATES
    )
    partial_rates: tuple[float, ...] = flag(
        "Learning rates of the top L layers, separated by commas.", PARTIAL_RATES
    )
    teacher_layers: tuple[int, ...] = flag("L of teachers, separated by commas.", TEACHER_LAYERS)
    student_layers: tuple[int, ...] = flag("l of students, separated by commas.", STUDENTS)
    pooling: str = flag("What the head of a text reads.", "mean", choices=("cls", "mean"))
    bfloat16: bool = flag("As --bfloat16 of fine-tune, for all trainings.", False)
    output_dir: Path = flag("Folder to write branches into.", Path("output/paper_tables"))
    results: Path = flag("JSON file of the results.", Path("output/paper_tables/results.json"))
    dry_run: bool = flag("Print the trainings that are left and an estimate of their CPU hours.", False)

    def __post_init__(self) -> None:
        for flag_name in LISTS:
            if not getattr(self, flag_name):
                raise UserError(f"--{flag_name} is empty; leave it out, or name one at least")
        for known, flag_name in ((TASKS, "tasks"), (ROWS, "rows")):
            given: tuple[str, ...] = getattr(self, flag_name)
            if unknown := [each for each in given if each not in known]:
                raise UserError(f"--{flag_name}: {unknown[0]} is none of {', '.join(known)}")
        for flag_name, least in (("seeds", 0), ("teacher_layers", 1), ("student_layers", 1)):
            if low := [each for each in getattr(self, flag_name) if each < least]:
                raise UserError(f"--{flag_name}: {low[0]} is below {least}")
        for flag_name in ("full_rates", "partial_rates"):
            if low := [each for each in getattr(self, flag_name) if not each > 0]:
                raise UserError(f"--{flag_name}: {low[0]} is not above 0")

    def check_layers(self, num_hidden_layers: int) -> None:
        """Raises UserError for what an encoder of so many layers has not."""
        if num_hidden_layers <= SMALL:
            raise UserError(
                f"--bert_dir={self.bert_dir}: has {num_hidden_layers} layers; the tables have models of "
                f"{SMALL} layers, so give an encoder of more"
            )
        if high := [each for each in self.teacher_layers if each > num_hidden_layers]:
            raise UserError(
                f"--teacher_layers: {high[0]} is more than the encoder's {num_hidden_layers} layers"
            )
        least = min(self.teacher_layers)
        if high := [each for each in self.student_layers if each > least]:
            raise UserError(
                f"--student_layers: {high[0]} is more than the smallest of --teacher_layers, {least}"
            )


FLAGS = define(Run)


def main() -> None:
    run(read(Run, FLAGS))


def run(run: Run) -> None:
    """Trains all that is left, one training after the other."""
    from benchmarks.paper.workshop import Workshop
    from centrabert.modeling.bert_folder import BertFolder

    layers = BertFolder.at(run.bert_dir).config().num_hidden_layers
    run.check_layers(layers)
    choices = Choices(run.full_rates, run.partial_rates, run.teacher_layers, run.student_layers)
    schedule = Schedule(layers, run.tasks, run.rows, run.seeds, choices)
    workshop = Workshop(run.bert_dir, run.data_root, run.output_dir, run.pooling, run.bfloat16)
    results = Results.of_setup(run.results, workshop.setup(run.tasks))
    if run.dry_run:
        _print_hours(workshop, schedule.left(results))
        return
    while (training := schedule.next(results)) is not None:
        result = workshop.train(training)
        results.add(training, result)
        write_text(run.results.with_suffix(".md"), page(results))
        print(f"{training.key}: {100 * result.dev:.2f}, {result.cpu_seconds} CPU seconds", flush=True)
    if waiting := schedule.waiting(results):
        print(
            f"Left out: {', '.join(waiting)}. They need the best of results that are not there yet; "
            "train the rows full_rates, partial and teachers first."
        )


def _print_hours(workshop: "Workshop", left: "Sequence[Training]") -> None:
    """A line for each training, and one for each smaller BERT that they need; then the sum."""
    hours = {each.key: workshop.hours(each) for each in left}
    if smaller := {f"the smaller BERT of {each.texts}" for each in left if each.texts}:
        hours |= dict.fromkeys(sorted(smaller), workshop.smaller_hours())
    for key, cost in hours.items():
        print(f"{cost:6.2f}  {key}")
    print(f"{sum(hours.values()):6.2f}  CPU hours, by matrix products in float32")


if __name__ == "__main__":
    command.run(main, FLAGS)
