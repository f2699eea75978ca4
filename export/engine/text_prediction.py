"""Asking a SavedModel about texts: which signature to call, in batches, and the answers as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from centrabert.export.contract.signature_names import DEFAULT
from centrabert.export.engine.tensorflow_engine import Arrays, Predictor
from centrabert.modeling.kinds.python_values import strings_as_text
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.task import TaskSpec

Texts = Sequence[tuple[str, str]]


def answer_texts(
    predictor: Predictor, tasks: Sequence[TaskSpec], rows: Texts, batch_size: int
) -> Iterator[dict[str, dict[str, Any]]]:
    """The answers of `tasks` to each pair of texts, in order, as {task: answer}.

    What an answer looks like is the kind's `answer_json`. Tasks that read alike share one pass through the
    trunk.
    """
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        outputs: Arrays = {}
        for reading in dict.fromkeys(task.reading for task in tasks):
            group = [task for task in tasks if task.reading == reading]
            outputs.update(_ask(predictor, group, batch, reading.pair))
        columns = [_answers(task, outputs, [text_a for text_a, _ in batch]) for task in tasks]
        for row in zip(*columns, strict=True):
            yield {task.name: answer for task, answer in zip(tasks, row, strict=True)}


def _ask(predictor: Predictor, tasks: Sequence[TaskSpec], batch: Texts, pair: bool) -> Arrays:
    """The outputs of tasks that read alike, by full name."""
    columns = zip(*batch, strict=True)
    inputs = dict(zip(("text_a", "text_b") if pair else ("text_a",), columns, strict=False))
    feeds = {name: np.array(column, np.object_) for name, column in inputs.items()}
    wanted = [f"{task.name}/{output.name}" for task in tasks for output in KINDS[task.kind].outputs]
    return predictor.predict(DEFAULT, feeds, wanted)


def _answers(task: TaskSpec, outputs: Arrays, text_a: Sequence[str]) -> list[dict[str, Any]]:
    """The task's answer to each row."""
    kind = KINDS[task.kind]
    columns = {output.name: strings_as_text(outputs[f"{task.name}/{output.name}"]) for output in kind.outputs}
    answers = zip(kind.answers(columns, task.labels), text_a, strict=True)
    return [kind.answer_json(answer.with_text(text), task.labels) for answer, text in answers]
