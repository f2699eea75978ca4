"""Tables 1 and 2 and Appendix C of the paper on one encoder: trains what they need, and writes the page.

    python -m benchmarks.paper_tables --bert_dir=output/e5 --tasks=rte,cola --rows=full,partial,teachers,kd

Every training is a result in --results, and the page beside it is written anew after each, from the results
among which the flags choose. If it was interrupted, run the same command again to resume; another run adds
tasks, rows or seeds.
"""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.paper.page import page
from benchmarks.paper.schedule import (
    FULL_RATES,
    PARTIAL_RATES,
    ROWS,
    SAMPLED,
    STUDENTS,
    TEACHER_LAYERS,
    WHOLE,
    Choices,
    Schedule,
)
from benchmarks.paper.training import Results
from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, read


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    bert_dir: Path = flag("Folder of the pretrained BERT.")
    data_root: Path = flag("Folder that holds a folder for each GLUE task.", Path("../shared/data/glue"))
    tasks: tuple[str, ...] = flag("Names of GLUE tasks, separated by commas.", (*WHOLE, *SAMPLED))
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
    results: Path = flag("JSON file of the results.", Path("docs/paper_tables.json"))
    dry_run: bool = flag("Print the trainings that are left and an estimate of their CPU hours.", False)

    def __post_init__(self) -> None:
        for given, known, flag_name in (
            (self.tasks, (*WHOLE, *SAMPLED), "tasks"),
            (self.rows, ROWS, "rows"),
        ):
            if unknown := [each for each in given if each not in known]:
                raise UserError(f"--{flag_name}: {unknown[0]} is none of {', '.join(known)}")


FLAGS = define(Run)


def main() -> None:
    run(read(Run, FLAGS))


def run(run: Run) -> None:
    """Trains all that is left, one training after the other."""
    from benchmarks.paper.workshop import Workshop
    from centrabert.modeling.bert_folder import BertFolder

    layers = BertFolder.at(run.bert_dir).config().num_hidden_layers
    choices = Choices(run.full_rates, run.partial_rates, run.teacher_layers, run.student_layers)
    schedule = Schedule(layers, run.tasks, run.rows, run.seeds, choices)
    results = Results.read(run.results)
    workshop = Workshop(run.bert_dir, run.data_root, run.output_dir, run.pooling, run.bfloat16)
    if run.dry_run:
        left = [each for each in schedule.wanted(results) if not results.of(each)]
        hours = [workshop.hours(each) for each in left]
        for each, cost in zip(left, hours, strict=True):
            print(f"{cost:6.2f}  {each.key}")
        print(f"{sum(hours):6.2f}  CPU hours")
        _print_waiting(schedule, results)
        return
    while (training := schedule.next(results)) is not None:
        result = workshop.train(training)
        results.add(training, result)
        run.results.with_suffix(".md").write_text(page(results, layers, choices))
        print(f"{training.key}: {100 * result.dev:.2f}, {result.cpu_seconds:.0f} CPU seconds", flush=True)
    _print_waiting(schedule, results)


def _print_waiting(schedule: Schedule, results: Results) -> None:
    """What is left out, and why."""
    if waiting := schedule.waiting(results):
        print(
            f"Left out: {', '.join(waiting)}. They need the best of results that are not there yet; "
            "train the rows full_rates, partial and teachers first."
        )


if __name__ == "__main__":
    command.run(main, FLAGS)
