"""Predicts texts with an exported model, in this process.

The predictions are JSON, one object per line: {"text_a", "text_b", "answers": {task: answer}}. --input is a
tab-separated file without header and without quoting. Its first column is text_a; if one of the tasks reads
pairs of texts, its second column is text_b. A blank line is a row of empty texts.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from absl import logging

from centrabert import command
from centrabert.errors import UserError
from centrabert.export.contract.version_folder import EXTRA, find_version
from centrabert.export.engine.task_arguments import asked_tasks, check_texts, columns
from centrabert.flag_fields import define, flag, read
from centrabert.glue_data.readers.tsv import read_table
from centrabert.merge.merged_folder import read_manifest
from centrabert.modeling.files import atomic_file
from centrabert.modeling.task import TaskSpec


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the flags ask for."""

    saved_model: Path = flag(
        "Folder of a version, or the export folder, of which the highest version is used."
    )
    task: tuple[str, ...] = flag("Names of tasks, separated by commas; or all.")
    text_a: str | None = flag("The text, or the first text of a pair.", None)
    text_b: str | None = flag("The second text of a pair.", None)
    input: Path | None = flag("TSV file with texts to predict, instead of --text_a.", None)
    output: Path | None = flag("File to write the predictions into; without it they are printed.", None)
    batch_size: int = flag("Number of rows that are computed together.", 32)

    def __post_init__(self) -> None:
        if (self.text_a is None) == (self.input is None):
            raise UserError("give either --text_a or --input")
        if self.input is not None and self.text_b is not None:
            raise UserError("--text_b goes with --text_a; the second column of --input holds it")
        if self.batch_size < 1:
            raise UserError(f"--batch_size={self.batch_size} is below 1")


FLAGS = define(Request)


def main() -> None:
    request = read(Request, FLAGS)
    version = find_version(request.saved_model)
    tasks = asked_tasks(read_manifest(version / EXTRA), [name for name in request.task if name])
    lines = _answers(version, tasks, _texts(request, tasks), request.batch_size)
    if request.output:
        with atomic_file(request.output) as aside, aside.open("w", encoding="utf-8") as output:
            output.writelines(f"{line}\n" for line in lines)
        return
    for line in lines:
        print(line)


def _texts(request: Request, tasks: list[TaskSpec]) -> list[tuple[str, str]]:
    """(text_a, text_b) of every row; text_b is "" where no task reads it."""
    if request.input is None:
        check_texts(tasks, request.text_b)
        return [(request.text_a or "", request.text_b or "")]
    table = read_table(request.input, columns(tasks), blank_rows=True)
    texts = [table.column(name) for name in columns(tasks)]
    return list(zip(texts[0], texts[1] if len(texts) > 1 else ("",) * len(table), strict=True))


def _answers(
    version: Path, tasks: list[TaskSpec], texts: list[tuple[str, str]], batch_size: int
) -> Iterator[str]:
    """One JSON object a row; a warning at the end counts the texts of which a tagging read not all words."""
    from centrabert.export.engine.tensorflow_engine import Predictor
    from centrabert.export.engine.text_prediction import answer_texts

    cut: Counter[str] = Counter()
    with Predictor(version) as predictor:
        answers = answer_texts(predictor, tasks, texts, batch_size)
        for (text_a, text_b), answer in zip(texts, answers, strict=True):
            cut.update(task.name for task in tasks if answer[task.name].get("cut"))
            pair = {"text_b": text_b} if len(columns(tasks)) > 1 else {}
            yield json.dumps({"text_a": text_a, **pair, "answers": answer}, ensure_ascii=False)
    for task in tasks:
        if task.name in cut:
            logging.warning(
                "task %s: %d of %d texts are cut off by max_seq_length %d; their last words have no tag",
                *(task.name, cut[task.name], len(texts), task.max_seq_length),
            )


if __name__ == "__main__":
    command.run(main, FLAGS)
