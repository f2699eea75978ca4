"""Collects texts without labels for the students of the tasks to train on.

For each task the script writes OUTPUT_DIR/TASK.tsv: first the task's own training rows beyond
--max_train_rows, then texts of the other tasks, or pairs of them for a task of pairs. Texts that the task has
in its dev or test files are left out. Each line is a text, or two with a tab between them; you can add your
own. `centrabert search` reads the folder (--unlabelled_dir), `centrabert distill` one of its files
(--unlabelled_file).
"""

from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert import command
from centrabert.errors import UserError
from centrabert.flag_fields import define, flag, flag_group, read
from centrabert.glue_data.collected_texts import collected_texts
from centrabert.glue_data.readers.unlabelled_texts import unlabelled_file
from centrabert.glue_data.task_data import Examples, TaskData, sampled_rows
from centrabert.modeling.files import write_text
from centrabert.task_flags import TaskListFlags


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the flags ask for."""

    data: TaskListFlags = flag_group()
    max_texts: int = flag("Maximum number of texts, or pairs, for each task.", 10_000, lower_bound=1)
    max_train_rows: int = flag(
        "Number of its training rows that a task is trained on with their labels, as in the search. 0 means "
        "all.",
        0,
        lower_bound=0,
    )
    output_dir: Path = flag("Folder to write a file for each task into.")


FLAGS = define(Run)


def main() -> None:
    run(read(Run, FLAGS))


def run(run: Run) -> None:
    """Reads all tasks before it writes the first file.

    Raises:
      UserError: A file is there already, which somebody may have added to, or there is nothing to write.
    """
    _, tasks = run.data.find()
    for file in (unlabelled_file(run.output_dir, task.name) for task in tasks):
        if file.exists():
            raise UserError(f"{file}: is there already; remove it, or give another --output_dir")
    trains = {task.name: task.read("train") for task in tasks}
    collected = {}
    for task in tasks:
        own = trains[task.name]
        labelled, evaluated = _labelled(own, run.max_train_rows), _evaluated(task)
        collected[task.name] = collected_texts(
            own, labelled, evaluated, trains.values(), task.pair, run.max_texts
        )
    if not any(collected.values()):
        fewer = "a smaller --max_train_rows" if run.max_train_rows else "--max_train_rows"
        raise UserError(
            f"tasks {', '.join(trains)}: none has a text for another; name more tasks, or give {fewer}"
        )
    run.output_dir.mkdir(parents=True, exist_ok=True)
    for name, lines in collected.items():
        file = unlabelled_file(run.output_dir, name)
        if lines:
            write_text(file, "".join(f"{line}\n" for line in lines))
        logging.info("%s: %d texts", file if lines else f"{name}, which has no file", len(lines))


def _labelled(train: Examples, most: int) -> Examples:
    """The rows that a training takes."""
    rows = sampled_rows(len(train), most or None)
    return Examples(tuple(train.text_a[row] for row in rows), tuple(train.text_b[row] for row in rows))


def _evaluated(task: TaskData) -> list[Examples]:
    """The rows of every other split whose file is there; a declared dev_fraction is a dev split, too."""
    return [task.read(split) for split, file in task.splits.items() if split != "train" and file.exists()]


if __name__ == "__main__":
    command.run(main, FLAGS)
