"""Asking a SavedModel about texts: which signature to call, in batches, and the answers as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from centrabert.export.contract.signature_names import DEFAULT
from centrabert.export.engine.tensorflow_engine import Arrays, Predictor
from centrabert.modeling.task import TaskSpec

Texts = Sequence[tuple[str, str]]


def answer_texts(
    predictor: Predictor, tasks: Sequence[TaskSpec], texts: Texts, batch_size: int
) -> Iterator[dict[str, dict[str, Any]]]:
    """The answers of `tasks` to each pair of texts, in order, as {task: answer}.

    A classification answers {"label", "probabilities": {label: probability}}, a regression {"score"}. Pair
    tasks read both texts in one pass through the trunk; the others read the first alone, in another.
    """
    for start in range(0, len(texts), batch_size):
        batch = texts[start : start + batch_size]
        outputs: Arrays = {}
        for pair in (True, False):
            if group := [task for task in tasks if task.pair == pair]:
                outputs.update(_ask(predictor, group, batch, pair))
        for row in range(len(batch)):
            yield {task.name: _answer(task, outputs, row) for task in tasks}


def _ask(predictor: Predictor, tasks: Sequence[TaskSpec], batch: Texts, pair: bool) -> Arrays:
    """`<task>/<answer>` of tasks that read alike."""
    columns = zip(*batch, strict=True)
    inputs = dict(zip(("text_a", "text_b") if pair else ("text_a",), columns, strict=False))
    feeds = {name: np.array(column, np.object_) for name, column in inputs.items()}
    wanted = [f"{task.name}/{answer}" for task in tasks for answer in _answers(task)]
    return predictor.predict(DEFAULT, feeds, wanted)


def _answers(task: TaskSpec) -> tuple[str, ...]:
    return ("score",) if task.kind == "regression" else ("label", "probabilities")


def _answer(task: TaskSpec, outputs: Arrays, row: int) -> dict[str, Any]:
    if task.kind == "regression":
        return {"score": _number(outputs[f"{task.name}/score"][row])}
    probabilities = map(_number, outputs[f"{task.name}/probabilities"][row])
    return {
        "label": outputs[f"{task.name}/label"][row].decode(),
        "probabilities": dict(zip(task.labels, probabilities, strict=True)),
    }


def _number(value: np.float32) -> float:
    """The shortest decimal that is this float32 again."""
    return float(str(value))
